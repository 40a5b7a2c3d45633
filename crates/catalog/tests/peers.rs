//! Images that other programs made: `PARAPET_IMAGES` names an OCI layout with the tags `debian` and
//! `python` (`scripts/peers`). Package lists are compared with `dpkg-query`'s.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use parapet_catalog::image::layout;
use parapet_catalog::oci::{ImageDescription, Platform};
use parapet_catalog::{Limits, NoCache, scan_layers};
use parapet_model::inventory::{Inventory, ReadOutcome};

/// The layout; without it the test is left out, which is an error where all peers are required.
fn images() -> Option<PathBuf> {
    let layout = std::env::var_os("PARAPET_IMAGES").map(PathBuf::from);
    if layout.is_none() {
        assert!(std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "PARAPET_IMAGES must be set here");
        eprintln!("left out: images of other programs, set PARAPET_IMAGES");
    }
    layout
}

fn scan(layout: &Path, tag: &str) -> (ImageDescription, Inventory) {
    let (description, layout) = layout::open(layout, Some(tag), &Platform::default()).unwrap();
    let inventory =
        scan_layers(&description, |layer| layout.open_layer(layer), &NoCache, &Limits::default()).unwrap();
    (description, inventory)
}

/// The lines of `dpkg-query` for the status file in the topmost layer that has one.
fn dpkg_query(layout: &Path, image: &ImageDescription) -> BTreeSet<String> {
    let admin = tempfile::tempdir().unwrap();
    for layer in &image.layers {
        let blob = layout.join("blobs/sha256").join(layer.digest.hex());
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
    let Some(layout) = images() else { return };
    for tag in ["debian", "python"] {
        let (image, inventory) = scan(&layout, tag);
        let ours: BTreeSet<String> = inventory
            .packages()
            .filter(|p| p.database == "dpkg")
            .map(|p| &p.package)
            .map(|p| format!("{} {} {} {} {}", p.name, p.version, p.arch, p.source_name, p.source_version))
            .collect();
        assert_eq!(ours, dpkg_query(&layout, &image), "{tag}");
        assert!(ours.len() > 20, "{tag}");
        assert_eq!(inventory.distro.unwrap().ecosystem, "Debian:12", "{tag}");
        let unread = inventory.databases.iter().filter(|d| d.outcome != ReadOutcome::Read);
        assert_eq!(unread.count(), 0, "{tag}: {:?}", inventory.databases);
    }
}

#[test]
fn wheels_are_found_beside_the_distribution() {
    let Some(layout) = images() else { return };
    let (_, inventory) = scan(&layout, "python");
    let wheels: BTreeSet<String> = inventory
        .packages()
        .filter(|p| p.database == "python")
        .map(|p| format!("{} {}", p.package.name, p.package.version))
        .collect();
    let expected = ["idna 2.7", "jinja2 2.10.1", "requests 2.19.1", "urllib3 1.24.1"];
    assert_eq!(wheels, expected.map(str::to_owned).into());
}
