//! Package databases that are garbage, cut or bent, seen through a whole image: nothing panics, no
//! package is made up, and what was lost is said, so that no asset is called assessed by mistake.

use std::collections::BTreeSet;
use std::sync::Arc;

use parapet_model::inventory::{Inventory, ReadOutcome};
use proptest::prelude::*;

use super::combine;
use crate::testing::{DEBIAN, STATUS, TarBuilder, metadata, read_layer, status};

const MODULE: &str = "srv/node_modules/a/package.json";
const LOCK: &str = "app/package-lock.json";
const WHEEL: &str = "usr/lib/python3/dist-packages/x-1.dist-info/METADATA";

/// A sound file of each database, with its path.
fn databases() -> [(&'static str, String); 6] {
    let module = r#"{"name": "@scope/a", "version": "1.22.333", "main": "a.js"}"#;
    let lock = r#"{"lockfileVersion": 3, "packages": {"": {"name": "p", "version": "0.0.1"},
        "node_modules/a": {"version": "1.22.333"}, "node_modules/b": {"version": "4.55.666"}}}"#;
    let tree = r#"{"lockfileVersion": 1, "dependencies": {"a": {"version": "1.22.333",
        "dependencies": {"b": {"version": "4.55.666"}}}}}"#;
    [
        (STATUS, status(&["glass 1.22.333-4", "stone 2:5.66-7", "wood 8.99"])),
        ("lib/apk/db/installed", "P:musl\nV:1.22.333-r4\nA:x\n\nP:zlib\nV:5.66-r7\nA:x\n\n".to_owned()),
        (WHEEL, metadata("name", "1.22.333")),
        (MODULE, module.to_owned()),
        (LOCK, lock.to_owned()),
        (LOCK, tree.to_owned()),
    ]
}

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
fn the_sound_ones_are_read() {
    for (path, text) in databases() {
        let inventory = image(path, text.as_bytes());
        assert!(!found(&inventory).is_empty() && !complains(&inventory), "{path}: {inventory:?}");
    }
}

#[test]
fn a_cut_database_makes_up_nothing_and_says_that_it_was_cut() {
    for (path, text) in databases() {
        let whole = found(&image(path, text.as_bytes()));
        for end in 0..text.len() {
            let inventory = image(path, &text.as_bytes()[..end]);
            let kept = found(&inventory);
            assert!(kept.is_subset(&whole), "{path} cut at {end}: {kept:?}");
            // A cut between two entries or behind the headers looks like a shorter sound file.
            let sound = !kept.is_empty() && (path == WHEEL || text[..end].ends_with('\n'));
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
    #![proptest_config(ProptestConfig::with_cases(64))]

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
        for (path, _) in databases() {
            let inventory = image(path, &bytes);
            prop_assert!(complains(&inventory) || !found(&inventory).is_empty(), "{}: {:?}", path, inventory);
        }
    }

    #[test]
    fn a_bent_database_never_panics(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        which in 0_usize..6,
    ) {
        let (path, text) = &databases()[which];
        let mut bytes = text.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = value;
        let _ = image(path, &bytes);
    }
}
