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
        "app/node_modules/.store/lodash-npm-4.17.21-0a/package/package.json",
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

#[test]
fn a_tree_deeper_than_any_real_one_is_said() {
    let deep = |levels: usize| {
        format!(
            "{{{}\"dependencies\":{{}}{}}}",
            "\"dependencies\":{\"a\":{\"version\":\"1.0.0\",".repeat(levels),
            "}}".repeat(levels)
        )
    };
    assert_eq!(lock::read(deep(60).as_bytes()).problem, None);
    assert!(lock::read(deep(100).as_bytes()).problem.is_some());
    assert!(lock::read(deep(100_000).as_bytes()).problem.is_some());
}

#[test]
fn yarn_names_the_module_that_was_resolved() {
    let classic = "# yarn lockfile v1\n\n\n\"@babel/core@^7.0.0\", \"@babel/core@^7.1\":\n  version \"7.1.2\"\n  dependencies:\n    \
                   version \"^9.9.9\"\n\nalias@npm:real@^1:\n  version \"1.0.0\"\n\n\"@s/alias@npm:@t/real@^2\":\n  version \"2.0.0\"\n";
    assert_eq!(
        packages(&yarn::read(classic.as_bytes())),
        ["@babel/core@7.1.2", "@t/real@2.0.0", "real@1.0.0"]
    );
    let berry = "# comment\n\n__metadata:\n  version: 6\n  cacheKey: 8\n\n\"@babel/core@npm:^7.0.0, @babel/core@npm:^7.1\":\n  version: 7.1.2\n  \
                 resolution: \"@babel/core@npm:7.1.2\"\n  linkType: hard\n\n\"alias@npm:real@^1\":\n  version: 1.10\n  resolution: \"real@npm:1.10\"\n  \
                 linkType: hard\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  linkType: soft\n\n\
                 \"fix@patch:fix@npm%3A3.0.0#./p\":\n  version: 3.0.0\n  resolution: \"fix@patch:fix@npm%3A3.0.0#./p::version=3.0.0\"\n  linkType: hard\n";
    assert_eq!(packages(&yarn::read(berry.as_bytes())), ["@babel/core@7.1.2", "fix@3.0.0", "real@1.10"]);
    assert_eq!(yarn::read(b"# yarn lockfile v1\n\n\n").problem, None);
    assert!(yarn::read(b"").problem.is_some());
}

#[test]
fn pnpm_leaves_out_development_in_every_version() {
    let five = "lockfileVersion: 5.4\npackages:\n  /@babel/core/7.1.2_peer@1.0.0:\n    dev: false\n  /lodash/4.17.20:\n    resolution: {integrity: x}\n  \
                /mocha/9.0.0:\n    dev: true\n  registry.example/left-pad/1.3.0:\n    dev: false\n  github.com/a/b/0a1b:\n    name: b\n    version: 2.0.0\n    dev: false\n";
    assert_eq!(
        packages(&pnpm::read(five.as_bytes())),
        ["@babel/core@7.1.2", "b@2.0.0", "left-pad@1.3.0", "lodash@4.17.20"]
    );
    let six = "lockfileVersion: '6.0'\npackages:\n  /@babel/core@7.1.2(peer@1.0.0):\n    dev: false\n  /mocha@9.0.0:\n    dev: true\n";
    assert_eq!(packages(&pnpm::read(six.as_bytes())), ["@babel/core@7.1.2"]);
    let nine = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      alias:\n        specifier: npm:real@^1\n        version: real@1.0.0\n      \
                own:\n        specifier: workspace:*\n        version: link:../own\n      tar:\n        specifier: https://files.example/t.tgz\n        \
                version: https://files.example/t.tgz\n    devDependencies:\n      mocha:\n        specifier: ^9\n        version: 9.0.0\n\
                packages:\n  real@1.0.0:\n    resolution: {integrity: x}\n  tar@https://files.example/t.tgz:\n    resolution: {tarball: t}\n    version: 7.0.0\n\
                snapshots:\n  real@1.0.0:\n    dependencies:\n      react-dom: 18.0.0(react@18.0.0)\n  react-dom@18.0.0(react@18.0.0):\n    dependencies:\n      \
                react: 18.0.0\n      real: 1.0.0\n  react@18.0.0: {}\n  mocha@9.0.0: {}\n  tar@https://files.example/t.tgz: {}\n";
    assert_eq!(
        packages(&pnpm::read(nine.as_bytes())),
        ["react@18.0.0", "react-dom@18.0.0", "real@1.0.0", "tar@7.0.0"]
    );
    assert!(pnpm::read(b"lockfileVersion: '3'\n").problem.is_some());
}

#[test]
fn bun_keeps_modules_that_the_workspaces_need() {
    let text = br#"{
  // a comment
  "lockfileVersion": 1,
  "workspaces": { "": { "name": "p", "dependencies": { "a": "^1", }, "devDependencies": { "t": "^1" } } },
  "packages": {
    "a": ["a@1.0.0", "", { "dependencies": { "@s/b": "^2" } }, "sha512-x"],
    "a/@s/b": ["@s/b@2.0.0", "", { "dependencies": { "c": "^1" } }, "sha512-x"],
    "a/@s/b/c": ["c@1.0.0", "", { "dependencies": { "@s/b": "^2" } }, "sha512-x"],
    "@s/b": ["@s/b@9.0.0", "", {}, "sha512-x"],
    "c": ["c@9.0.0", "", {}, "sha512-x"],
    "t": ["t@3.0.0", "", { "dependencies": { "c": "^9", "@s/b": "^9" } }, "sha512-x"],
    "p": ["p@workspace:."],
  }
}"#;
    assert_eq!(packages(&bun::read(text)), ["@s/b@2.0.0", "a@1.0.0", "c@1.0.0"]);
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..500), path in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = (read(&bytes), lock::read(&bytes), yarn::read(&bytes), pnpm::read(&bytes), bun::read(&bytes));
        let _ = (claims(&path), lock::claims(&path), database(&path));
    }
}
