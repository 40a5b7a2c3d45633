-- Images, containers and hosts, with what they show since when. `to_at` is the largest number while
-- open; `image` is 0 when there is none; `closed` numbers the reason, 0 while open.

CREATE TABLE asset (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BYTEA NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    enterprise_project BIGINT NOT NULL REFERENCES enterprise_project (no),
    kind BIGINT NOT NULL,
    identity TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    image BIGINT NOT NULL,
    distro TEXT COLLATE "C" NOT NULL,
    ecosystem TEXT COLLATE "C" NOT NULL,
    scan BIGINT NOT NULL,
    scan_error TEXT COLLATE "C" NOT NULL,
    first_seen BIGINT NOT NULL,
    observed BIGINT NOT NULL,
    scanned BIGINT NOT NULL,
    reader_version BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    pinned BIGINT NOT NULL,
    image_facts TEXT COLLATE "C" NOT NULL,
    host_facts TEXT COLLATE "C" NOT NULL,
    package_databases TEXT COLLATE "C" NOT NULL
);
CREATE INDEX asset_image ON asset (image);

-- Former lives of an asset that was deleted and came back; the last one is in `asset`.
CREATE TABLE asset_life (
    asset BIGINT NOT NULL REFERENCES asset (no),
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    PRIMARY KEY (asset, from_at)
);

-- Which digests name an image in its project: config, manifest, index.
CREATE TABLE asset_alias (
    project BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    asset BIGINT NOT NULL REFERENCES asset (no),
    PRIMARY KEY (project, digest, asset)
);

CREATE TABLE asset_link (
    asset BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    package_set BIGINT NOT NULL,
    layer TEXT COLLATE "C" NOT NULL,
    closed BIGINT NOT NULL,
    PRIMARY KEY (asset, from_at, ordinal)
);

CREATE TABLE asset_delta (
    asset BIGINT NOT NULL,
    package BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    package_set BIGINT NOT NULL,
    closed BIGINT NOT NULL,
    PRIMARY KEY (asset, package, from_at)
);

-- `observed` orders pushes of a tag: an older look never moves it back.
CREATE TABLE asset_reference (
    project BIGINT NOT NULL,
    registry TEXT COLLATE "C" NOT NULL,
    repository TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    asset BIGINT NOT NULL REFERENCES asset (no),
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    observed BIGINT NOT NULL,
    PRIMARY KEY (project, registry, repository, tag, asset, from_at)
);
CREATE INDEX asset_reference_asset ON asset_reference (asset);

-- Each look that showed something new, by observed time; `package_sets` is JSON.
CREATE TABLE asset_observation (
    asset BIGINT NOT NULL,
    observed BIGINT NOT NULL,
    recorded BIGINT NOT NULL,
    last_observed BIGINT NOT NULL,
    content BYTEA NOT NULL,
    reader_version BIGINT NOT NULL,
    package_sets TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (asset, observed, recorded)
);
