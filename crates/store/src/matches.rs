//! Matches: one advisory's verdict on one package, with the interval in which it held.

use std::collections::BTreeMap;

use parapet_model::facts::MatchRow;
use parapet_model::time::{FOREVER, Interval};
use parapet_model::verdict::{AdvisoryClass, ClosingReason};
use parapet_model::{AdvisoryNo, MatchState, Millis, PackageNo, Severity, VulnerabilityNo};

use crate::error::Result;
use crate::log::Kind;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::tx::Tx;

/// Closed rows too: posture needs them for *first found*.
const HISTORY: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.package, t.vulnerability, t.advisory, t.precedence, t.state, t.class, t.vendor_severity, \
            t.fixed_version, t.from_at, t.to_at, t.closed FROM k CROSS JOIN package_match t \
            WHERE t.package = k.no AND t.from_at < t.to_at ORDER BY t.package, t.vulnerability, t.advisory, t.from_at",
};
/// The rows of each vulnerability of which a row began or ended after an instant.
const CHANGED: Bulk<2> = Bulk {
    before: "WITH k(no, since) AS (VALUES ",
    after: "), c AS (SELECT DISTINCT t.package, t.vulnerability FROM k CROSS JOIN package_match t \
            WHERE t.package = k.no AND (t.from_at > k.since OR (t.to_at > k.since AND t.to_at < 9223372036854775807))) \
            SELECT t.package, t.vulnerability, t.advisory, t.precedence, t.state, t.class, t.vendor_severity, \
            t.fixed_version, t.from_at, t.to_at, t.closed FROM c CROSS JOIN package_match t \
            WHERE t.package = c.package AND t.vulnerability = c.vulnerability AND t.from_at < t.to_at \
            ORDER BY t.package, t.vulnerability, t.advisory, t.from_at",
};
const OPEN_OF_PACKAGES: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.package, t.vulnerability, t.advisory, t.precedence, t.state, t.class, t.vendor_severity, \
            t.fixed_version, t.range_text FROM k CROSS JOIN package_match t \
            WHERE t.package = k.no AND t.to_at = 9223372036854775807 \
            ORDER BY t.package, t.vulnerability, t.advisory, t.from_at",
};
const OPEN_OF_ADVISORIES: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.package, t.vulnerability, t.advisory, t.precedence, t.state, t.class, t.vendor_severity, \
            t.fixed_version, t.range_text FROM k CROSS JOIN package_match t \
            WHERE t.advisory = k.no AND t.to_at = 9223372036854775807 \
            ORDER BY t.package, t.vulnerability, t.advisory, t.from_at",
};
const RANGE: &str = "SELECT range_text FROM package_match \
     WHERE package = $1 AND vulnerability = $2 AND advisory = $3 AND from_at = $4";
const INSERT: Bulk<12> = Bulk {
    before: "INSERT INTO package_match (package, vulnerability, advisory, from_at, to_at, precedence, state, \
             class, vendor_severity, fixed_version, range_text, closed) VALUES ",
    after: " ON CONFLICT (package, vulnerability, advisory, from_at) DO UPDATE SET to_at = excluded.to_at, \
            precedence = excluded.precedence, state = excluded.state, class = excluded.class, \
            vendor_severity = excluded.vendor_severity, fixed_version = excluded.fixed_version, \
            range_text = excluded.range_text, closed = excluded.closed",
};
const CLOSE: Bulk<5> = Bulk {
    before: "WITH k(package, vulnerability, advisory, at, reason) AS (VALUES ",
    after: ") UPDATE package_match SET to_at = k.at, closed = k.reason FROM k \
            WHERE package_match.package = k.package AND package_match.vulnerability = k.vulnerability \
            AND package_match.advisory = k.advisory AND package_match.to_at = 9223372036854775807",
};

/// A verdict on a package that holds now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpenMatch {
    /// Package.
    pub package: PackageNo,
    /// Vulnerability as the record names it.
    pub vulnerability: VulnerabilityNo,
    /// Advisory.
    pub advisory: AdvisoryNo,
    /// Precedence of the advisory's source for this package, higher wins.
    pub precedence: u8,
    /// What it says.
    pub state: MatchState,
    /// Kind of statement.
    pub class: AdvisoryClass,
    /// The vendor's severity for this package, or unknown.
    pub vendor_severity: Severity,
    /// First version with the fix, or empty.
    pub fixed_version: String,
    /// The range that matched, in words.
    pub range: String,
}

impl OpenMatch {
    /// What names it: there is at most one open match of a key.
    pub fn key(&self) -> MatchKey {
        MatchKey { package: self.package, vulnerability: self.vulnerability, advisory: self.advisory }
    }
}

/// Names an open match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatchKey {
    /// Package.
    pub package: PackageNo,
    /// Vulnerability.
    pub vulnerability: VulnerabilityNo,
    /// Advisory.
    pub advisory: AdvisoryNo,
}

fn open(row: &Row) -> Result<OpenMatch> {
    let mut f = row.fields("package_match");
    Ok(OpenMatch {
        package: PackageNo(f.u32("package")?),
        vulnerability: VulnerabilityNo(f.u32("vulnerability")?),
        advisory: AdvisoryNo(f.u32("advisory")?),
        precedence: f.word("precedence", Some)?,
        state: f.word("state", MatchState::from_number)?,
        class: f.word("class", AdvisoryClass::from_number)?,
        vendor_severity: f.word("vendor_severity", Severity::from_number)?,
        fixed_version: f.text()?,
        range: f.text()?,
    })
}

fn history(row: &Row) -> Result<MatchRow> {
    let mut f = row.fields("package_match");
    Ok(MatchRow {
        package: PackageNo(f.u32("package")?),
        vulnerability: VulnerabilityNo(f.u32("vulnerability")?),
        advisory: AdvisoryNo(f.u32("advisory")?),
        precedence: f.word("precedence", Some)?,
        state: f.word("state", MatchState::from_number)?,
        class: f.word("class", AdvisoryClass::from_number)?,
        vendor_severity: f.word("vendor_severity", Severity::from_number)?,
        fixed_version: f.text()?,
        held: Interval { from: f.i64()?, to: f.i64()? },
        closed: f
            .word("closed", |n| if n == 0 { Some(None) } else { ClosingReason::from_number(n).map(Some) })?,
    })
}

fn by_package(rows: Vec<Row>) -> Result<Vec<(PackageNo, Vec<MatchRow>)>> {
    let mut out: BTreeMap<PackageNo, Vec<MatchRow>> = BTreeMap::new();
    for row in rows {
        let row = history(&row)?;
        out.entry(row.package).or_default().push(row);
    }
    Ok(out.into_iter().collect())
}

impl Session {
    /// The open matches of these packages.
    pub async fn matches_of_packages(&mut self, packages: &[PackageNo]) -> Result<Vec<OpenMatch>> {
        let keys: Vec<[Value<'_>; 1]> = packages.iter().map(|&no| [no.into()]).collect();
        self.bulk_fetch(&OPEN_OF_PACKAGES, &keys).await?.iter().map(open).collect()
    }

    /// The open matches that come from these advisories.
    pub async fn matches_of_advisories(&mut self, advisories: &[AdvisoryNo]) -> Result<Vec<OpenMatch>> {
        let keys: Vec<[Value<'_>; 1]> = advisories.iter().map(|&no| [no.into()]).collect();
        self.bulk_fetch(&OPEN_OF_ADVISORIES, &keys).await?.iter().map(open).collect()
    }

    /// The range that matched, in words, of the match that began at `from`.
    pub async fn match_range(&mut self, key: &MatchKey, from: Millis) -> Result<Option<String>> {
        let found = self.fetch_one(RANGE, args![key.package, key.vulnerability, key.advisory, from]).await?;
        found.map(|row| row.fields("package_match").text()).transpose()
    }

    /// For each of these packages that ever had one, all its matches, history included.
    pub async fn match_history(&mut self, packages: &[PackageNo]) -> Result<Vec<(PackageNo, Vec<MatchRow>)>> {
        let keys: Vec<[Value<'_>; 1]> = packages.iter().map(|&no| [no.into()]).collect();
        by_package(self.bulk_fetch(&HISTORY, &keys).await?)
    }

    /// The same of those vulnerabilities alone of which a match began or ended after `since`: a package such as a
    /// kernel has thousands of others.
    pub async fn matches_changed(
        &mut self,
        packages: &[PackageNo],
        since: Millis,
    ) -> Result<Vec<(PackageNo, Vec<MatchRow>)>> {
        let keys: Vec<[Value<'_>; 2]> = packages.iter().map(|&no| [no.into(), since.into()]).collect();
        by_package(self.bulk_fetch(&CHANGED, &keys).await?)
    }
}

impl Tx {
    /// Opens matches. A match of the same key that is open must be closed first.
    pub async fn open_matches(&mut self, matches: &[OpenMatch]) -> Result<()> {
        let now = self.recorded();
        let rows: Vec<[Value<'_>; 12]> = matches
            .iter()
            .map(|m| {
                [
                    m.package.into(),
                    m.vulnerability.into(),
                    m.advisory.into(),
                    now.into(),
                    FOREVER.into(),
                    m.precedence.into(),
                    (m.state as u8).into(),
                    (m.class as u8).into(),
                    (m.vendor_severity as u8).into(),
                    (&m.fixed_version).into(),
                    (&m.range).into(),
                    false.into(),
                ]
            })
            .collect();
        self.bulk(&INSERT, &rows).await?;
        for m in matches {
            self.log(Kind::Matches, m.package.0);
        }
        Ok(())
    }

    /// Closes matches; keys without an open match are passed over. The number of matches closed.
    pub async fn close_matches(&mut self, keys: &[MatchKey], reason: ClosingReason) -> Result<u64> {
        let now = self.recorded();
        let rows: Vec<[Value<'_>; 5]> = keys
            .iter()
            .map(|k| {
                [
                    k.package.into(),
                    k.vulnerability.into(),
                    k.advisory.into(),
                    now.into(),
                    (reason as u8).into(),
                ]
            })
            .collect();
        let closed = self.bulk(&CLOSE, &rows).await?;
        for key in keys.iter().filter(|_| closed > 0) {
            self.log(Kind::Matches, key.package.0);
        }
        Ok(closed)
    }
}
