-- What the readers saw in a layer. A cache: it may be emptied at any time. Per project, so that a
-- registry in one project cannot ask for what another project's layer held. `size` is that of `content`
-- (zstd).

CREATE TABLE layer_cache (
    project BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    reader_version BIGINT NOT NULL,
    used BIGINT NOT NULL,
    size BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (project, digest, reader_version)
);
CREATE INDEX layer_cache_by_use ON layer_cache (used, project, digest, reader_version, size);
