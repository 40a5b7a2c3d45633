-- Packages. `identity` is a SHA-256 over all fields of the key: a name may be longer than an index
-- row. `package_key` is where records of advisories find packages.

CREATE TABLE package (
    no BIGINT NOT NULL PRIMARY KEY,
    identity BYTEA NOT NULL UNIQUE,
    ecosystem TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    arch TEXT COLLATE "C" NOT NULL,
    source_name TEXT COLLATE "C" NOT NULL,
    source_version TEXT COLLATE "C" NOT NULL,
    module TEXT COLLATE "C" NOT NULL,
    coverage BIGINT NOT NULL,
    kernel BIGINT NOT NULL
);

CREATE TABLE package_key (
    ecosystem TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    package BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, name, package)
);
