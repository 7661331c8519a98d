-- Marks of erased persons ('person/ID') and of erased photos ('content/KEYED DIGEST'). See shared/ports/records/erasures.ts.

CREATE TABLE erasures (
  tenant TEXT NOT NULL,
  subject TEXT NOT NULL,
  -- Milliseconds since the epoch.
  at INTEGER NOT NULL,
  PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX erasures_by_age ON erasures (tenant, at, subject);
