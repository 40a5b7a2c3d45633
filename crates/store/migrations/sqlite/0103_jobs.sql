-- Durable work. States: 0 queued, 1 running, 2 succeeded, 3 failed, 4 cancelled.

INSERT INTO counter (name, next) VALUES ('job', 1);

-- `attempt` is raised by every claim. `direct`: somebody asked for this very job, not only a parent.
-- `waiting`: nothing is left to do for itself, but for its children; `open_children` of them are not
-- final. `enterprise_projects` is what its asker sees: `*`, or numbers with one space between. No dedup
-- key: empty; no schedule: 0; instants: 0 for never.
CREATE TABLE job (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    enterprise_projects TEXT NOT NULL,
    kind BIGINT NOT NULL,
    owner TEXT NOT NULL,
    state BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    direct BIGINT NOT NULL,
    waiting BIGINT NOT NULL,
    open_children BIGINT NOT NULL,
    dedup_key TEXT NOT NULL,
    schedule BIGINT NOT NULL,
    fire_time BIGINT NOT NULL,
    payload TEXT NOT NULL,
    result TEXT NOT NULL,
    error TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    created BIGINT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT NOT NULL
);
CREATE UNIQUE INDEX job_wanted_once ON job (project, enterprise_projects, kind, dedup_key)
    WHERE dedup_key <> '' AND state IN (0, 1);
CREATE UNIQUE INDEX job_fired_once ON job (schedule, fire_time) WHERE schedule <> 0;
CREATE INDEX job_to_claim ON job (kind, owner, no) WHERE state = 0;
CREATE INDEX job_running ON job (kind, no) WHERE state = 1;
CREATE INDEX job_to_sweep ON job (no) WHERE state = 4 AND waiting = 1;
CREATE INDEX job_ended ON job (ended, no) WHERE state IN (2, 3, 4);
CREATE INDEX job_by_project ON job (project, no);

-- The present attempt, as its worker's heart-beat writes it outside the log. Apart from `job`, so that
-- heart-beats never wait for transactions that change jobs, nor these for them.
CREATE TABLE job_run (
    job BIGINT NOT NULL PRIMARY KEY REFERENCES job (no),
    attempt BIGINT NOT NULL,
    worker TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    done BIGINT NOT NULL,
    total BIGINT NOT NULL
);

-- Children. One child may have several parents: work wanted twice is done once. `outcome` is 0 until the
-- child is final, then its state.
CREATE TABLE job_link (
    parent BIGINT NOT NULL REFERENCES job (no),
    child BIGINT NOT NULL REFERENCES job (no),
    outcome BIGINT NOT NULL,
    PRIMARY KEY (parent, child)
);
CREATE INDEX job_link_by_child ON job_link (child);
CREATE INDEX job_link_outcome ON job_link (parent, outcome, child);
