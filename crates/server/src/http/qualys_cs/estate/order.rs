//! In which order images and containers are listed (contract 1.6).

use std::cmp::Reverse;

use parapet_model::AssetNo;
use parapet_model::facts::AssetRow;

use super::Estate;
use crate::http::qualys_cs::paging::Page;
use crate::http::qualys_cs::qql::assets::Subject;
use crate::http::qualys_cs::sorting::direction;
use crate::http::qualys_cs::{CsError, CsResult};

/// An order; ties go by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    key: Key,
    descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Created,
    Updated,
    Size,
    Name,
    Identity,
    Uuid,
    System,
    Registry,
    Repository,
    Tag,
    Severity(u8),
}

/// Tokens by which either list is sorted.
const TOKENS: [(&str, Key); 11] = [
    ("created", Key::Created),
    ("updated", Key::Updated),
    ("lastScanned", Key::Updated),
    ("lastVmScanDate", Key::Updated),
    ("name", Key::Name),
    ("sha", Key::Identity),
    ("uuid", Key::Uuid),
    ("operatingSystem", Key::System),
    ("repo.registry", Key::Registry),
    ("repo.repository", Key::Repository),
    ("repo.tag", Key::Tag),
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
            (Subject::Image, "size") => Some(Key::Size),
            (Subject::Image, "imageId") | (Subject::Container, "containerId") => Some(Key::Identity),
            _ => None,
        };
        let listed = || TOKENS.iter().find(|(name, _)| *name == token).map(|(_, key)| *key);
        let key = own.or_else(listed).or_else(|| severity_of(token).map(Key::Severity));
        let key = key.ok_or_else(|| CsError::invalid(format!("cannot sort by {token:?}")))?;
        Ok(Self { key, descending })
    }

    /// The assets of a page. Only what is shown is put in order, and nothing but keys is looked at.
    pub(super) fn cut(self, estate: &Estate, numbers: Vec<AssetNo>, page: Page) -> Vec<AssetNo> {
        let rows = numbers.into_iter().filter_map(|no| estate.snapshot.asset(&estate.scope, no));
        match self.key {
            Key::Created => self.top(rows.map(|row| (super::created(row), row.no)), page),
            Key::Updated => self.top(rows.map(|row| (row.observed, row.no)), page),
            Key::Size => self.top(rows.map(|row| (row.image_facts.size, row.no)), page),
            Key::Name => self.top(rows.map(|row| (row.name.as_str(), row.no)), page),
            Key::Identity => self.top(rows.map(|row| (row.identity.as_str(), row.no)), page),
            Key::Uuid => self.top(rows.map(|row| (row.uuid, row.no)), page),
            Key::System => self.top(rows.map(|row| (row.distro.as_str(), row.no)), page),
            Key::Registry => self.top(rows.map(|row| (first(estate, row, |r| &r.registry), row.no)), page),
            Key::Repository => {
                self.top(rows.map(|row| (first(estate, row, |r| &r.repository), row.no)), page)
            }
            Key::Tag => self.top(rows.map(|row| (first(estate, row, |r| &r.tag), row.no)), page),
            Key::Severity(severity) => {
                self.top(rows.map(|row| (estate.counts(row).get(severity), row.no)), page)
            }
        }
    }

    fn top<K: Ord>(self, keyed: impl Iterator<Item = (K, AssetNo)>, page: Page) -> Vec<AssetNo> {
        if self.descending {
            first_of(keyed.map(|(key, no)| (Reverse(key), no)).collect(), page)
        } else {
            first_of(keyed.collect(), page)
        }
    }
}

fn first_of<K: Ord>(mut keyed: Vec<(K, AssetNo)>, page: Page) -> Vec<AssetNo> {
    let end = page.offset.saturating_add(page.size);
    if end < keyed.len() {
        keyed.select_nth_unstable(end);
        keyed.truncate(end);
    }
    keyed.sort_unstable();
    keyed.into_iter().skip(page.offset).map(|(_, no)| no).collect()
}

fn first<'e>(
    estate: &'e Estate,
    row: &'e AssetRow,
    part: impl Fn(&parapet_model::asset::Reference) -> &String,
) -> &'e str {
    let mut current = estate.references(row).filter(|row| row.held.is_open());
    current.next().map_or("", |row| part(&row.reference).as_str())
}
