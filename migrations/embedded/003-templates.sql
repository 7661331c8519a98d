-- Face templates. `id` names one embedding for ever: a replaced template gets a new one, and none is used twice, so that
-- the search index can be compared with the rows.

CREATE TABLE templates (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  face_id TEXT NOT NULL,
  space TEXT NOT NULL,
  person_id TEXT,
  image_id TEXT NOT NULL,
  -- Milliseconds since the epoch.
  captured_at INTEGER,
  latitude REAL,
  longitude REAL,
  accuracy_m REAL,
  -- 32-bit floats, little-endian.
  embedding BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX templates_by_face ON templates (tenant, face_id, space);
