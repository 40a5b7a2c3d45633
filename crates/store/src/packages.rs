//! Packages: numbered once, found by the keys under which advisories speak of them.

use std::collections::{HashMap, HashSet};

use parapet_model::facts::PackageRow;
use parapet_model::package::{MAX_FIELD, is_clean};
use parapet_model::{Coverage, PackageKey, PackageNo};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::tx::Tx;

const FIND: Bulk<1> = Bulk {
    before: "WITH k(identity) AS (VALUES ",
    after: ") SELECT t.no, t.identity FROM k CROSS JOIN package t WHERE t.identity = k.identity ORDER BY t.no",
};
const INSERT: Bulk<11> = Bulk {
    before: "INSERT INTO package (no, identity, ecosystem, name, version, arch, source_name, source_version, \
             module, coverage, kernel) VALUES ",
    after: "",
};
const INSERT_KEY: Bulk<3> = Bulk {
    before: "INSERT INTO package_key (ecosystem, name, package) VALUES ",
    after: " ON CONFLICT DO NOTHING",
};
const READ: Bulk<1> = Bulk {
    before: "WITH k(no) AS (VALUES ",
    after: ") SELECT t.no, t.ecosystem, t.name, t.version, t.arch, t.source_name, t.source_version, t.module, \
            t.coverage, t.kernel FROM k CROSS JOIN package t WHERE t.no = k.no ORDER BY t.no",
};
const READ_AFTER: &str = "SELECT no, ecosystem, name, version, arch, source_name, source_version, module, \
                          coverage, kernel FROM package WHERE no > $1 ORDER BY no LIMIT $2";
const CLASSIFY: Bulk<3> = Bulk {
    before: "WITH k(no, coverage, kernel) AS (VALUES ",
    after: ") UPDATE package SET coverage = k.coverage, kernel = k.kernel FROM k WHERE package.no = k.no",
};
const BY_KEY: Bulk<2> = Bulk {
    before: "WITH k(ecosystem, name) AS (VALUES ",
    after: ") SELECT p.package FROM k CROSS JOIN package_key p \
            WHERE p.ecosystem = k.ecosystem AND p.name = k.name ORDER BY p.package, p.ecosystem, p.name",
};

/// A package as a reader found it, with what the matcher knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPackage {
    /// Identity.
    pub key: PackageKey,
    /// Its own reason not to be `assessed`, or `assessed`.
    pub coverage: Coverage,
    /// Whether it belongs to the operating system's kernel.
    pub kernel: bool,
    /// Ecosystem and name pairs under which advisories may speak of it (`matching::keys_of`).
    pub match_keys: Vec<(String, String)>,
}

/// A hash over all fields of a key, each with its length before it.
fn identity(key: &PackageKey) -> [u8; 32] {
    let mut hash = Sha256::new();
    for field in fields(key) {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field.as_bytes());
    }
    hash.finalize().into()
}

fn fields(key: &PackageKey) -> [&String; 7] {
    [&key.ecosystem, &key.name, &key.version, &key.arch, &key.source_name, &key.source_version, &key.module]
}

fn package(row: &Row) -> Result<PackageRow> {
    let mut f = row.fields("package");
    Ok(PackageRow {
        no: PackageNo(f.u32("no")?),
        key: PackageKey {
            ecosystem: f.text()?,
            name: f.text()?,
            version: f.text()?,
            arch: f.text()?,
            source_name: f.text()?,
            source_version: f.text()?,
            module: f.text()?,
        },
        coverage: f.word("coverage", Coverage::from_number)?,
        kernel: f.bool("kernel")?,
    })
}

impl Session {
    /// Packages by number, ascending; unknown numbers are left out.
    pub async fn packages(&mut self, numbers: &[PackageNo]) -> Result<Vec<PackageRow>> {
        let keys: Vec<[Value<'_>; 1]> = numbers.iter().map(|&no| [no.into()]).collect();
        self.bulk_fetch(&READ, &keys).await?.iter().map(package).collect()
    }

    /// At most `limit` packages with numbers above `after`, by number.
    pub async fn packages_after(&mut self, after: PackageNo, limit: u32) -> Result<Vec<PackageRow>> {
        self.fetch(READ_AFTER, args![after, limit]).await?.iter().map(package).collect()
    }

    /// The packages of which advisories under one of these (ecosystem, name) keys may speak,
    /// ascending, each once.
    pub async fn packages_by_keys(&mut self, keys: &[(String, String)]) -> Result<Vec<PackageRow>> {
        let keys: Vec<[Value<'_>; 2]> = keys.iter().map(|(e, n)| [e.into(), n.into()]).collect();
        let rows = self.bulk_find(&BY_KEY, &keys).await?;
        let mut numbers = rows
            .iter()
            .map(|row| row.fields("package_key").u32("package").map(PackageNo))
            .collect::<Result<Vec<_>>>()?;
        numbers.sort_unstable();
        numbers.dedup();
        self.packages(&numbers).await
    }
}

/// The numbers of packages, in the order asked for, and which of them are new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbered {
    /// One number for each package asked for.
    pub numbers: Vec<PackageNo>,
    /// Those that were numbered just now, ascending.
    pub new: Vec<PackageNo>,
}

impl Tx {
    /// Numbers packages: looks all of them up, then numbers only the new ones.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a field that is over [`MAX_FIELD`] bytes long or has a NUL in it.
    pub async fn package_numbers(&mut self, packages: &[NewPackage]) -> Result<Numbered> {
        if let Some(bad) = packages.iter().flat_map(|p| fields(&p.key)).find(|field| !is_clean(field)) {
            let start: String = bad.chars().take(60).collect();
            return Err(Error::Invalid(format!(
                "a package field has a NUL or more than {MAX_FIELD} bytes: {start:?}…"
            )));
        }
        let identities: Vec<[u8; 32]> = packages.iter().map(|p| identity(&p.key)).collect();
        let mut known = self.known_packages(&identities).await?;
        let mut seen = HashSet::new();
        let fresh: Vec<(&NewPackage, &[u8; 32])> = packages
            .iter()
            .zip(&identities)
            .filter(|(_, identity)| !known.contains_key(*identity) && seen.insert(*identity))
            .collect();
        let new = self.insert_packages(&fresh).await?;
        known.extend(fresh.iter().zip(&new).map(|((_, identity), &no)| (**identity, no)));
        let numbers = identities.iter().filter_map(|identity| known.get(identity).copied()).collect();
        Ok(Numbered { numbers, new })
    }

    async fn insert_packages(&mut self, fresh: &[(&NewPackage, &[u8; 32])]) -> Result<Vec<PackageNo>> {
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.take_numbers(Counter::Package, fresh.len()).await?;
        let new: Vec<PackageNo> = (first..).map(PackageNo).take(fresh.len()).collect();
        let rows: Vec<[Value<'_>; 11]> = fresh
            .iter()
            .zip(&new)
            .map(|((p, identity), &no)| {
                let [ecosystem, name, version, arch, source_name, source_version, module] = fields(&p.key);
                [
                    no.into(),
                    identity.as_slice().into(),
                    ecosystem.into(),
                    name.into(),
                    version.into(),
                    arch.into(),
                    source_name.into(),
                    source_version.into(),
                    module.into(),
                    (p.coverage as u8).into(),
                    p.kernel.into(),
                ]
            })
            .collect();
        self.bulk(&INSERT, &rows).await?;
        self.insert_keys(fresh.iter().zip(&new).map(|((p, _), &no)| (no, *p))).await?;
        for no in &new {
            self.log(Kind::Package, no.0);
        }
        Ok(new)
    }

    /// Stores what another matcher knows of packages that have their numbers. Keys under which they
    /// are no longer spoken of stay: what they lead to is judged anyway.
    pub async fn describe_packages(&mut self, packages: &[(PackageRow, NewPackage)]) -> Result<()> {
        let differs =
            |(was, is): &&(PackageRow, NewPackage)| was.coverage != is.coverage || was.kernel != is.kernel;
        let changed: Vec<&(PackageRow, NewPackage)> = packages.iter().filter(differs).collect();
        let rows: Vec<[Value<'_>; 3]> = changed
            .iter()
            .map(|(was, is)| [was.no.into(), (is.coverage as u8).into(), is.kernel.into()])
            .collect();
        self.bulk(&CLASSIFY, &rows).await?;
        for (was, _) in changed {
            self.log(Kind::Package, was.no.0);
        }
        self.insert_keys(packages.iter().map(|(was, is)| (was.no, is))).await
    }

    async fn insert_keys<'p>(
        &mut self,
        packages: impl Iterator<Item = (PackageNo, &'p NewPackage)>,
    ) -> Result<()> {
        let keys: Vec<[Value<'_>; 3]> = packages
            .flat_map(|(no, p)| p.match_keys.iter().map(move |(e, n)| [e.into(), n.into(), no.into()]))
            .collect();
        self.bulk(&INSERT_KEY, &keys).await?;
        Ok(())
    }

    async fn known_packages(&mut self, identities: &[[u8; 32]]) -> Result<HashMap<[u8; 32], PackageNo>> {
        let keys: Vec<[Value<'_>; 1]> = identities.iter().map(|id| [id.as_slice().into()]).collect();
        let mut known = HashMap::with_capacity(keys.len());
        for row in self.bulk_fetch(&FIND, &keys).await? {
            let mut f = row.fields("package");
            let no = PackageNo(f.u32("no")?);
            known.insert(f.array("identity")?, no);
        }
        Ok(known)
    }
}
