-- Lists of vulnerabilities that exceptions name, and what foreign QIDs mean. `entries` is JSON.

INSERT INTO counter (name, next) VALUES ('vulnerability_list', 1);

CREATE TABLE vulnerability_list (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BYTEA NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    entries TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    UNIQUE (project, name)
);

-- One QID may stand for several CVEs.
CREATE TABLE qid_map (
    qid BIGINT NOT NULL,
    cve TEXT NOT NULL,
    PRIMARY KEY (qid, cve)
);
