-- Security state: login locks, rate limits, marks of an Idempotency-Key. Times are milliseconds since the epoch.

CREATE TABLE kept (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  size INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_by_space ON kept (tenant, kind, expires_at);
CREATE INDEX kept_by_end ON kept (expires_at);

-- Sums of each space, so that a limit is checked without reading the space.
CREATE TABLE kept_spaces (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  entries INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER kept_added AFTER INSERT ON kept
BEGIN
  INSERT INTO kept_spaces (tenant, kind, entries, bytes) VALUES (NEW.tenant, NEW.kind, 1, NEW.size)
  ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + NEW.size;
END;
CREATE TRIGGER kept_changed AFTER UPDATE OF size ON kept
BEGIN
  UPDATE kept_spaces SET bytes = bytes + NEW.size - OLD.size WHERE tenant = NEW.tenant AND kind = NEW.kind;
END;
CREATE TRIGGER kept_removed AFTER DELETE ON kept
BEGIN
  UPDATE kept_spaces SET entries = entries - 1, bytes = bytes - OLD.size WHERE tenant = OLD.tenant AND kind = OLD.kind;
END;
