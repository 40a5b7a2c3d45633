-- Whose job was begun last, so that owners take turns also where one worker does everything. `served` is
-- the recorded time of the claim.

CREATE TABLE job_turn (
    kind BIGINT NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    served BIGINT NOT NULL,
    PRIMARY KEY (kind, owner)
);
