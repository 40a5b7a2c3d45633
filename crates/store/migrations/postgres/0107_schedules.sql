-- Schedules of registry scans. A run is a job with the schedule's number and the instant it fired for.

INSERT INTO counter (name, next) VALUES ('schedule', 1);

-- `settings` is JSON. `anchor` is one instant at which it fires; all others lie whole intervals away.
-- `next_fire` is the next of them, or the greatest number for never. `owner` and `enterprise_projects`
-- are whoever asked and what they saw, as in `job`.
CREATE TABLE schedule (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BYTEA NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    registry BIGINT NOT NULL REFERENCES registry (no),
    settings TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    enterprise_projects TEXT COLLATE "C" NOT NULL,
    cancelled BIGINT NOT NULL,
    anchor BIGINT NOT NULL,
    next_fire BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
CREATE INDEX schedule_by_registry ON schedule (registry, no);
CREATE INDEX schedule_due ON schedule (next_fire, no);

-- A scan that found the very image it had read before, and read nothing.
ALTER TABLE job ADD COLUMN unchanged BIGINT NOT NULL DEFAULT 0;
