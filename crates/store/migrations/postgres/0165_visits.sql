-- When somebody last looked at the first page in a project, so that it can say what changed since. A visit
-- ends with an hour of silence: `seen` is the last look, `since` the last look of the visit before, 0 for
-- none. No facts, not logged.

CREATE TABLE visit (
    user_no BIGINT NOT NULL,
    project BIGINT NOT NULL,
    since BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    PRIMARY KEY (user_no, project)
);
