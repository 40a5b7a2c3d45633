-- Advisories, what they said when, and which feed says so. `hash` is empty when no feed holds the
-- advisory any longer. `body` is compressed JSON.

CREATE TABLE advisory (
    no BIGINT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    hash BLOB NOT NULL,
    UNIQUE (id, source)
);

CREATE TABLE advisory_record (
    advisory BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (advisory, from_at)
) WITHOUT ROWID;

-- Apart, so that ending a record does not rewrite what it said.
CREATE TABLE advisory_body (
    advisory BIGINT NOT NULL,
    hash BLOB NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (advisory, hash)
);

CREATE TABLE feed_advisory (
    feed BIGINT NOT NULL,
    advisory BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (feed, advisory, from_at)
) WITHOUT ROWID;
CREATE INDEX feed_advisory_advisory ON feed_advisory (advisory);

-- What the current records speak of.
CREATE TABLE advisory_affects (
    ecosystem TEXT NOT NULL,
    name TEXT NOT NULL,
    advisory BIGINT NOT NULL,
    PRIMARY KEY (ecosystem, name, advisory)
) WITHOUT ROWID;
CREATE INDEX advisory_affects_advisory ON advisory_affects (advisory);

CREATE TABLE advisory_vulnerability (
    vulnerability BIGINT NOT NULL,
    advisory BIGINT NOT NULL,
    PRIMARY KEY (vulnerability, advisory)
) WITHOUT ROWID;
CREATE INDEX advisory_vulnerability_advisory ON advisory_vulnerability (advisory);
