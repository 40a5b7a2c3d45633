-- What judges which ecosystem.

CREATE TABLE ecosystem_coverage (
    ecosystem TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    coverage BIGINT NOT NULL,
    feeds TEXT COLLATE "C" NOT NULL,
    records BIGINT NOT NULL
);
