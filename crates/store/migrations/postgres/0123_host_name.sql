-- By which names a host is known, in lower case; `kind` numbers them. Those of documents are kinds 1 to 4
-- (full name, hardware address, address, host name), those of sensors 5 and 6 (name, address).

CREATE TABLE host_name (
    project BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    host BIGINT NOT NULL,
    PRIMARY KEY (project, kind, name, host)
);
CREATE INDEX host_name_host ON host_name (host);
INSERT INTO host_name (project, kind, name, host)
    SELECT project, 5, LOWER(name), no FROM asset WHERE kind = 2 AND name <> '' AND LENGTH(name) <= 255;
