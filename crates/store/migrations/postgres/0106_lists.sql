-- Lists of vulnerabilities that exceptions name, and what foreign QIDs mean. `entries` is JSON.

INSERT INTO counter (name, next) VALUES ('vulnerability_list', 1);

CREATE TABLE vulnerability_list (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BYTEA NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    entries TEXT COLLATE "C" NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    UNIQUE (project, name)
);

-- One QID may stand for several CVEs.
CREATE TABLE qid_map (
    qid BIGINT NOT NULL,
    cve TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (qid, cve)
);
