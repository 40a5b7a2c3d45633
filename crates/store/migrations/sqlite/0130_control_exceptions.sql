-- Exceptions of controls. `state`: 0 pending, 1 approved, 2 rejected, 3 ended; that one has expired is not
-- stored but follows from `end_at`. `accepted` is the evidence that was approved, 0 for none.

INSERT INTO counter (name, next) VALUES ('control_exception', 1);

CREATE TABLE control_exception (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE,
    project BIGINT NOT NULL,
    enterprise_project BIGINT NOT NULL,
    host BIGINT NOT NULL,
    policy BIGINT NOT NULL,
    control BIGINT NOT NULL,
    instance TEXT NOT NULL,
    technology BIGINT NOT NULL,
    reopens BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    state BIGINT NOT NULL,
    start_at BIGINT NOT NULL,
    end_at BIGINT NOT NULL,
    assignee BIGINT NOT NULL,
    created_by BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_by BIGINT NOT NULL,
    modified_at BIGINT NOT NULL
);
CREATE INDEX control_exception_page ON control_exception (project, no);
CREATE INDEX control_exception_of ON control_exception (host, policy, control, no);
CREATE INDEX control_exception_end ON control_exception (state, end_at, no);

-- What was done to them and why; rows are only added, one for each transaction that did something.
CREATE TABLE control_exception_entry (
    exception BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    comment TEXT NOT NULL,
    PRIMARY KEY (exception, at)
);

-- What lists of hosts and sums over a policy go along.
CREATE INDEX control_exception_policy ON control_exception (policy, state, host);
CREATE INDEX control_result_sums ON control_result (policy, host, posture);
CREATE INDEX asset_hosts ON asset (project, kind, no);
