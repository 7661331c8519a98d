-- Images whose time of retention is over keep their row and lose their bytes; `bytes` is then 0.

ALTER TABLE images ADD COLUMN expired_at INTEGER;
CREATE INDEX images_unexpired ON images (tenant, created_at, image_id) WHERE expired_at IS NULL;
