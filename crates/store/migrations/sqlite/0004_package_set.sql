-- Package sets, content-addressed. `members` and `evidence` are described in src/sets.rs.

CREATE TABLE package_set (
    no BIGINT NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    members BLOB NOT NULL
);

-- Apart, so that reading members does not read past evidence.
CREATE TABLE package_set_evidence (
    package_set BIGINT NOT NULL PRIMARY KEY REFERENCES package_set (no),
    evidence BLOB NOT NULL
);
