//! In which order images and containers are listed (contract 1.6).

use parapet_model::AssetNo;
use parapet_posture::{AssetSet, AssetSort, Window};

use super::Estate;
use super::severity::bands;
use crate::http::qualys_cs::paging::Page;
use crate::http::qualys_cs::qql::assets::Subject;
use crate::http::qualys_cs::sorting::direction;
use crate::http::qualys_cs::{CsError, CsResult};

/// An order; ties go by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    subject: Subject,
    key: Key,
    descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    By(AssetSort),
    Severity(u8),
}

/// Tokens by which either list is sorted.
const TOKENS: [(&str, AssetSort); 11] = [
    ("created", AssetSort::Created),
    ("updated", AssetSort::Observed),
    ("lastScanned", AssetSort::Observed),
    ("lastVmScanDate", AssetSort::Observed),
    ("name", AssetSort::Name),
    ("sha", AssetSort::Identity),
    ("uuid", AssetSort::Uuid),
    ("operatingSystem", AssetSort::Distro),
    ("repo.registry", AssetSort::Registry),
    ("repo.repository", AssetSort::Repository),
    ("repo.tag", AssetSort::Tag),
];

/// 1 to 5 of `vulnerabilities.severity5` and `vulnerabilities.severity5Count`.
pub(super) fn severity_of(token: &str) -> Option<u8> {
    let bare = token.strip_prefix("vulnerabilities.")?.strip_prefix("severity")?;
    let digit = bare.strip_suffix("Count").unwrap_or(bare);
    digit.parse().ok().filter(|severity| digit.len() == 1 && (1..=5).contains(severity))
}

impl Order {
    /// Reads `sort`; latest `created` first when nothing is said.
    pub(super) fn of(sort: Option<&str>, subject: Subject) -> CsResult<Self> {
        let (token, descending) = direction(sort.unwrap_or("created:desc"))?;
        let own = match (subject, token) {
            (Subject::Image, "size") => Some(AssetSort::Size),
            (Subject::Image, "imageId") | (Subject::Container, "containerId") => Some(AssetSort::Identity),
            _ => None,
        };
        let listed = || TOKENS.iter().find(|(name, _)| *name == token).map(|(_, key)| *key);
        let sort = own.or_else(listed).map(Key::By);
        let key = sort.or_else(|| severity_of(token).map(Key::Severity));
        let key = key.ok_or_else(|| CsError::invalid(format!("cannot sort by {token:?}")))?;
        Ok(Self { subject, key, descending })
    }

    /// The assets of a page.
    pub(super) fn cut(self, estate: &Estate, numbers: &AssetSet, page: Page) -> Vec<AssetNo> {
        let (snapshot, window) = (&estate.snapshot, Window { offset: page.offset, limit: page.size });
        match self.key {
            Key::By(sort) => snapshot.sorted(self.subject.kind(), numbers, sort, self.descending, window),
            Key::Severity(severity) => {
                snapshot.sorted_by_bands(numbers, &bands(severity), self.descending, window, estate.now)
            }
        }
    }
}
