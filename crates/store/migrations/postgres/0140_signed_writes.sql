-- Requests that change something and were signed, by the hash of key and signature, with the answer that the
-- first of them got: the same request sent again gets that answer and is not done twice. No facts, not logged.
-- `status` is 0 until the first one is answered.

CREATE TABLE signed_write (
    hash BYTEA NOT NULL PRIMARY KEY,
    expires BIGINT NOT NULL,
    status BIGINT NOT NULL,
    content_type TEXT COLLATE "C" NOT NULL,
    body BYTEA NOT NULL
);
CREATE INDEX signed_write_by_end ON signed_write (expires, hash);
