-- Image registries of a project. `secret` is sealed, or empty for none; an empty `username` is
-- anonymous; an empty `ca_pem` means the system's authorities; `token_hosts` one a line; `selection`
-- is JSON.

INSERT INTO counter (name, next) VALUES ('registry', 1);

CREATE TABLE registry (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BYTEA NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    name TEXT COLLATE "C" NOT NULL,
    kind BIGINT NOT NULL,
    endpoint TEXT COLLATE "C" NOT NULL,
    username TEXT COLLATE "C" NOT NULL,
    secret BYTEA NOT NULL,
    ca_pem TEXT COLLATE "C" NOT NULL,
    plain_http BIGINT NOT NULL,
    token_hosts TEXT COLLATE "C" NOT NULL,
    selection TEXT COLLATE "C" NOT NULL,
    platform TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    UNIQUE (project, name)
);
