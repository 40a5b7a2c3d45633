//! Package databases that are garbage, cut or bent, seen through a whole image: nothing panics, no
//! package is made up, and what was lost is said, so that no asset is called assessed by mistake.

use std::collections::BTreeSet;
use std::sync::Arc;

use parapet_model::inventory::{Inventory, ReadOutcome};
use proptest::prelude::*;

use super::combine;
use crate::reader::{READERS, ReaderKind, SPOOLED};
use crate::samples;
use crate::testing::{DEBIAN, STATUS, TarBuilder, read_layer};

const MODULE: &str = "srv/node_modules/a/package.json";
const LOCK: &str = "app/package-lock.json";

/// Sound files of the binary kinds, with their paths.
const BINARY: [(&str, &[u8]); 8] = [
    ("usr/bin/tool", include_bytes!("../../fixtures/readers/tool-go")),
    ("usr/bin/other", include_bytes!("../../fixtures/readers/tool-rust")),
    ("opt/app.jar", include_bytes!("../../fixtures/readers/app.jar")),
    ("var/lib/rpm/rpmdb.sqlite", include_bytes!("../../fixtures/readers/rpmdb.sqlite")),
    ("var/lib/rpm/Packages.db", include_bytes!("../../fixtures/readers/Packages.db")),
    ("var/lib/rpm/Packages", include_bytes!("../../fixtures/readers/Packages")),
    ("opt/.spdx-redis.spdx", include_bytes!("../../fixtures/readers/redis.spdx")),
    ("srv/Cargo.lock", include_bytes!("../../fixtures/readers/Cargo.lock")),
];

/// An image with this one database.
fn image(path: &str, bytes: &[u8]) -> Inventory {
    let archive = TarBuilder::default().file("etc/os-release", DEBIAN).file(path, bytes).finish();
    combine(&[("layer".to_owned(), Arc::new(read_layer(&archive).unwrap()))])
}

/// Name and version of everything found.
fn found(inventory: &Inventory) -> BTreeSet<(String, String)> {
    inventory.packages().map(|p| (p.package.name.clone(), p.package.version.clone())).collect()
}

fn complains(inventory: &Inventory) -> bool {
    inventory.databases.iter().any(|line| matches!(line.outcome, ReadOutcome::Unreadable(_)))
}

#[test]
fn every_reader_reads_what_its_program_writes() {
    let mut kinds = BTreeSet::new();
    for sample in samples::all() {
        let inventory = image(sample.path, sample.text.as_bytes());
        let named: Vec<String> =
            found(&inventory).iter().map(|(name, version)| format!("{name} {version}")).collect();
        assert_eq!(named, sample.found, "{}", sample.path);
        assert!(!complains(&inventory), "{}: {inventory:?}", sample.path);
        kinds.extend(READERS.iter().filter(|r| (r.claims)(sample.path.as_bytes())).map(|r| r.kind));
    }
    let without: Vec<ReaderKind> =
        READERS.iter().map(|r| r.kind).filter(|kind| !kinds.contains(kind)).collect();
    assert_eq!(without, [ReaderKind::PythonEggFile, ReaderKind::Nix], "tested beside their readers");
}

#[test]
fn every_reader_of_binary_files_is_tried() {
    let is_tried = |claims: fn(&[u8]) -> bool| BINARY.iter().any(|(path, _)| claims(path.as_bytes()));
    let without: Vec<ReaderKind> = SPOOLED.iter().filter(|r| !is_tried(r.claims)).map(|r| r.kind).collect();
    assert_eq!(without, [ReaderKind::RpmLog], "it names nothing");
    for (path, bytes) in BINARY {
        let inventory = image(path, bytes);
        assert!(!found(&inventory).is_empty() && !complains(&inventory), "{path}: {inventory:?}");
    }
}

#[test]
fn a_cut_database_makes_up_nothing_and_says_that_it_was_cut() {
    for sample in samples::all() {
        // A list that people write may end within a line.
        if sample.path.ends_with("requirements.txt") {
            continue;
        }
        let (path, text) = (sample.path, sample.text);
        let whole = found(&image(path, text.as_bytes()));
        for end in 0..text.len() {
            let inventory = image(path, &text.as_bytes()[..end]);
            let kept = found(&inventory);
            assert!(kept.is_subset(&whole), "{path} cut at {end}: {kept:?}");
            // A cut between two entries looks like a shorter sound file.
            let sound = sample.ends_anywhere && end > 0 || text[end..].trim().is_empty();
            assert!(sound || complains(&inventory), "{path} cut at {end}: {inventory:?}");
        }
    }
}

#[test]
fn a_database_that_names_nothing_is_not_a_clean_system() {
    for path in [STATUS, "lib/apk/db/installed"] {
        for bytes in ["", "\n\n", " only a continuation\n", "\0\0\0\0"] {
            assert!(complains(&image(path, bytes.as_bytes())), "{path}: {bytes:?}");
        }
    }
}

#[test]
fn json_nested_ten_thousand_deep_is_unreadable_or_passed_over() {
    let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    let version = nested("[", "]");
    let lock = nested("{\"dependencies\":{\"a\":", "}}");
    for (path, text) in [(MODULE, format!("{{\"name\":\"a\",\"version\":{version}}}")), (LOCK, lock)] {
        let inventory = image(path, text.as_bytes());
        assert!(found(&inventory).is_empty() && complains(&inventory), "{path}: {inventory:?}");
    }
    let beside = format!("{{\"name\":\"a\",\"x\":{version},\"version\":\"1\"}}");
    assert_eq!(found(&image(MODULE, beside.as_bytes())), [("a".to_owned(), "1".to_owned())].into());
}

#[test]
fn a_cut_binary_file_makes_up_nothing_and_a_cut_database_says_so() {
    for (path, bytes) in BINARY {
        let whole = found(&image(path, bytes));
        assert!(!whole.is_empty(), "{path}");
        for end in (0..bytes.len()).step_by(7) {
            let inventory = image(path, &bytes[..end]);
            assert!(found(&inventory).is_subset(&whole), "{path} cut at {end}");
            if path.contains("/rpm/") {
                // Behind the last header there may be nothing but padding.
                let sound = found(&inventory) == whole;
                assert!(sound || complains(&inventory), "{path} cut at {end}: {inventory:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_bent_binary_file_never_panics(
        at in any::<prop::sample::Index>(),
        value in any::<[u8; 8]>(),
        which in 0_usize..BINARY.len(),
    ) {
        let (path, bytes) = BINARY[which];
        let mut bytes = bytes.to_vec();
        let at = at.index(bytes.len() - 8);
        bytes[at..at + 8].copy_from_slice(&value);
        let _ = image(path, &bytes);
    }

    #[test]
    fn garbage_in_place_of_a_binary_file_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
        for (path, _) in BINARY {
            let _ = image(path, &bytes);
        }
    }

    #[test]
    fn garbage_is_never_a_clean_result(bytes in proptest::collection::vec(any::<u8>(), 1..600)) {
        for sample in samples::all() {
            // A list may be empty.
            if sample.path.ends_with("requirements.txt") {
                continue;
            }
            let inventory = image(sample.path, &bytes);
            prop_assert!(complains(&inventory) || !found(&inventory).is_empty(), "{}: {:?}", sample.path, inventory);
        }
    }

    #[test]
    fn a_bent_database_never_panics(
        bends in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        which in any::<prop::sample::Index>(),
    ) {
        let all = samples::all();
        let sample = which.get(&all);
        let mut bytes = sample.text.clone().into_bytes();
        for (at, value) in bends {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = image(sample.path, &bytes);
    }

    #[test]
    fn parts_in_any_order_never_panic(
        parts in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..8),
        which in any::<prop::sample::Index>(),
    ) {
        let all = samples::all();
        let sample = which.get(&all);
        let text = sample.text.as_bytes();
        let mut bytes = Vec::new();
        for (a, b) in parts {
            let (a, b) = (a.index(text.len()), b.index(text.len()));
            bytes.extend_from_slice(&text[a.min(b)..a.max(b)]);
        }
        let _ = image(sample.path, &bytes);
    }
}
