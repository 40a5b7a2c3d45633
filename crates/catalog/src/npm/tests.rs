//! Installed modules and lock files.

use proptest::prelude::*;

use super::*;

fn packages(reading: &Reading) -> Vec<String> {
    reading.packages.iter().map(|p| format!("{}@{}", p.name, p.version)).collect()
}

#[test]
fn only_modules_count_not_their_fixtures() {
    let yes = [
        "node_modules/a/package.json",
        "usr/lib/node_modules/npm/node_modules/@npmcli/fs/package.json",
        "app/node_modules/.pnpm/lodash@4.17.21/node_modules/lodash/package.json",
    ];
    let no = [
        "package.json",
        "app/node_modules/package.json",
        "app/node_modules/a/lib/package.json",
        "app/node_modules/a/test/node_modules/b/package.json",
        "app/node_modules/@scope/package.json",
        "app/node_modules/.package-lock.json",
        "app/node_modules/.pnpm/lodash@4.17.21/package.json",
    ];
    for path in yes {
        assert!(claims(path.as_bytes()), "{path}");
    }
    for path in no {
        assert!(!claims(path.as_bytes()), "{path}");
    }
    assert_eq!(database(b"app/node_modules/a/node_modules/b/package.json"), b"app/node_modules");
}

#[test]
fn a_module_is_named_by_its_manifest() {
    assert_eq!(
        packages(&read(br#"{"name":"@angular/core","version":"1.2.3","x":[{}]}"#)),
        ["@angular/core@1.2.3"]
    );
    assert_eq!(read(br#"{"type":"module"}"#), Reading::default());
    assert!(read(b"{").problem.is_some());
    assert!(read(br#"{"name":"a\u0000","version":"1"}"#).problem.is_some());
}

#[test]
fn lock_files_of_all_versions_say_the_same() {
    let old = br#"{"lockfileVersion":1,"dependencies":{
        "a":{"version":"1.0.0","requires":{"b":"^2"},"dependencies":{"b":{"version":"2.0.0"}}},
        "c":{"version":"npm:real@3.0.0"},
        "d":{"version":"4.0.0","dev":true},
        "e":{"version":"file:../e"}}}"#;
    let new = br#"{"lockfileVersion":3,"packages":{
        "":{"name":"project","version":"0.0.1","dependencies":{"a":"^1"}},
        "node_modules/a":{"version":"1.0.0","dependencies":{"b":"^2"}},
        "node_modules/a/node_modules/b":{"version":"2.0.0"},
        "node_modules/c":{"name":"real","version":"3.0.0"},
        "node_modules/d":{"version":"4.0.0","dev":true},
        "node_modules/e":{"resolved":"e","link":true},
        "e":{"version":"5.0.0"}}}"#;
    let expected = ["a@1.0.0", "b@2.0.0", "real@3.0.0"];
    assert_eq!(packages(&lock::read(old)), expected);
    assert_eq!(packages(&lock::read(new)), expected);
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..500), path in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = (read(&bytes), lock::read(&bytes));
        let _ = (claims(&path), lock::claims(&path), database(&path));
    }
}
