-- Wishes that hosts be looked at again, and the policy by which they are made. No facts: what came of them is in
-- the looks. `vulnerability_types` are words with one space between; `settings` is JSON; `next_fire` is the
-- greatest number for never.

INSERT INTO counter (name, next) VALUES ('host_scan', 1);

CREATE TABLE host_scan (
    no BIGINT NOT NULL PRIMARY KEY,
    uuid BYTEA NOT NULL UNIQUE,
    project BIGINT NOT NULL REFERENCES project (no),
    owner TEXT COLLATE "C" NOT NULL,
    scheduled BIGINT NOT NULL,
    vulnerability_types TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX host_scan_by_project ON host_scan (project, no);

CREATE TABLE host_scan_host (
    scan BIGINT NOT NULL REFERENCES host_scan (no),
    asset BIGINT NOT NULL,
    PRIMARY KEY (scan, asset)
);
CREATE INDEX host_scan_host_by_asset ON host_scan_host (asset, scan);

CREATE TABLE host_scan_policy (
    project BIGINT NOT NULL PRIMARY KEY REFERENCES project (no),
    settings TEXT COLLATE "C" NOT NULL,
    next_fire BIGINT NOT NULL
);
CREATE INDEX host_scan_policy_due ON host_scan_policy (next_fire, project);
