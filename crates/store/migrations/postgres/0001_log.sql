-- The log: head, entries, counters of numbers, single values.

CREATE TABLE log_head (
    one BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    recorded BIGINT NOT NULL,
    floor BIGINT NOT NULL,
    schema_version BIGINT NOT NULL
);
INSERT INTO log_head (one, seq, recorded, floor, schema_version) VALUES (1, 0, 0, 0, 0);

CREATE TABLE log (
    seq BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    subject BIGINT NOT NULL,
    PRIMARY KEY (seq, kind, subject)
);

CREATE TABLE counter (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    next BIGINT NOT NULL
);
INSERT INTO counter (name, next) VALUES
    ('package', 1), ('package_set', 1), ('asset', 1), ('advisory', 1), ('vulnerability', 1),
    ('exception', 1), ('project', 1), ('enterprise_project', 1), ('feed', 1);

CREATE TABLE meta (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);
