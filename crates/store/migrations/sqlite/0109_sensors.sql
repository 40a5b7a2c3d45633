-- Sensors, their profiles, and what each sensor last saw. `settings` and `registration` are JSON;
-- `profile` and `user_no` are 0 when there is none.

INSERT INTO counter (name, next) VALUES ('sensor', 1), ('sensor_profile', 1);

CREATE TABLE sensor_profile (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    UNIQUE (project, name)
);

-- `looked` is the observed time of the newest list of the engine's things that was recorded.
CREATE TABLE sensor (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    user_no BIGINT NOT NULL,
    identity TEXT NOT NULL,
    registration TEXT NOT NULL,
    profile BIGINT NOT NULL,
    created BIGINT NOT NULL,
    checked_in BIGINT NOT NULL,
    looked BIGINT NOT NULL,
    UNIQUE (project, identity)
);

-- The containers and images an engine has. `pins`: the image is kept current for this.
CREATE TABLE sensor_holding (
    sensor BIGINT NOT NULL,
    asset BIGINT NOT NULL,
    pins BIGINT NOT NULL,
    PRIMARY KEY (sensor, asset)
) WITHOUT ROWID;
CREATE INDEX sensor_holding_asset ON sensor_holding (asset);
