-- Exceptions, every version of them. `body` is JSON without the asset lists, which may be long and
-- are packed as src/blob.rs describes.

CREATE TABLE exception (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no)
);
CREATE INDEX exception_project ON exception (project, no);

CREATE TABLE exception_version (
    exception BIGINT NOT NULL REFERENCES exception (no),
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    body TEXT NOT NULL,
    included BLOB NOT NULL,
    excluded BLOB NOT NULL,
    PRIMARY KEY (exception, from_at)
);
