-- Counts the waiting jobs of each tenant in a lane.
CREATE INDEX jobs_unfinished_of_tenant ON jobs (priority, tenant) WHERE finished_at IS NULL;
