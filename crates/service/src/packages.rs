//! Questions about packages: which ones a package URL names, where files show them, which advisories were
//! held against them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use parapet_catalog::sbom::purl::Purl;
use parapet_matching::{Order, judge, keys_of};
use parapet_model::facts::PackageRow;
use parapet_model::package::family_of;
use parapet_model::{MatchState, Millis, PackageKey, PackageNo, Permission, Principal, SetNo, Severity};
use parapet_posture::Snapshot;

use crate::accounts::require;
use crate::app::App;
use crate::error::{Error, Result};

/// Type of the package URL of what no other type is for; `ecosystem` says what it is.
const GENERIC: &str = "generic";

/// The package URL of a package in any version and release: `pkg:deb/debian/openssl`. Where there is no
/// type for its ecosystem, `pkg:generic/openssl?ecosystem=…`.
pub fn purl_of(key: &PackageKey) -> String {
    let purl = Purl::of(key).unwrap_or_else(|| Purl {
        kind: GENERIC.to_owned(),
        namespace: String::new(),
        name: key.name.clone(),
        version: String::new(),
        qualifiers: BTreeMap::from([("ecosystem".to_owned(), key.ecosystem.clone())]),
    });
    let mut qualifiers = purl.qualifiers;
    qualifiers.retain(|name, _| name == "ecosystem");
    Purl { version: String::new(), qualifiers, ..purl }.to_string()
}

/// The packages that a package URL names, by ecosystem, name and version. Without a version they are those
/// of every version, without `distro` those of every release of the distribution, without `arch` those of
/// every architecture. Nothing when none is known.
///
/// # Errors
/// [`Error::Invalid`] for what is no package URL or has no ecosystem.
pub fn packages_named<'s>(snapshot: &'s Snapshot, purl: &str) -> Result<Vec<&'s PackageRow>> {
    let purl = Purl::parse(purl).map_err(|error| Error::Invalid(error.to_string()))?;
    let wanted = wanted(&purl)
        .ok_or_else(|| Error::Invalid(format!("packages of the type {:?} are not known here", purl.kind)))?;
    let any_release = wanted.ecosystem == family_of(&wanted.ecosystem);
    let of_ecosystem = |of: &str| match any_release {
        true => family_of(of) == wanted.ecosystem,
        false => of == wanted.ecosystem,
    };
    let mut found: Vec<&PackageRow> = snapshot
        .packages_named(&wanted.name)
        .filter(|row| of_ecosystem(&row.key.ecosystem))
        .filter(|row| purl.version.is_empty() || row.key.version == wanted.version)
        .filter(|row| wanted.arch.is_empty() || row.key.arch == wanted.arch)
        .collect();
    found.sort_by(|a, b| {
        let by_version = || compare(&a.key.ecosystem, &b.key.version, &a.key.version);
        a.key.ecosystem.cmp(&b.key.ecosystem).then_with(by_version).then_with(|| a.key.arch.cmp(&b.key.arch))
    });
    Ok(found)
}

fn wanted(purl: &Purl) -> Option<PackageKey> {
    if purl.kind == GENERIC {
        let ecosystem = purl.qualifiers.get("ecosystem")?;
        return Some(PackageKey::new(ecosystem, &purl.name, &purl.version));
    }
    // Only a package with a version has a key; any will do for the rest of it.
    let version = if purl.version.is_empty() { "0" } else { &purl.version };
    Purl { version: version.to_owned(), ..purl.clone() }.package("")
}

/// How two versions of an ecosystem stand; as texts where its order cannot tell.
pub fn compare(ecosystem: &str, a: &str, b: &str) -> Ordering {
    let order = Order::of_ecosystem(ecosystem);
    order.and_then(|order| order.compare(a, b)).unwrap_or_else(|| a.cmp(b))
}

/// The highest of some versions of an ecosystem.
pub fn highest<'v>(ecosystem: &str, versions: &'v [String]) -> Option<&'v str> {
    versions.iter().map(String::as_str).max_by(|a, b| compare(ecosystem, a, b))
}

/// An advisory that was held against some packages.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Its id.
    pub id: String,
    /// The vulnerabilities it stands for.
    pub vulnerabilities: Vec<String>,
    /// Its one line.
    pub summary: String,
    /// Where to read it, or empty.
    pub url: String,
    /// Publication, 0 when unknown.
    pub published: Millis,
    /// When its publisher withdrew it, 0 when it stands.
    pub withdrawn: Millis,
    /// What it says of each package, in the order in which they were given.
    pub words: Vec<Word>,
}

/// What an advisory says of one package.
#[derive(Debug, Clone)]
pub struct Word {
    /// The package.
    pub package: PackageNo,
    /// Its version.
    pub version: String,
    /// Its ecosystem.
    pub ecosystem: String,
    /// What is said; `None` when the version is outside of what the advisory names.
    pub state: Option<MatchState>,
    /// The publisher's severity.
    pub severity: Severity,
    /// The range that matched, or all that is named, in words.
    pub range: String,
    /// First version with the fix, or empty.
    pub fixed_version: String,
}

/// Advisories by publication.
#[derive(Debug, Clone)]
pub struct CheckedPage {
    /// Advisories that speak of any of the packages, applying or not.
    pub total: usize,
    /// Of them, those that say of any package that it is affected.
    pub applying: usize,
    /// Some of them.
    pub rows: Vec<Checked>,
}

/// Where a package was seen.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which kind of database named it.
    pub database: String,
    /// The files, relative to the root.
    pub paths: Vec<String>,
}

/// Use cases around packages.
#[derive(Debug, Clone, Copy)]
pub struct Packages<'a>(pub(crate) &'a App);

impl Packages<'_> {
    /// The advisories that were held against some packages, those that apply first, then the newest;
    /// `limit` of them after the first `offset`.
    pub async fn checked(
        &self,
        who: &Principal,
        packages: &[PackageRow],
        offset: usize,
        limit: usize,
    ) -> Result<CheckedPage> {
        require(who, Permission::FindingsRead)?;
        let keys: BTreeSet<_> = packages.iter().flat_map(|row| keys_of(&row.key)).collect();
        let records = self.0.store.read().await?.advisories_for(&Vec::from_iter(keys)).await?;
        let packages = packages.to_vec();
        let work = move || {
            let of = |(_, record): &(_, std::sync::Arc<parapet_model::advisory::Advisory>)| Checked {
                id: record.id.clone(),
                vulnerabilities: record.vulnerabilities.clone(),
                summary: record.summary.clone(),
                url: record.url.clone(),
                published: record.published,
                withdrawn: record.withdrawn,
                words: packages.iter().filter_map(|row| word(row, record)).collect(),
            };
            let mut rows: Vec<Checked> = records.iter().map(of).collect();
            rows.retain(|row| !row.words.is_empty());
            rows.sort_by(|a, b| {
                let key = |row: &Checked| (!row.applies(), -row.published);
                key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
            });
            let (total, applying) = (rows.len(), rows.iter().filter(|row| row.applies()).count());
            CheckedPage { total, applying, rows: rows.into_iter().skip(offset).take(limit).collect() }
        };
        Ok(tokio::task::spawn_blocking(work).await?)
    }

    /// Which files of which databases show a package in each of some sets.
    pub async fn seen(
        &self,
        who: &Principal,
        wanted: &BTreeSet<(SetNo, PackageNo)>,
    ) -> Result<BTreeMap<(SetNo, PackageNo), Vec<Seen>>> {
        require(who, Permission::FindingsRead)?;
        let mut by_set: BTreeMap<SetNo, BTreeSet<PackageNo>> = BTreeMap::new();
        wanted.iter().for_each(|(set, package)| {
            by_set.entry(*set).or_default().insert(*package);
        });
        let (mut found, mut session) = (BTreeMap::new(), self.0.store.read().await?);
        for (set, packages) in by_set {
            for (package, evidence) in session.set_evidence(set, |no| packages.contains(&no)).await? {
                let paths = evidence.paths.iter().map(|path| String::from_utf8_lossy(path).into_owned());
                let seen = Seen { database: evidence.database, paths: paths.collect() };
                found.entry((set, package)).or_insert_with(Vec::new).push(seen);
            }
        }
        Ok(found)
    }
}

impl Checked {
    /// Whether it says of any of the packages that it is affected.
    pub fn applies(&self) -> bool {
        self.words.iter().any(|word| word.state.is_some_and(MatchState::is_positive))
    }
}

/// What a record says of a package; `None` when it speaks of others only.
fn word(row: &PackageRow, record: &parapet_model::advisory::Advisory) -> Option<Word> {
    let keys = keys_of(&row.key);
    let own = record.affected.iter().filter(|entry| {
        let key = parapet_matching::affected_key(entry);
        keys.contains(&key)
    });
    let named: Vec<_> = own.collect();
    if named.is_empty() {
        return None;
    }
    let verdict = judge(&row.key, record).into_iter().next();
    let (state, severity, range, fixed_version) = match verdict {
        Some(verdict) => (Some(verdict.state), verdict.vendor_severity, verdict.range, verdict.fixed_version),
        None => {
            let ranges = named.iter().map(|entry| crate::sources::in_words(entry));
            (None, record.vendor_severity, ranges.collect::<Vec<_>>().join("; "), String::new())
        }
    };
    let PackageKey { version, ecosystem, .. } = row.key.clone();
    Some(Word { package: row.no, version, ecosystem, state, severity, range, fixed_version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_has_an_address_without_version_and_release() {
        let deb =
            PackageKey { arch: "amd64".to_owned(), ..PackageKey::new("Debian:12", "openssl", "3.0.11-1") };
        assert_eq!(purl_of(&deb), "pkg:deb/debian/openssl");
        assert_eq!(purl_of(&PackageKey::new("npm", "@angular/core", "1")), "pkg:npm/%40angular/core");
        assert_eq!(purl_of(&PackageKey::new("Odd:1", "x y", "1")), "pkg:generic/x%20y?ecosystem=Odd:1");
    }

    #[test]
    fn the_highest_version_is_that_of_the_ecosystems_order() {
        let versions = ["1.10-1", "1.9-1", "1.9-2"].map(str::to_owned);
        assert_eq!(highest("Debian:12", &versions), Some("1.10-1"));
        assert_eq!(highest("Debian:12", &[]), None);
    }
}
