//! CycloneDX documents and the package URLs in them.

use parapet_model::PackageKey;
use parapet_model::inventory::{Inventory, ReadOutcome};
use proptest::prelude::*;

use super::cyclonedx::{SbomError, Subject, read};
use super::purl::Purl;
use crate::Limits;

fn document(metadata: &str, components: &str) -> String {
    format!(
        "{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"metadata\":{{{metadata}}},\"components\":[{components}]}}"
    )
}

fn parsed(text: &str) -> Result<(Inventory, Subject), SbomError> {
    read(text.as_bytes(), &Limits::default())
}

fn key(purl: &str) -> Option<PackageKey> {
    Purl::parse(purl).unwrap().package("")
}

#[test]
fn package_urls_become_packages() {
    let cases = [
        ("pkg:npm/%40angular/core@1.2.3", "npm", "@angular/core", "1.2.3"),
        ("pkg:npm/@angular/core@1.2.3", "npm", "@angular/core", "1.2.3"),
        ("pkg:pypi/Zope_Interface@5.0", "PyPI", "zope-interface", "5.0"),
        (
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1?type=jar#x",
            "Maven",
            "org.apache.logging.log4j:log4j-core",
            "2.14.1",
        ),
        ("pkg:golang/github.com/gorilla/mux@v1.8.0", "Go", "github.com/gorilla/mux", "1.8.0"),
        ("pkg:cargo/time@0.1.43", "crates.io", "time", "0.1.43"),
        ("pkg:gem/rake@13.0.6", "RubyGems", "rake", "13.0.6"),
        ("pkg:conda/openssl@1.1.1k", "conda", "openssl", "1.1.1k"),
        ("pkg:cocoapods/Firebase@8.0.0", "cocoapods", "Firebase", "8.0.0"),
        ("pkg:nuget/Newtonsoft.Json@12.0.1", "NuGet", "Newtonsoft.Json", "12.0.1"),
        ("pkg:composer/symfony/http-kernel@5.4.0", "Packagist", "symfony/http-kernel", "5.4.0"),
        ("pkg:deb/debian/bash@5.2.15-2%2Bb2?distro=debian-12", "Debian:12", "bash", "5.2.15-2+b2"),
        ("pkg:deb/ubuntu/vim@9.0?epoch=2&distro=ubuntu-22.04", "Ubuntu:22.04:LTS", "vim", "2:9.0"),
        ("pkg:apk/alpine/musl@1.2.4-r2?distro=3.18.4", "Alpine:v3.18", "musl", "1.2.4-r2"),
        ("pkg:deb/debian/bash@5.2", "Debian", "bash", "5.2"),
        ("pkg:deb/vendor/tool@1", "dpkg", "tool", "1"),
        ("pkg:rpm/almalinux/bash@5.1.8-6.el9?distro=almalinux-9.4", "AlmaLinux:9", "bash", "5.1.8-6.el9"),
    ];
    for (purl, ecosystem, name, version) in cases {
        let key = key(purl).unwrap();
        assert_eq!(
            (key.ecosystem.as_str(), key.name.as_str(), key.version.as_str()),
            (ecosystem, name, version),
            "{purl}"
        );
    }
    assert_eq!(key("pkg:docker/alpine@3"), None);
    assert_eq!(key("pkg:npm/a"), None);
    for bad in ["", "npm/a@1", "pkg:npm", "pkg:npm/a@%zz", "pkg:npm/a@%00", "pkg:npm/a@1?x"] {
        assert!(Purl::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn sources_come_from_the_upstream_qualifier() {
    let source = |purl: &str| key(purl).map(|key| (key.source_name, key.source_version)).unwrap();
    let deb = "pkg:deb/debian/libssl3@3.0.11-1%2Bb1?arch=amd64&upstream=openssl%403.0.11-1&distro=debian-12";
    assert_eq!(source(deb), ("openssl".to_owned(), "3.0.11-1".to_owned()));
    let rpm = "pkg:rpm/rocky/openssl-libs@3.0.7-24.el9?epoch=1&upstream=openssl-3.0.7-24.el9.src.rpm";
    assert_eq!(source(rpm), ("openssl".to_owned(), "1:3.0.7-24.el9".to_owned()));
}

/// Packages of every kind that readers name, and odd ones.
fn written() -> Vec<PackageKey> {
    let mut openssl = PackageKey::new("Debian:12", "libssl3", "1:3.0.11-1+b1");
    openssl.arch = "amd64".to_owned();
    openssl.source_name = "openssl".to_owned();
    openssl.source_version = "3.0.11-1".to_owned();
    let mut musl = PackageKey::new("Alpine:v3.18", "musl-utils", "1.2.4-r2");
    musl.source_name = "musl".to_owned();
    let mut nginx = PackageKey::new("Rocky Linux:9", "nginx-core", "2:1.20.1-14.module+el9");
    nginx.module = "nginx:1.22:9030020230801093742:rhel9".to_owned();
    let mut keys = vec![openssl, musl, nginx];
    let plain = [
        ("Ubuntu:22.04:LTS", "vim", "2:9.0"),
        ("Ubuntu:23.10", "vim", "2:9.0"),
        ("AlmaLinux:9", "bash", "5.1.8-6.el9"),
        ("Wolfi", "bash", "5.2-r1"),
        ("Debian", "bash", "5.2"),
        ("dpkg", "tool", "1"),
        ("PyPI", "zope-interface", "5.0+local.1"),
        ("npm", "@angular/core", "17.0.0-rc.1+build"),
        ("Maven", "org.apache.logging.log4j:log4j-core", "2.14.1"),
        ("Go", "github.com/gorilla/mux", "1.8.0"),
        ("Go", "stdlib", "1.17.2"),
        ("crates.io", "time", "0.1.43"),
        ("RubyGems", "rake", "13.0.6"),
        ("conda", "openssl", "1.1.1k"),
        ("cocoapods", "Firebase", "8.0.0"),
        ("brew", "openssl@3", "3.1.2_1"),
        ("nix", "openssl", "3.0.7"),
        ("Packagist", "symfony/http-kernel", "5.4.0"),
        ("npm", "odd name?#&=%25@", "1.0.0 é"),
    ];
    keys.extend(plain.map(|(ecosystem, name, version)| PackageKey::new(ecosystem, name, version)));
    keys
}

#[test]
fn a_written_package_url_is_read_as_the_same_package() {
    for package in written() {
        let text = Purl::of(&package).unwrap().to_string();
        assert_eq!(key(&text), Some(package), "{text}");
    }
    let scoped = PackageKey::new("npm", "@angular/core", "1.2.3");
    assert_eq!(Purl::of(&scoped).unwrap().to_string(), "pkg:npm/%40angular/core@1.2.3");
    assert_eq!(Purl::of(&PackageKey::new("OSS-Fuzz", "zlib", "1")), None);
}

#[test]
fn components_are_found_at_any_depth() {
    let text = document(
        r#""component":{"type":"container","name":"shop","version":"7","components":[{"type":"library","name":"x","purl":"pkg:npm/x@1.0.0"}]}"#,
        r#"{"type":"operating-system","name":"debian","version":"12"},
           {"type":"application","name":"lock","purl":"pkg:npm/lock@1.0.0","components":[
              {"type":"library","name":"b","purl":"pkg:deb/debian/b@1","properties":[
                {"name":"aquasecurity:trivy:SrcName","value":"src"},{"name":"aquasecurity:trivy:SrcVersion","value":"2"},
                {"name":"aquasecurity:trivy:SrcRelease","value":"3"},{"name":"syft:location:0:path","value":"/var/lib/dpkg/status"}]}]}"#,
    );
    let (inventory, subject) = parsed(&text).unwrap();
    assert_eq!(subject, Subject { name: "shop".to_owned(), version: "7".to_owned() });
    assert_eq!(inventory.distro.as_ref().unwrap().ecosystem, "Debian:12");
    let names: Vec<&str> = inventory.packages().map(|p| p.package.name.as_str()).collect();
    assert_eq!(names, ["b", "lock", "x"]);
    let found = inventory.packages().next().unwrap();
    assert_eq!((found.package.source_name.as_str(), found.package.source_version.as_str()), ("src", "2-3"));
    assert_eq!(found.paths, [b"var/lib/dpkg/status".to_vec()]);
    assert_eq!(inventory.databases.len(), 1);
}

#[test]
fn what_an_sbom_leaves_open_is_said() {
    let text = document(
        "",
        r#"{"type":"library","name":"a"},{"type":"library","name":"b"},{"type":"library","name":"c","purl":"pkg:npm/c"},
           {"type":"library","name":"d","purl":"nonsense"},{"type":"library","name":"e","purl":"pkg:generic/e@1"},
           {"type":"file","name":"f"}"#,
    );
    let (inventory, _) = parsed(&text).unwrap();
    let said: Vec<String> = inventory
        .databases
        .iter()
        .filter_map(|d| match &d.outcome {
            ReadOutcome::NotRead(why) => Some(why.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(
        said,
        [
            "1 components of the type \"generic\", which no advisory speaks of",
            "1 components with a broken package URL",
            "2 components without a package URL",
            "1 components without a version",
        ]
    );
}

#[test]
fn other_documents_are_refused() {
    assert!(matches!(parsed("{}"), Err(SbomError::Unsupported(_))));
    assert!(matches!(parsed(&document("", "").replace("1.5", "2.0")), Err(SbomError::Unsupported(_))));
    assert!(matches!(parsed("<bom/>"), Err(SbomError::Malformed(_))));
    let deep = document("", &format!("{}{}", "{\"components\":[".repeat(10_000), "]}".repeat(10_000)));
    assert!(matches!(parsed(&deep), Err(SbomError::Malformed(_))));
    let limits = Limits { document: 10, ..Limits::default() };
    assert!(matches!(read(document("", "").as_bytes(), &limits), Err(SbomError::TooLong(10))));
}

proptest! {
    #[test]
    fn garbage_never_panics(text in ".{0,200}", purl in "pkg:[a-z%@/?&=#0-9]{0,60}") {
        let _ = parsed(&text);
        if let Ok(purl) = Purl::parse(&purl) {
            let _ = purl.package("");
        }
    }
}
