//! Small things to build an estate from.

use std::collections::BTreeSet;

use parapet_model::advisory::{Advisory, Affected};
use parapet_model::asset::{HostFacts, ImageFacts, Reference};
use parapet_model::id::{EnterpriseProjectNo, ProjectNo};
use parapet_model::inventory::{FoundPackage, PackageSet};
use parapet_model::verdict::AdvisoryClass;
use parapet_model::{
    AdvisoryNo, Coverage, Digest, MatchState, PackageKey, PackageNo, SetNo, Severity, VulnerabilityNo,
};
use parapet_store::advisories::{NewAdvisory, Packer, Put};
use parapet_store::assets::{HostObservation, ImageObservation, Look, Recorded};
use parapet_store::feeds::FeedNo;
use parapet_store::matches::OpenMatch;
use parapet_store::packages::NewPackage;
use parapet_store::{StoreUrl, Tx};
use sqlx::ConnectOptions as _;

use crate::support::TestStore;

pub(crate) const PROJECT: ProjectNo = ProjectNo(1);

/// Runs a script on the database itself, behind the store's back.
pub(crate) async fn raw(t: &TestStore, sql: &'static str) {
    match &t.url {
        StoreUrl::Sqlite(path) | StoreUrl::Temporary(path) => {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            sqlx::raw_sql(sql).execute(&mut options.connect().await.unwrap()).await.unwrap();
        }
        StoreUrl::Postgres(url) => {
            let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
            sqlx::raw_sql(sql).execute(&mut options.connect().await.unwrap()).await.unwrap();
        }
    }
}

/// The numbers that a query on the database itself gives, in its order.
pub(crate) async fn raw_numbers(t: &TestStore, sql: &'static str) -> Vec<i64> {
    match &t.url {
        StoreUrl::Sqlite(path) | StoreUrl::Temporary(path) => {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            sqlx::query_scalar(sql).fetch_all(&mut options.connect().await.unwrap()).await.unwrap()
        }
        StoreUrl::Postgres(url) => {
            let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
            sqlx::query_scalar(sql).fetch_all(&mut options.connect().await.unwrap()).await.unwrap()
        }
    }
}

/// A Debian package whose source is itself.
pub(crate) fn package(name: &str, version: &str) -> NewPackage {
    NewPackage {
        key: PackageKey::new("Debian:12", name, version),
        coverage: Coverage::Assessed,
        kernel: name == "linux",
        match_keys: vec![("Debian:12".into(), name.into())],
    }
}

/// Numbers packages by name, all of version 1.
pub(crate) async fn numbers(tx: &mut Tx, names: &[&str]) -> Vec<PackageNo> {
    let packages: Vec<NewPackage> = names.iter().map(|name| package(name, "1")).collect();
    tx.package_numbers(&packages).await.unwrap().numbers
}

/// A stored set of packages by name.
pub(crate) async fn set(tx: &mut Tx, names: &[&str]) -> SetNo {
    let found = names.iter().map(|name| FoundPackage {
        package: package(name, "1").key,
        paths: vec![format!("var/lib/dpkg/info/{name}.list").into_bytes()],
        database: "dpkg".into(),
    });
    let set = PackageSet::new(found.collect());
    let sorted: Vec<&str> = set.packages.iter().map(|found| found.package.name.as_str()).collect();
    let numbers = numbers(tx, &sorted).await;
    tx.put_set(&set, &numbers).await.unwrap().0
}

/// A look by reader 1 at `observed`; `content` tells reports apart.
pub(crate) fn look(name: &str, observed: i64, content: u8) -> Look<'_> {
    Look {
        project: PROJECT,
        enterprise_project: EnterpriseProjectNo(0),
        name,
        distro: None,
        databases: &[],
        observed,
        content: Digest::of(&[content]),
        reader_version: 1,
    }
}

/// Records a host that shows `names`.
pub(crate) async fn host(tx: &mut Tx, observed: i64, content: u8, names: &[&str]) -> Recorded {
    let set = set(tx, names).await;
    let facts = HostFacts::default();
    let host =
        HostObservation { look: look("host", observed, content), identity: "machine", facts: &facts, set };
    tx.record_host(&host).await.unwrap()
}

/// Records an image of config `config` that shows `names` in one layer.
pub(crate) async fn image(
    tx: &mut Tx,
    config: u8,
    tag: Option<&str>,
    observed: i64,
    reader: u32,
    names: &[&str],
) -> Recorded {
    let sets = [(set(tx, names).await, "sha256:layer".to_owned())];
    let facts = ImageFacts { manifest_digests: vec![manifest(config)], ..ImageFacts::default() };
    let reference = tag.map(tagged);
    let image = ImageObservation {
        look: Look { reader_version: reader, ..look("image", observed, observed as u8) },
        config: Digest::of(&[config]),
        facts: &facts,
        reference: reference.as_ref(),
        sets: &sets,
        pinned: false,
    };
    tx.record_image(&image).await.unwrap()
}

/// The manifest digest of an image made by [`image`].
pub(crate) fn manifest(config: u8) -> Digest {
    Digest::of(&[config, b'm'])
}

pub(crate) fn tagged(tag: &str) -> Reference {
    Reference { registry: "registry.example".into(), repository: "team/web".into(), tag: tag.into() }
}

/// An advisory that names one CVE and speaks of Debian packages.
pub(crate) fn advisory(id: &str, cves: &[&str], names: &[&str], hash: u8) -> NewAdvisory {
    let affected = names.iter().map(|n| Affected {
        ecosystem: "Debian:12".into(),
        name: (*n).into(),
        ..Affected::default()
    });
    let advisory = Advisory {
        source: "TEST".into(),
        id: id.into(),
        modified: hash.into(),
        vulnerabilities: cves.iter().map(|&cve| cve.into()).collect(),
        affected: affected.collect(),
        ..Advisory::default()
    };
    let keys: BTreeSet<_> = names.iter().map(|&name| ("Debian:12".into(), name.into())).collect();
    Packer::new().unwrap().pack(advisory, [hash; 16], keys).unwrap()
}

pub(crate) async fn put(tx: &mut Tx, feed: FeedNo, batch: &[NewAdvisory]) -> Vec<Put> {
    tx.put_advisories(feed, batch).await.unwrap().puts
}

pub(crate) fn verdict(package: PackageNo, vulnerability: VulnerabilityNo, advisory: AdvisoryNo) -> OpenMatch {
    OpenMatch {
        package,
        vulnerability,
        advisory,
        precedence: 3,
        state: MatchState::FixAvailable,
        class: AdvisoryClass::Vulnerability,
        vendor_severity: Severity::High,
        fixed_version: "2".into(),
        range: ">= 0, < 2".into(),
    }
}
