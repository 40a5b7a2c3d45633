//! What counts as installed, and which fields make a package.

use proptest::prelude::*;

use super::*;

const STATUS_FILE: &str = "\
Package: libssl3
Status: install ok installed
Architecture: amd64
Source: openssl (3.0.11-1)
Version: 3.0.11-1~deb12u2
Description: toolkit
 Version: 9 is only text here
 .

Package: vim-common
Status: deinstall ok config-files
Architecture: all
Version: 2:9.0.1378-2

package: vim-tiny
status: hold ok half-configured
architecture: amd64
source: vim
version: 2:9.0.1378-2
";

fn names(reading: &Reading) -> Vec<String> {
    reading.packages.iter().map(|p| format!("{} {} {}", p.name, p.version, p.arch)).collect()
}

#[test]
fn installed_packages_are_named_with_their_sources() {
    let reading = read(STATUS_FILE.as_bytes());
    assert_eq!(reading.problem, None);
    assert_eq!(names(&reading), ["libssl3 3.0.11-1~deb12u2 amd64", "vim-tiny 2:9.0.1378-2 amd64"]);
    let sources: Vec<(&str, &str)> =
        reading.packages.iter().map(|p| (p.source_name.as_str(), p.source_version.as_str())).collect();
    assert_eq!(sources, [("openssl", "3.0.11-1"), ("vim", "2:9.0.1378-2")]);
}

#[test]
fn a_one_package_file_needs_no_status() {
    let reading = read(b"Package: base-files\nVersion: 12.4+deb12u5\nArchitecture: amd64");
    assert_eq!(names(&reading), ["base-files 12.4+deb12u5 amd64"]);
}

#[test]
fn a_damaged_stanza_is_reported_and_the_others_are_kept() {
    let text = b"Package: a\nStatus: install ok installed\n\nPackage: b\xff\nVersion: 1\n\nrubbish\n\nPackage: c\nVersion: 2\n";
    let reading = read(text);
    assert_eq!(names(&reading), ["c 2 "]);
    assert_eq!(reading.problem.as_deref(), Some("the version of package a is empty (and 2 more)"));
}

#[test]
fn lists_of_files_come_in_two_forms() {
    let list: Vec<&[u8]> = owned_paths(b"var/lib/dpkg/info/a.list", b"/.\n/usr\n/usr/bin/a\n").collect();
    assert_eq!(list, [b"/.".as_slice(), b"/usr", b"/usr/bin/a"]);
    let sums = b"d41d8cd98f00b204e9800998ecf8427e  usr/bin/a\nbroken\n";
    let list: Vec<&[u8]> = owned_paths(b"var/lib/dpkg/status.d/a.md5sums", sums).collect();
    assert_eq!(list, [b"usr/bin/a".as_slice()]);
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read(&bytes);
        let _ = owned_paths(b"x.md5sums", &bytes).count();
    }

    #[test]
    fn what_is_written_is_read(names in proptest::collection::btree_set("[a-z][a-z0-9+.-]{1,12}", 0..20)) {
        let text: String = names
            .iter()
            .map(|n| format!("Package: {n}\nStatus: install ok installed\nVersion: 1:{n}\n\n"))
            .collect();
        let read: Vec<String> = read(text.as_bytes()).packages.into_iter().map(|p| p.name).collect();
        prop_assert_eq!(read, names.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_vendors_package_names_its_vendor() {
    let text = "Package: docker-ce\nStatus: install ok installed\nVersion: 5:27.3.1-1\n\
                Maintainer: Docker <support@docker.com>\n\n\
                Package: bash\nVersion: 5.2\nMaintainer: Somebody <somebody@debian.org>\n";
    let reading = read(text.as_bytes());
    let ecosystems: Vec<&str> = reading.packages.iter().map(|p| p.ecosystem.as_str()).collect();
    assert_eq!(ecosystems, ["dpkg:Docker", "dpkg"]);
    for path in ["var/lib/dpkg/info/docker-ce.list", "var/lib/dpkg/info/docker-ce:amd64.list"] {
        assert_eq!(owner(path.as_bytes()), (b"".as_slice(), b"docker-ce".as_slice()));
    }
    let jailed = b"jail/var/lib/dpkg/status.d/docker-ce.md5sums";
    assert_eq!(owner(jailed), (b"jail".as_slice(), b"docker-ce".as_slice()));
}

#[test]
fn databases_of_roots_inside_are_known_and_others_are_not() {
    for path in ["var/lib/dpkg/status", "srv/jail/var/lib/dpkg/status", "a/var/lib/dpkg/status.d/base-files"]
    {
        assert!(claims(path.as_bytes()), "{path}");
    }
    for path in [
        "var/lib/dpkg/status-old",
        "var/lib/dpkg/status.d/a.md5sums",
        "myvar/lib/dpkg/status",
        "var/lib/dpkg/x/status",
    ] {
        assert!(!claims(path.as_bytes()), "{path}");
    }
    assert_eq!(database(b"jail/var/lib/dpkg/status.d/a"), b"jail/var/lib/dpkg/status.d");
    assert!(lists_files(b"jail/var/lib/dpkg/info/a.list") && lists_files(b"var/lib/dpkg/diversions"));
}

#[test]
fn diversions_come_three_lines_each() {
    let text = b"/usr/bin/a\n/usr/bin/a.distrib\n:\n/usr/bin/b\n/usr/bin/b.real\nother\n/cut\n";
    let all: Vec<[&[u8]; 3]> = diversions(text).collect();
    assert_eq!(all[0], [b"/usr/bin/a".as_slice(), b"/usr/bin/a.distrib", b":"]);
    assert_eq!(all[1][2], b"other");
}
