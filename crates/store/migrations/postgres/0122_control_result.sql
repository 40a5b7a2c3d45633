-- How hosts stand with controls now, what was found there, and how they stood before. `posture` is 0 where
-- `status` means none; `previous` is 0 for none. Times are observed times but for `updated` and `recorded`.
-- `last_passed` and `last_failed` are the largest number while that lasts.

CREATE TABLE control_result (
    no BIGINT NOT NULL PRIMARY KEY,
    project BIGINT NOT NULL,
    host BIGINT NOT NULL,
    policy BIGINT NOT NULL,
    control BIGINT NOT NULL,
    instance TEXT COLLATE "C" NOT NULL,
    technology BIGINT NOT NULL,
    status BIGINT NOT NULL,
    posture BIGINT NOT NULL,
    evidence BIGINT NOT NULL,
    since BIGINT NOT NULL,
    posture_since BIGINT NOT NULL,
    previous BIGINT NOT NULL,
    first_passed BIGINT NOT NULL,
    last_passed BIGINT NOT NULL,
    first_failed BIGINT NOT NULL,
    last_failed BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    UNIQUE (host, policy, control, instance)
);
CREATE INDEX control_result_project ON control_result (project, posture, no);
CREATE INDEX control_result_policy ON control_result (policy, posture, no);
CREATE INDEX control_result_control ON control_result (control, posture, no);

-- The life of a result, `[from_at, to_at)` in observed time: the first look that showed it to the first
-- later look that did not.
CREATE TABLE control_interval (
    result BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    status BIGINT NOT NULL,
    evidence BIGINT NOT NULL,
    recorded BIGINT NOT NULL,
    PRIMARY KEY (result, from_at)
);

-- What was found, once for all results that found the same. `digest` is of `body`, which is JSON; `found`
-- is of what is compared.
CREATE TABLE control_evidence (
    no BIGINT NOT NULL PRIMARY KEY,
    digest BYTEA NOT NULL UNIQUE,
    found BYTEA NOT NULL,
    body TEXT COLLATE "C" NOT NULL
);
