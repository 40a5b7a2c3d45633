-- One advisory's verdict on one package, with its interval. `closed` numbers the reason, 0 while
-- open.

CREATE TABLE package_match (
    package BIGINT NOT NULL,
    vulnerability BIGINT NOT NULL,
    advisory BIGINT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    precedence BIGINT NOT NULL,
    state BIGINT NOT NULL,
    class BIGINT NOT NULL,
    vendor_severity BIGINT NOT NULL,
    fixed_version TEXT COLLATE "C" NOT NULL,
    range_text TEXT COLLATE "C" NOT NULL,
    closed BIGINT NOT NULL,
    PRIMARY KEY (package, vulnerability, advisory, from_at)
);
CREATE INDEX package_match_advisory ON package_match (advisory);
