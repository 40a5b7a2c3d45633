-- What people watch: walks, batches, imports and rematches among any number of scans and exports; the
-- last walk of each registry; what was told.
CREATE INDEX job_watched ON job (project, no) WHERE kind IN (1, 2, 4, 6);
CREATE INDEX job_walk ON job (registry, no) WHERE kind = 1 AND registry <> 0;
CREATE INDEX job_notice ON job (project, no) WHERE kind = 5;
