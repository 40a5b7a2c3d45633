-- Groups of hosts. Which group a host is in is a fact of the host: its group's name.

INSERT INTO counter (name, next) VALUES ('host_group', 1);

CREATE TABLE host_group (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    UNIQUE (project, name)
);
