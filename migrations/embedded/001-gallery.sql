-- Persons, faces and the images they were found on. Times are milliseconds since the epoch; JSON columns are written and
-- read whole. Every key begins with the tenant.

CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT;

CREATE TABLE persons (
  tenant TEXT NOT NULL,
  person_id TEXT NOT NULL,
  external_id TEXT,
  name TEXT,
  metadata TEXT NOT NULL,
  consent TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (tenant, person_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX persons_by_external_id ON persons (tenant, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX persons_by_age ON persons (tenant, created_at, person_id);

CREATE TABLE images (
  tenant TEXT NOT NULL,
  image_id TEXT NOT NULL,
  digest TEXT NOT NULL,
  blob_key TEXT NOT NULL,
  content_type TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  captured_at INTEGER,
  latitude REAL,
  longitude REAL,
  accuracy_m REAL,
  source_id TEXT,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, image_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX images_by_age ON images (tenant, created_at, image_id);

CREATE TABLE faces (
  tenant TEXT NOT NULL,
  face_id TEXT NOT NULL,
  person_id TEXT,
  image_id TEXT NOT NULL,
  pack TEXT NOT NULL,
  space TEXT NOT NULL,
  -- box, confidence, landmarks, pose and quality
  detection TEXT NOT NULL,
  captured_at INTEGER,
  latitude REAL,
  longitude REAL,
  accuracy_m REAL,
  source_id TEXT,
  similarity REAL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, face_id),
  FOREIGN KEY (tenant, person_id) REFERENCES persons (tenant, person_id),
  FOREIGN KEY (tenant, image_id) REFERENCES images (tenant, image_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX faces_by_age ON faces (tenant, created_at, face_id);
CREATE INDEX faces_by_person ON faces (tenant, person_id, created_at, face_id);
CREATE INDEX faces_by_image ON faces (tenant, image_id, created_at, face_id);

-- Events that became durable with their rows and wait to be published.
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  topic TEXT NOT NULL,
  event TEXT NOT NULL
) STRICT;
