-- What an engine says of a container, as JSON.

ALTER TABLE asset ADD COLUMN container_facts TEXT NOT NULL DEFAULT '{}';
