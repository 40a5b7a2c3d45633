-- What is demanded of hosts: policies (a profile of a benchmark), controls (rules), technologies
-- (platforms). Control numbers begin above Qualys' own. What is said of a policy is from the newest
-- document: `said` is its observed time, `said_by` its digest. What is said of a control is from the newest
-- version of a benchmark: `version` is that, in a form that sorts.

INSERT INTO counter (name, next) VALUES
    ('policy', 1000), ('control', 100000), ('technology', 10000), ('control_result', 1),
    ('control_evidence', 1);

CREATE TABLE compliance_policy (
    no BIGINT NOT NULL PRIMARY KEY,
    project BIGINT NOT NULL REFERENCES project (no),
    benchmark TEXT NOT NULL,
    profile TEXT NOT NULL,
    title TEXT NOT NULL,
    version TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    evaluated BIGINT NOT NULL,
    said BIGINT NOT NULL,
    said_by BLOB NOT NULL,
    UNIQUE (project, benchmark, profile)
);
CREATE INDEX compliance_policy_page ON compliance_policy (project, no);

-- `refs` is JSON.
CREATE TABLE compliance_control (
    no BIGINT NOT NULL PRIMARY KEY,
    project BIGINT NOT NULL REFERENCES project (no),
    rule TEXT NOT NULL,
    statement TEXT NOT NULL,
    category TEXT NOT NULL,
    sub_category TEXT NOT NULL,
    rationale TEXT NOT NULL,
    criticality BIGINT NOT NULL,
    refs TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    version TEXT NOT NULL,
    UNIQUE (project, rule)
);
CREATE INDEX compliance_control_page ON compliance_control (project, no);

CREATE TABLE compliance_technology (
    no BIGINT NOT NULL PRIMARY KEY,
    project BIGINT NOT NULL REFERENCES project (no),
    cpe TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (project, cpe)
);
CREATE INDEX compliance_technology_page ON compliance_technology (project, no);

-- The controls that a policy asks for, recorded time.
CREATE TABLE policy_control (
    policy BIGINT NOT NULL,
    control BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    PRIMARY KEY (policy, control, from_at)
) WITHOUT ROWID;
CREATE INDEX policy_control_of ON policy_control (control, policy);

-- The platforms for which a control was ever judged or asked for.
CREATE TABLE control_technology (
    control BIGINT NOT NULL,
    technology BIGINT NOT NULL,
    PRIMARY KEY (control, technology)
) WITHOUT ROWID;
