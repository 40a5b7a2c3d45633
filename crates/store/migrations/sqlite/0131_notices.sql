-- What somebody is told of once: that the exception `subject` ends at `instant`, or was reopened then.
-- `told` is 0 until it is handed to the jobs that tell it.

CREATE TABLE notice (
    kind TEXT NOT NULL,
    subject BIGINT NOT NULL,
    instant BIGINT NOT NULL,
    told BIGINT NOT NULL,
    PRIMARY KEY (kind, subject, instant)
);
CREATE INDEX notice_waiting ON notice (told, kind, subject, instant);
