-- Where the work of a job is done. `registry` is the number of the registry that a scan asks, 0 for none.
-- `place` is 0 for the server, and that same number while sensors have to do it.
ALTER TABLE job ADD COLUMN registry BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN place BIGINT NOT NULL DEFAULT 0;
CREATE INDEX job_to_claim_here ON job (kind, owner, no) WHERE state = 0 AND place = 0;
CREATE INDEX job_at_sensor ON job (place, no) WHERE state = 0 AND place <> 0;
CREATE INDEX job_of_registry ON job (registry, no) WHERE registry <> 0 AND state IN (0, 1);
