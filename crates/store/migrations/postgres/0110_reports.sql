-- Reports, and the schedules that make them. The file of a report is the artifact of its job.

INSERT INTO counter (name, next) VALUES ('report', 1);

-- `settings` is JSON: what is asked for, and of a schedule when. `owner` and `enterprise_projects` are
-- whoever asked and what they saw, as in `job`. Schedules are numbered with those of `schedule`, because
-- `job.schedule` may be either; `next_fire` is the greatest number for never.
CREATE TABLE report_schedule (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BYTEA NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    settings TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    enterprise_projects TEXT COLLATE "C" NOT NULL,
    next_fire BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
CREATE INDEX report_schedule_by_project ON report_schedule (project, no);
CREATE INDEX report_schedule_due ON report_schedule (next_fire, no);

-- `schedule` is the number of the one that made it, 0 for none; it may be gone.
CREATE TABLE report (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BYTEA NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    job BIGINT NOT NULL UNIQUE REFERENCES job (no),
    schedule BIGINT NOT NULL,
    settings TEXT COLLATE "C" NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    enterprise_projects TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX report_by_project ON report (project, no);
