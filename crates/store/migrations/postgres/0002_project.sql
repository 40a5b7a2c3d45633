-- Projects own assets; enterprise projects divide an account. Enterprise project 0 is the default.

CREATE TABLE project (
    no BIGINT NOT NULL PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE enterprise_project (
    no BIGINT NOT NULL PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL
);
INSERT INTO enterprise_project (no, id, name) VALUES (0, '0', 'default');
