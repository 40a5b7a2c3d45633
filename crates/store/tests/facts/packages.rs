//! Packages and sets.

use parapet_model::inventory::{FoundPackage, PackageSet};
use parapet_model::{PackageKey, PackageNo};
use parapet_store::Error;

use crate::estate::{numbers, package, raw};
use crate::support::{TestStore, on_both_stores};

#[test]
fn only_new_packages_take_numbers() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let batch = [package("bash", "5"), package("zlib", "1"), package("bash", "5"), package("linux", "6")];
        let first = tx.package_numbers(&batch).await.unwrap();
        assert_eq!(first.numbers, [1, 2, 1, 3].map(PackageNo));
        assert_eq!(first.new, [1, 2, 3].map(PackageNo));
        tx.commit().await.unwrap();

        for _ in 0..3 {
            let mut tx = t.store.begin().await.unwrap();
            let again = tx.package_numbers(&batch).await.unwrap();
            assert_eq!((again.numbers, again.new), (first.numbers.clone(), vec![]));
            assert_eq!(tx.commit().await.unwrap().rows, 0);
        }
        let mut tx = t.store.begin().await.unwrap();
        let next = tx.package_numbers(&[package("bash", "6")]).await.unwrap();
        assert_eq!(next.numbers, [PackageNo(4)], "conflicts burnt no number");
        tx.commit().await.unwrap();

        let mut read = t.store.read().await.unwrap();
        let rows = read.packages(&[PackageNo(3), PackageNo(1), PackageNo(77)]).await.unwrap();
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().any(|row| row.no == PackageNo(3) && row.kernel && row.key.name == "linux"));
    });
}

#[test]
fn every_part_of_the_key_tells_packages_apart() {
    on_both_stores(async |t: TestStore| {
        let base = PackageKey::new("AlmaLinux:9", "nodejs", "1:18.1-1");
        let variants = [
            base.clone(),
            PackageKey { ecosystem: "AlmaLinux:8".into(), ..base.clone() },
            PackageKey { arch: "arm64".into(), ..base.clone() },
            PackageKey { source_name: "node".into(), ..base.clone() },
            PackageKey { source_version: "1:18.1-2".into(), ..base.clone() },
            PackageKey { module: "nodejs:18".into(), ..base.clone() },
        ];
        let batch: Vec<_> = variants
            .iter()
            .map(|key| parapet_store::packages::NewPackage { key: key.clone(), ..package("x", "1") })
            .collect();
        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(tx.package_numbers(&batch).await.unwrap().new.len(), variants.len());
        tx.commit().await.unwrap();
        let rows = t.store.load_all().await.unwrap().packages;
        assert_eq!(rows.into_iter().map(|row| row.key).collect::<Vec<_>>(), variants);
    });
}

#[test]
fn packages_are_found_by_the_keys_advisories_use() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let mut pro = package("libssl3", "3.0.2");
        pro.match_keys =
            vec![("Ubuntu:22.04".into(), "openssl".into()), ("Ubuntu:Pro:22.04".into(), "openssl".into())];
        tx.package_numbers(&[pro, package("openssl", "3"), package("bash", "5")]).await.unwrap();
        let key = |e: &str, n: &str| (e.to_owned(), n.to_owned());
        let both =
            [key("Ubuntu:22.04", "openssl"), key("Ubuntu:Pro:22.04", "openssl"), key("Debian:12", "none")];
        let found = tx.packages_by_keys(&both).await.unwrap();
        assert_eq!(found.iter().map(|p| p.key.name.as_str()).collect::<Vec<_>>(), ["libssl3"]);
    });
}

#[test]
fn what_a_better_matcher_knows_replaces_what_was_known() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        tx.package_numbers(&[package("bash", "5"), package("linux", "6")]).await.unwrap();
        tx.commit().await.unwrap();

        let mut tx = t.store.begin().await.unwrap();
        let first = tx.packages_after(PackageNo(0), 1).await.unwrap();
        let rest = tx.packages_after(first[0].no, 10).await.unwrap();
        assert_eq!((first[0].key.name.as_str(), rest.len()), ("bash", 1));
        let mut better = package("bash", "5");
        better.coverage = parapet_model::Coverage::VersionUnparsed;
        better.match_keys = vec![("Debian:12".into(), "bourne-again".into())];
        let same = (rest[0].clone(), package("linux", "6"));
        tx.describe_packages(&[(first[0].clone(), better), same]).await.unwrap();
        let seq = tx.seq();
        tx.commit().await.unwrap();

        let change = t.store.changes_since(seq - 1, 0).await.unwrap().unwrap();
        let told: Vec<_> = change.packages.iter().map(|row| (row.no, row.coverage)).collect();
        assert_eq!(told, [(PackageNo(1), parapet_model::Coverage::VersionUnparsed)], "only what changed");
        let key = [("Debian:12".to_owned(), "bourne-again".to_owned())];
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.packages_by_keys(&key).await.unwrap().len(), 1);
    });
}

#[test]
fn hostile_names_are_refused_before_anything_is_written() {
    on_both_stores(async |t: TestStore| {
        for bad in ["a\0b".to_owned(), "x".repeat(2000)] {
            let mut tx = t.store.begin().await.unwrap();
            let refused = tx.package_numbers(&[package("fine", "1"), package(&bad, "1")]).await.unwrap_err();
            assert!(matches!(refused, Error::Invalid(_)), "{refused}");
            assert_eq!(tx.commit().await.unwrap().rows, 0);
        }
        // The longest allowed ones fit every index.
        let long = "ß".repeat(512);
        let mut tx = t.store.begin().await.unwrap();
        let mut wide = package(&long, &long);
        wide.match_keys = vec![(long.clone(), long.clone())];
        tx.package_numbers(&[wide]).await.unwrap();
        tx.commit().await.unwrap();
    });
}

#[test]
fn running_out_of_numbers_is_an_error() {
    on_both_stores(async |t: TestStore| {
        raw(&t, "UPDATE counter SET next = 4294967294 WHERE name = 'package'").await;
        let mut tx = t.store.begin().await.unwrap();
        let refused = tx.package_numbers(&[package("a", "1"), package("b", "1")]).await.unwrap_err();
        assert!(matches!(refused, Error::Exhausted("package")), "{refused}");
        drop(tx);
        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(numbers(&mut tx, &["last"]).await, [PackageNo(u32::MAX - 1)]);
    });
}

#[test]
fn a_set_is_stored_once_and_keeps_its_evidence() {
    on_both_stores(async |t: TestStore| {
        let found = |name: &str, database: &str, paths: &[&[u8]]| FoundPackage {
            package: package(name, "1").key,
            paths: paths.iter().map(|p| p.to_vec()).collect(),
            database: database.into(),
        };
        // Paths are bytes; one package may be named by two databases.
        let set = PackageSet::new(vec![
            found("zlib", "dpkg", &[b"var/lib/dpkg/status"]),
            found("bash", "dpkg", &[b"a", b"b\xff\0"]),
            found("bash", "cyclonedx", &[]),
        ]);
        let names: Vec<&str> = set.packages.iter().map(|f| f.package.name.as_str()).collect();
        let mut tx = t.store.begin().await.unwrap();
        let members = numbers(&mut tx, &names).await;
        let (no, new) = tx.put_set(&set, &members).await.unwrap();
        assert!(new);
        assert_eq!(tx.put_set(&set, &members).await.unwrap(), (no, false));
        assert!(matches!(tx.put_set(&set, &members[1..]).await, Err(Error::Invalid(_))));
        tx.commit().await.unwrap();

        let mut read = t.store.read().await.unwrap();
        let stored = read.sets(&[no]).await.unwrap();
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].members, [1, 2].map(PackageNo), "each package once");
        let bash = read.set_evidence(no, |package| package == members[0]).await.unwrap();
        let shown: Vec<(&str, Vec<Vec<u8>>)> =
            bash.iter().map(|(_, e)| (e.database.as_str(), e.paths.clone())).collect();
        assert!(shown.contains(&("dpkg", vec![b"a".to_vec(), b"b\xff\0".to_vec()])));
        assert!(shown.contains(&("cyclonedx", vec![])) && shown.len() == 2);
        assert_eq!(read.set_evidence(no, |package| package == PackageNo(9)).await.unwrap(), []);
        assert_eq!(read.set_by_digest(&set.digest()).await.unwrap(), Some(no));
    });
}

#[test]
fn more_rows_than_one_statement_takes_go_in_several() {
    on_both_stores(async |t: TestStore| {
        let names: Vec<String> = (0..3_500).map(|n| format!("package{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut tx = t.store.begin().await.unwrap();
        let given = numbers(&mut tx, &names).await;
        tx.commit().await.unwrap();
        assert_eq!(given, (1..=3_500).map(PackageNo).collect::<Vec<_>>());
        let mut tx = t.store.begin().await.unwrap();
        assert_eq!(numbers(&mut tx, &names).await, given);
        assert_eq!(tx.commit().await.unwrap().rows, 0);
        assert_eq!(t.store.load_all().await.unwrap().packages.len(), 3_500);
    });
}
