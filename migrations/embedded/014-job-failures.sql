-- What counts against a job, and the attempt of which nobody has heard the end. Times are milliseconds since the epoch.

-- Attempts that failed or were cut short, as far as the photo may be why.
ALTER TABLE jobs ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
-- NULL: no attempt is under way.
ALTER TABLE jobs ADD COLUMN under_way_since INTEGER;
