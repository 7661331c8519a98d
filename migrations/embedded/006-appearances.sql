-- When a face was seen: when its photo was taken, else when it was enrolled. The index holds what a map needs, so that a
-- hundred thousand appearances are counted without reading their rows.

ALTER TABLE faces ADD COLUMN seen_at INTEGER GENERATED ALWAYS AS (coalesce(captured_at, created_at)) VIRTUAL;
CREATE INDEX faces_by_time ON faces (tenant, person_id, seen_at, face_id, latitude, longitude);
