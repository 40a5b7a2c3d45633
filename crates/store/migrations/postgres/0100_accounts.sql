-- Who may sign in, with what, and what they may do. Built-in roles live in the program, not here.

INSERT INTO counter (name, next) VALUES ('account', 1), ('role', 1), ('api_key', 1);

-- `name_key` is the name in lower case. An empty hash: no sign-in with a password. `epoch` is raised
-- when every session of the user must end.
CREATE TABLE account (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BYTEA NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL UNIQUE,
    password_hash TEXT COLLATE "C" NOT NULL,
    disabled BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    home_project BIGINT NOT NULL,
    created BIGINT NOT NULL
);

-- Roles of the owner's making; `permissions` are words with one space between.
CREATE TABLE role (
    no BIGINT NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    permissions TEXT COLLATE "C" NOT NULL
);

-- One row for each project a user may act in. `enterprise_projects` is `*` or numbers with one space
-- between; it holds for all roles of the row, so that rights and divisions never mix.
CREATE TABLE membership (
    account BIGINT NOT NULL REFERENCES account (no),
    project BIGINT NOT NULL REFERENCES project (no),
    enterprise_projects TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, project)
);

CREATE TABLE membership_role (
    account BIGINT NOT NULL,
    project BIGINT NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, project, role),
    FOREIGN KEY (account, project) REFERENCES membership (account, project)
);
CREATE INDEX membership_role_by_role ON membership_role (role);

-- Signing keys (AK/SK). The secret is sealed.
CREATE TABLE api_key (
    no BIGINT NOT NULL PRIMARY KEY,
    access_key TEXT COLLATE "C" NOT NULL UNIQUE,
    secret BYTEA NOT NULL,
    account BIGINT NOT NULL REFERENCES account (no),
    project BIGINT NOT NULL REFERENCES project (no),
    disabled BIGINT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX api_key_by_account ON api_key (account, no);

-- Sessions and Keystone tokens by the hash of their text; no facts, not logged. Project 0: the token
-- is for the account as a whole.
CREATE TABLE token (
    hash BYTEA NOT NULL PRIMARY KEY,
    account BIGINT NOT NULL REFERENCES account (no),
    account_epoch BIGINT NOT NULL,
    project BIGINT NOT NULL,
    issued BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX token_by_end ON token (expires);
