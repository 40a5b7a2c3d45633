-- Packages. `identity` is a SHA-256 over all fields of the key: a name may be longer than an index
-- row. `package_key` is where records of advisories find packages.

CREATE TABLE package (
    no BIGINT NOT NULL PRIMARY KEY,
    identity BLOB NOT NULL UNIQUE,
    ecosystem TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    arch TEXT NOT NULL,
    source_name TEXT NOT NULL,
    source_version TEXT NOT NULL,
    module TEXT NOT NULL,
    coverage BIGINT NOT NULL,
    kernel BIGINT NOT NULL
);

CREATE TABLE package_key (
    ecosystem TEXT NOT NULL,
    name TEXT NOT NULL,
    package BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, name, package)
) WITHOUT ROWID;
