-- Whether the containers of a silent sensor were marked as unknown.
ALTER TABLE sensor ADD COLUMN silent BIGINT NOT NULL DEFAULT 0;
