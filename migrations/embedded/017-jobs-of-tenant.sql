-- Counts the waiting jobs of one tenant.
CREATE INDEX jobs_unfinished_of_tenant ON jobs (tenant, priority) WHERE finished_at IS NULL;
