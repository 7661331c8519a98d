-- Who did what. Times are milliseconds since the epoch; `subjects` and `details` are JSON. One chain for each tenant, see
-- shared/domain/audit-chain.ts. Every key begins with the tenant.

CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT;

CREATE TABLE audit_entries (
  tenant TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  chain TEXT NOT NULL,
  at INTEGER NOT NULL,
  action TEXT NOT NULL,
  actor TEXT,
  actor_name TEXT,
  subjects TEXT NOT NULL,
  status INTEGER NOT NULL,
  code TEXT,
  address TEXT,
  request_id TEXT NOT NULL,
  details TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (tenant, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_by_time ON audit_entries (tenant, at, sequence);
CREATE INDEX audit_by_actor ON audit_entries (tenant, actor, at, sequence);
CREATE INDEX audit_by_action ON audit_entries (tenant, action, at, sequence);
CREATE INDEX audit_by_request ON audit_entries (tenant, request_id, at, sequence);

-- Answers "who looked at this person" without reading the whole log.
CREATE TABLE audit_subjects (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, id, at, sequence)
) STRICT, WITHOUT ROWID;

-- A fence against mistakes; whoever can drop it is found out by the chain.
CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_entries_remain BEFORE DELETE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_entries_follow BEFORE INSERT ON audit_entries
WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM audit_entries WHERE tenant = NEW.tenant)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_subjects_stay BEFORE UPDATE ON audit_subjects
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_subjects_remain BEFORE DELETE ON audit_subjects
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
