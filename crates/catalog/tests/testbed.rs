//! Real images, where a test bed is at hand: `PARAPET_TESTBED` names the directory that holds
//! `oci/` with the layouts. Package lists are compared with `dpkg-query`'s.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use parapet_catalog::image::layout;
use parapet_catalog::oci::{ImageDescription, Platform};
use parapet_catalog::{Limits, NoCache, scan_layers};
use parapet_model::inventory::{Inventory, ReadOutcome};

fn testbed() -> Option<PathBuf> {
    let directory = std::env::var_os("PARAPET_TESTBED").map(PathBuf::from);
    if directory.is_none() {
        eprintln!("left out: real images, set PARAPET_TESTBED");
    }
    directory
}

fn scan(testbed: &Path, image: &str) -> (ImageDescription, Inventory) {
    let platform: Platform = "linux/amd64".parse().unwrap();
    let (description, layout) = layout::open(&testbed.join("oci").join(image), None, &platform).unwrap();
    let inventory =
        scan_layers(&description, |layer| layout.open_layer(layer), &NoCache, &Limits::default()).unwrap();
    (description, inventory)
}

fn names(inventory: &Inventory, database: &str) -> BTreeSet<String> {
    let packages = inventory.packages().filter(|p| p.database == database);
    packages.map(|p| format!("{} {}", p.package.name, p.package.version)).collect()
}

fn not_read(inventory: &Inventory) -> BTreeSet<&str> {
    let databases = inventory.databases.iter();
    databases.filter(|d| matches!(d.outcome, ReadOutcome::NotRead(_))).map(|d| d.kind.as_str()).collect()
}

/// The lines of `dpkg-query` for the status file in the topmost layer that has one.
fn dpkg_query(testbed: &Path, image: &ImageDescription, name: &str) -> BTreeSet<String> {
    let admin = tempfile::tempdir().unwrap();
    for layer in &image.layers {
        let blob = testbed.join("oci").join(name).join("blobs/sha256").join(layer.digest.hex());
        for member in ["./var/lib/dpkg/status", "var/lib/dpkg/status"] {
            let tar = Command::new("tar").arg("-xOzf").arg(&blob).arg(member).output().unwrap();
            if tar.status.success() && !tar.stdout.is_empty() {
                fs::write(admin.path().join("status"), &tar.stdout).unwrap();
            }
        }
    }
    fs::create_dir(admin.path().join("info")).unwrap();
    fs::create_dir(admin.path().join("updates")).unwrap();
    let format =
        "${Package} ${Version} ${Architecture} ${source:Package} ${source:Version} ${db:Status-Status}\n";
    let query = Command::new("dpkg-query")
        .arg(format!("--admindir={}", admin.path().display()))
        .args(["-W", "-f", format])
        .output()
        .unwrap();
    assert!(query.status.success(), "{}", String::from_utf8_lossy(&query.stderr));
    let text = String::from_utf8(query.stdout).unwrap();
    text.lines()
        .filter_map(|line| line.rsplit_once(' '))
        .filter(|(_, state)| !matches!(*state, "config-files" | "not-installed"))
        .map(|(line, _)| line.to_owned())
        .collect()
}

#[test]
fn debian_packages_are_those_of_dpkg_query() {
    let Some(testbed) = testbed() else { return };
    for (name, release) in [
        ("base-11", "11"),
        ("base-12", "12"),
        ("base-12-main", "12"),
        ("base-13", "13"),
        ("web-1", "12"),
        ("py-1", "12"),
    ] {
        let (image, inventory) = scan(&testbed, name);
        let ours: BTreeSet<String> = inventory
            .packages()
            .filter(|p| p.database == "dpkg")
            .map(|p| &p.package)
            .map(|p| format!("{} {} {} {} {}", p.name, p.version, p.arch, p.source_name, p.source_version))
            .collect();
        assert_eq!(ours, dpkg_query(&testbed, &image, name), "{name}");
        assert!(ours.len() > 50, "{name}");
        assert_eq!(inventory.distro.unwrap().ecosystem, format!("Debian:{release}"), "{name}");
    }
}

#[test]
fn wheels_are_found_beside_the_distribution() {
    let Some(testbed) = testbed() else { return };
    let (_, inventory) = scan(&testbed, "py-1");
    let wheels = names(&inventory, "python");
    assert_eq!(wheels.len(), 11, "{wheels:?}");
}

#[test]
fn replaced_and_removed_modules_are_seen() {
    let Some(testbed) = testbed() else { return };
    let (_, first) = scan(&testbed, "node-1");
    let (_, second) = scan(&testbed, "node-2");
    let (first, second) = (names(&first, "npm"), names(&second, "npm"));
    let of = |set: &BTreeSet<String>, name: &str| {
        set.iter().filter(|p| p.starts_with(name)).cloned().collect::<Vec<_>>()
    };
    assert!(!of(&first, "lodash ").is_empty() && !of(&first, "minimist ").is_empty(), "{first:?}");
    assert_eq!(of(&second, "lodash ").len(), 1);
    assert_ne!(of(&first, "lodash "), of(&second, "lodash "));
    // The one that was removed lay at the top; optimist brings another of its own.
    assert_eq!(of(&first, "minimist ").len(), 2);
    assert_eq!(of(&second, "minimist "), ["minimist 0.0.10"]);
}

#[test]
fn nothing_is_clean_in_silence() {
    let Some(testbed) = testbed() else { return };
    for (name, kind) in [("java-1", "java"), ("go-1", "go"), ("rust-1", "rust"), ("rpm-1", "rpm")] {
        let (_, inventory) = scan(&testbed, name);
        assert!(not_read(&inventory).contains(kind), "{name}: {:?}", inventory.databases);
    }
    let (_, clean) = scan(&testbed, "base-12");
    assert!(not_read(&clean).is_empty(), "{:?}", clean.databases);
}

#[test]
fn small_images_of_other_kinds_are_read() {
    let Some(testbed) = testbed() else { return };
    for name in ["apk-1", "zstd-1"] {
        let (_, inventory) = scan(&testbed, name);
        assert!(!names(&inventory, "apk").is_empty(), "{name}");
        assert!(inventory.packages().all(|p| p.package.ecosystem == "Alpine:v3.11"), "{name}");
    }
    let (_, distroless) = scan(&testbed, "distroless-1");
    assert!(distroless.packages().count() > 1);
    assert!(distroless.packages().all(|p| p.package.ecosystem == "Debian:12"));
    let (image, empty) = scan(&testbed, "empty-1");
    assert!(image.layers.is_empty() && empty.layers.is_empty() && empty.databases.is_empty());
    let (multi, _) = scan(&testbed, "multi-1");
    assert_eq!(multi.facts.manifest_digests.len(), 2);
}
