-- Feeds and their imports. Counts of the last complete import are in `feed`.

INSERT INTO counter (name, next) VALUES ('feed_import', 1);

CREATE TABLE feed (
    no BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    location TEXT NOT NULL,
    etag TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    records BIGINT NOT NULL,
    publisher_total BIGINT NOT NULL,
    data_date BIGINT NOT NULL,
    starter BIGINT NOT NULL,
    state BIGINT NOT NULL,
    updated BIGINT NOT NULL
);

CREATE TABLE feed_ecosystem (
    feed BIGINT NOT NULL REFERENCES feed (no),
    ecosystem TEXT NOT NULL,
    records BIGINT NOT NULL,
    PRIMARY KEY (feed, ecosystem)
) WITHOUT ROWID;

CREATE TABLE feed_import (
    no BIGINT NOT NULL PRIMARY KEY,
    feed BIGINT NOT NULL REFERENCES feed (no),
    state BIGINT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    records BIGINT NOT NULL,
    added BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    withdrawn BIGINT NOT NULL,
    opened BIGINT NOT NULL,
    closed BIGINT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX feed_import_feed ON feed_import (feed, no);
