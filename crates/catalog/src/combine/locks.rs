//! Lock files: where they count, where they do not, and what is said of those that cannot be read.

use std::sync::Arc;

use parapet_model::inventory::ReadOutcome;

use super::combine;
use super::tests::{ecosystems, inventory, lines, program, tar};
use crate::testing::metadata;

#[test]
fn of_a_name_that_is_installed_the_installed_one_is_the_truth() {
    let lock = "a==1.0\nb==2.0\nc\nd>=1\n";
    let base = || tar().file("app/requirements.txt", lock);
    let alone = inventory(vec![base()]);
    assert_eq!(lines(&alone), ["layer0: a 1.0", "layer0: b 2.0"]);
    let said: Vec<String> =
        alone.databases.iter().map(|d| format!("{:?} {}", d.outcome, d.packages)).collect();
    assert_eq!(
        said,
        ["NotRead(\"no one version, which cannot be judged: c (any version), d (>=1)\") 0", "Read 2"]
    );
    let site = |name: &str| format!("usr/lib/python3/site-packages/{name}-1.dist-info/METADATA");
    let some = tar().file(&site("A"), metadata("A", "1.1")).file(&site("d"), metadata("d", "3"));
    assert_eq!(lines(&inventory(vec![base(), some])), ["layer0: b 2.0", "layer1: a 1.1", "layer1: d 3"]);
    let all = ["a", "b", "c", "d"].iter().fold(tar(), |tar, name| tar.file(&site(name), metadata(name, "9")));
    let installed = inventory(vec![base(), all]);
    assert_eq!(installed.databases.len(), 1, "nothing is left of the list: {:?}", installed.databases);
}

#[test]
fn what_programs_were_built_from_is_the_truth() {
    let krate = |name: &str, version: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"registry+https://x\"\n\n"
        )
    };
    let lock = krate("time", "0.1.40") + &krate("other", "1.0.0");
    let module = "module m\n\ngo 1.21\n\nrequire (\n\tm.example/tool v0.9.0\n\tm.example/other v1.0.0\n)\n";
    let base = || tar().file("src/Cargo.lock", &lock).file("src/go.mod", module);
    let alone = inventory(vec![base()]);
    assert_eq!(
        ecosystems(&alone),
        [
            "Go m.example/other 1.0.0",
            "Go m.example/tool 0.9.0",
            "crates.io other 1.0.0",
            "crates.io time 0.1.40"
        ]
    );
    let auditable = include_bytes!("../../fixtures/readers/tool-rust");
    let built = inventory(vec![base().file("usr/bin/tool", program()).file("usr/bin/other", auditable)]);
    assert_eq!(
        ecosystems(&built),
        [
            "Go m.example/other 1.0.0",
            "Go m.example/tool 1.0.0",
            "Go stdlib 1.21.5",
            "crates.io other 1.0.0",
            "crates.io time 0.1.43"
        ]
    );
}

#[test]
fn an_sbom_makes_no_lock_file_void() {
    let bom = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
        {"type":"library","name":"a","version":"2.0","purl":"pkg:pypi/a@2.0"}]}"#;
    let found = inventory(vec![tar().file("app/requirements.txt", "a==1.0\n").file("app/app.cdx.json", bom)]);
    assert_eq!(ecosystems(&found), ["PyPI a 1.0", "PyPI a 2.0"]);
}

#[test]
fn lock_files_that_were_published_along_say_nothing() {
    let gem = "GEM\n  specs:\n    old (1.0)\n\nDEPENDENCIES\n";
    let stub = "# stub: rails 7.0 ruby lib\n";
    let found = inventory(vec![
        tar()
            .file("usr/local/bundle/specifications/rails-7.0.gemspec", stub)
            .file("usr/local/bundle/gems/rails-7.0/Gemfile.lock", gem)
            .file("opt/site-packages/x-1.dist-info/METADATA", metadata("x", "1"))
            .file("opt/site-packages/x/requirements.txt", "old==1.0\n")
            .file("srv/site/y-1.dist-info/METADATA", metadata("y", "1"))
            .file("srv/site/web/yarn.lock", "# yarn lockfile v1\n\nz@^1:\n  version \"1.0.0\"\n")
            .file("srv/vendor/composer/installed.json", "[{\"name\":\"a/b\",\"version\":\"1.0\"}]")
            .file(
                "srv/vendor/a/b/package-lock.json",
                "{\"packages\":{\"node_modules/old\":{\"version\":\"1.0.0\"}}}",
            )
            .file("srv/composer.lock", "{\"packages\":[{\"name\":\"a/b\",\"version\":\"0.9\"}]}")
            .file("app/Gemfile.lock", gem.replace("old", "new")),
    ]);
    assert_eq!(
        ecosystems(&found),
        [
            "Packagist a/b 1.0",
            "PyPI x 1",
            "PyPI y 1",
            "RubyGems new 1.0",
            "RubyGems rails 7.0",
            "npm z 1.0.0"
        ]
    );
}

#[test]
fn a_lock_file_over_its_limit_is_said_and_the_rest_is_judged() {
    let archive = tar()
        .file("app/yarn.lock", vec![b'#'; 3000])
        .file("srv/x-1.dist-info/METADATA", metadata("x", "1"))
        .finish();
    let limits = crate::Limits { lock: 2000, ..crate::Limits::default() };
    let layer =
        crate::layer::read(archive.as_slice(), &crate::testing::descriptor(&archive, &archive), &limits)
            .unwrap();
    let found = combine(&[(String::new(), Arc::new(layer))]);
    assert_eq!(lines(&found), [": x 1"]);
    assert_eq!(found.databases[0].outcome, ReadOutcome::Unreadable("larger than 2000 bytes".to_owned()));
}

#[test]
fn a_link_to_a_lock_file_is_read_where_it_points() {
    let lock = "lockfileVersion: '6.0'\npackages:\n  /a@1.0.0:\n    dev: false\n";
    let found = inventory(vec![
        tar()
            .file("srv/shared/pnpm-lock.yaml", lock)
            .symlink("srv/app/pnpm-lock.yaml", "../shared/pnpm-lock.yaml")
            .symlink("srv/odd/pnpm-lock.yaml", "/elsewhere"),
    ]);
    assert_eq!(lines(&found), ["layer0: a 1.0.0"]);
    let said: Vec<&str> = found.databases.iter().map(|d| d.path.as_str()).collect();
    assert_eq!(said, ["srv/odd/pnpm-lock.yaml", "srv/shared/pnpm-lock.yaml"]);
}

#[test]
fn a_list_that_is_too_long_is_cut_and_said() {
    let list = "a\nb==1\n".repeat(300_000);
    let found = inventory(vec![tar().file("requirements.txt", list)]);
    let said: Vec<String> = found.databases.iter().map(|d| format!("{:?}", d.outcome)).collect();
    assert_eq!(lines(&found), ["layer0: b 1"]);
    assert!(said.iter().any(|line| line.contains("more than 50000 packages")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("a (any version)")), "{said:?}");
}
