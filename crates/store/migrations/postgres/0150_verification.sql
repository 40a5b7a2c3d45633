-- What a wish is to verify: a vulnerability, and on which hosts. `assets` is a JSON list of their numbers.

CREATE TABLE host_scan_verification (
    scan BIGINT NOT NULL REFERENCES host_scan (no),
    vulnerability BIGINT NOT NULL,
    assets TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scan, vulnerability)
);
