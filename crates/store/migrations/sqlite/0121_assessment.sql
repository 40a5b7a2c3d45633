-- Hosts as policies see them, and the documents that say how they stand. Times are observed times but
-- for `created` and `recorded`. A document that is not complete was not read to its end: it counts as not
-- seen.

CREATE TABLE assessment (
    host BIGINT NOT NULL,
    policy BIGINT NOT NULL,
    technology BIGINT NOT NULL,
    observed BIGINT NOT NULL,
    content BLOB NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (host, policy)
) WITHOUT ROWID;
CREATE INDEX assessment_policy ON assessment (policy, host);

CREATE TABLE assessment_document (
    host BIGINT NOT NULL,
    policy BIGINT NOT NULL,
    observed BIGINT NOT NULL,
    content BLOB NOT NULL,
    recorded BIGINT NOT NULL,
    complete BIGINT NOT NULL,
    PRIMARY KEY (host, policy, observed, content)
) WITHOUT ROWID;
