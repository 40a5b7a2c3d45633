-- What judges which ecosystem.

CREATE TABLE ecosystem_coverage (
    ecosystem TEXT NOT NULL PRIMARY KEY,
    coverage BIGINT NOT NULL,
    feeds TEXT NOT NULL,
    records BIGINT NOT NULL
) WITHOUT ROWID;
