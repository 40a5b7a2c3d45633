-- Files made by jobs. A row exists only after its file is durable. `path` is inside the artifact store;
-- `provenance` is JSON.

INSERT INTO counter (name, next) VALUES ('artifact', 1);

CREATE TABLE artifact (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    enterprise_projects TEXT NOT NULL,
    job BIGINT NOT NULL REFERENCES job (no),
    file_name TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 BLOB NOT NULL,
    media_type TEXT NOT NULL,
    path TEXT NOT NULL,
    provenance TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX artifact_by_project ON artifact (project, no);
CREATE INDEX artifact_by_job ON artifact (job, no);
CREATE INDEX artifact_by_end ON artifact (expires, no);
