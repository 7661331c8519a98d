-- Enrolments that were accepted and are done later. Times are milliseconds since the epoch.

CREATE TABLE jobs (
  tenant TEXT NOT NULL,
  job_id TEXT NOT NULL,
  face_id TEXT NOT NULL,
  priority TEXT NOT NULL,
  status TEXT NOT NULL,
  -- Whom it names, and once it is completed whose the face is; NULL: nobody in particular.
  person_id TEXT,
  external_id TEXT,
  image_key TEXT NOT NULL,
  -- What was asked for; NULL once it is finished.
  request TEXT,
  webhook_url TEXT,
  attempts INTEGER NOT NULL,
  result TEXT,
  error TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER,
  PRIMARY KEY (tenant, job_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_face ON jobs (tenant, face_id, created_at);
CREATE INDEX jobs_by_person ON jobs (tenant, person_id) WHERE person_id IS NOT NULL;
CREATE INDEX jobs_by_external_id ON jobs (tenant, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX jobs_unfinished ON jobs (priority) WHERE finished_at IS NULL;
CREATE INDEX jobs_finished ON jobs (finished_at, started_at) WHERE finished_at IS NOT NULL;
