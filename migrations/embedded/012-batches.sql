-- Items of batches, letters that could not be delivered, and files that have been seen to. Times are milliseconds since the epoch.

ALTER TABLE jobs ADD COLUMN batch_id TEXT;
ALTER TABLE jobs ADD COLUMN item INTEGER;
CREATE INDEX jobs_by_age ON jobs (tenant, created_at, job_id);
CREATE UNIQUE INDEX jobs_by_batch ON jobs (tenant, batch_id, item) WHERE batch_id IS NOT NULL;

CREATE TABLE dead_letters (
  tenant TEXT NOT NULL,
  dead_letter_id TEXT NOT NULL,
  type TEXT NOT NULL,
  topic TEXT,
  group_name TEXT,
  status INTEGER,
  reason TEXT,
  attempts INTEGER,
  at INTEGER NOT NULL,
  -- A structured CloudEvent in JSON.
  event TEXT NOT NULL,
  PRIMARY KEY (tenant, dead_letter_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dead_letters_by_age ON dead_letters (tenant, at, dead_letter_id);
CREATE INDEX dead_letters_of_all ON dead_letters (at);

CREATE TABLE uploads (
  tenant TEXT NOT NULL,
  upload_id TEXT NOT NULL,
  version TEXT NOT NULL,
  job_id TEXT NOT NULL,
  image_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (tenant, upload_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_image ON uploads (tenant, image_id, at, upload_id);
CREATE INDEX uploads_by_age ON uploads (tenant, at, upload_id);
