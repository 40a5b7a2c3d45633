-- What was changed by whom; rows are never changed and never deleted. Project 0: the store as a whole.
-- The states are JSON, or empty.

INSERT INTO counter (name, next) VALUES ('audit', 1);

CREATE TABLE audit (
    no BIGINT NOT NULL PRIMARY KEY,
    recorded BIGINT NOT NULL,
    project BIGINT NOT NULL,
    actor TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    state_before TEXT COLLATE "C" NOT NULL,
    state_after TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_by_project ON audit (project, no);
CREATE INDEX audit_by_subject ON audit (kind, subject, no);
