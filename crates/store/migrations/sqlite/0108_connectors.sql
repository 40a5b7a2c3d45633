-- Connectors: how cloud registries are signed in to. `cloud`: 1 AWS, 2 Azure, 3 Google. `identity` is the
-- role's ARN, the application's id or the service account's mail address. `secret` is sealed, or empty
-- for none.

INSERT INTO counter (name, next) VALUES ('connector', 1);

CREATE TABLE connector (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    cloud BIGINT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    identity TEXT NOT NULL,
    external_id TEXT NOT NULL,
    account_type TEXT NOT NULL,
    secret BLOB NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);
CREATE INDEX connector_by_project ON connector (project, cloud, no);

-- What a cloud's or hub's registry needs beside its address, as JSON.
ALTER TABLE registry ADD COLUMN source TEXT NOT NULL DEFAULT '{}';
