//! What is asked, and places in the answer.

use std::fmt;
use std::str::FromStr;

use parapet_model::finding::Finding;
use parapet_model::{AssetNo, Filter, Millis, PackageNo, Scope, VulnerabilityNo};
use roaring::RoaringBitmap;

/// A question. Classes of advisories (vulnerability, informational, malware) are told apart by the
/// filter's field `class`.
#[derive(Debug, Clone, Copy)]
pub struct Query<'q> {
    /// What may be seen.
    pub scope: &'q Scope,
    /// What is wanted.
    pub filter: &'q Filter,
    /// The instant at which exceptions hold or do not.
    pub now: Millis,
    /// Also kernel packages that do not run where they lie.
    pub include_not_run_here: bool,
    /// Only these assets; `None` for all.
    pub within: Option<&'q RoaringBitmap>,
}

impl<'q> Query<'q> {
    /// Without kernel packages that do not run where they lie.
    pub fn new(scope: &'q Scope, filter: &'q Filter, now: Millis) -> Self {
        Self { scope, filter, now, include_not_run_here: false, within: None }
    }
}

/// A finding's place in the order of findings: asset, package, vulnerability, by number. It stays
/// right whatever posture does meanwhile. As text `asset.package.vulnerability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// Asset.
    pub asset: AssetNo,
    /// Package.
    pub package: PackageNo,
    /// Canonical vulnerability.
    pub vulnerability: VulnerabilityNo,
}

impl Cursor {
    /// The place of a finding.
    pub fn of(finding: &Finding<'_>) -> Self {
        Self { asset: finding.asset.no, package: finding.package.no, vulnerability: finding.vulnerability.no }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.asset, self.package, self.vulnerability)
    }
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CursorError;

impl fmt::Display for CursorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a cursor: three numbers with dots between are expected")
    }
}

impl std::error::Error for CursorError {}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let mut parts = text.split('.').map(|part| part.parse::<u32>().map_err(|_| CursorError));
        let mut next = || parts.next().unwrap_or(Err(CursorError));
        let cursor = Self {
            asset: AssetNo(next()?),
            package: PackageNo(next()?),
            vulnerability: VulnerabilityNo(next()?),
        };
        if parts.next().is_some() { Err(CursorError) } else { Ok(cursor) }
    }
}

/// A part of a sorted list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Entries passed over.
    pub offset: usize,
    /// Entries wanted at most.
    pub limit: usize,
}

impl Window {
    /// Everything.
    pub const ALL: Self = Self { offset: 0, limit: usize::MAX };

    pub(crate) fn cut<T>(self, list: Vec<T>) -> List<T> {
        let total = list.len();
        List { total, rows: list.into_iter().skip(self.offset).take(self.limit).collect() }
    }
}

/// A part of a list with the length of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T> {
    /// Length of the whole list.
    pub total: usize,
    /// The part.
    pub rows: Vec<T>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text() {
        let cursor =
            Cursor { asset: AssetNo(1), package: PackageNo(20), vulnerability: VulnerabilityNo(300) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "1.2", "1.2.3.4", "1.2.x", "-1.2.3", "99999999999.1.1"] {
            assert_eq!(bad.parse::<Cursor>(), Err(CursorError), "{bad}");
        }
    }
}
