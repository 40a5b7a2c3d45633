-- Imports held for a decision: at most one of a feed. `mark` is JSON of the feed as it will stand,
-- `report` JSON of what was measured. Rows of a feed without a row in `waiting_import` mean nothing.

CREATE TABLE waiting_import (
    feed BIGINT NOT NULL PRIMARY KEY,
    import BIGINT NOT NULL,
    mark TEXT COLLATE "C" NOT NULL,
    report TEXT COLLATE "C" NOT NULL
);

-- Records that are new or say something else, in the order they came.
CREATE TABLE waiting_record (
    feed BIGINT NOT NULL,
    no BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (feed, no)
);

-- Advisories that the publisher no longer has.
CREATE TABLE waiting_withdrawal (
    feed BIGINT NOT NULL,
    advisory BIGINT NOT NULL,
    PRIMARY KEY (feed, advisory)
);
