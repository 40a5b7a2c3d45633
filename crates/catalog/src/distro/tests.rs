//! Distributions and the names of their releases.

use super::*;

fn from(files: &[(&str, &str)]) -> Option<Distro> {
    recognise(&files.iter().map(|(path, text)| (path.as_bytes(), *text)).collect())
}

#[test]
fn releases_are_named_as_advisories_name_them() {
    let cases = [
        ("debian", "12", "Debian:12"),
        ("debian", "12.5", "Debian:12"),
        ("debian", "", "Debian"),
        ("ubuntu", "22.04", "Ubuntu:22.04:LTS"),
        ("ubuntu", "22.10", "Ubuntu:22.10"),
        ("ubuntu", "23.04", "Ubuntu:23.04"),
        ("alpine", "3.11.3", "Alpine:v3.11"),
        ("alpine", "3.21_alpha20240807", "Alpine"),
        ("almalinux", "9.4", "AlmaLinux:9"),
        ("rocky", "9.4", "Rocky Linux:9"),
        ("wolfi", "20230201", "Wolfi"),
        ("chainguard", "20230214", "Chainguard"),
        ("rhel", "9.4", "Red Hat:9"),
        ("centos", "7", "CentOS:7"),
        ("fedora", "40", "Fedora:40"),
        ("ol", "9.3", "Oracle Linux:9"),
        ("amzn", "2018.03", "Amazon Linux:1"),
        ("amzn", "2", "Amazon Linux:2"),
        ("amzn", "2023", "Amazon Linux:2023"),
        ("photon", "5.0", "Photon OS:5.0"),
        ("mariner", "2.0", "Azure Linux:2"),
        ("sles", "15.6", "SUSE:Linux Enterprise 15 SP6"),
        ("sles", "12", "SUSE:Linux Enterprise 12"),
        ("sles", "16.0", "SUSE:Linux Enterprise 16.0"),
        ("sles", "rolling", "SUSE"),
        ("opensuse-leap", "15.6", "openSUSE:Leap 15.6"),
        ("opensuse-tumbleweed", "20260801", "openSUSE:Tumbleweed"),
        ("gentoo", "2.14", ""),
    ];
    for (id, version, expected) in cases {
        assert_eq!(ecosystem(id, version), expected, "{id} {version}");
    }
}

#[test]
fn os_release_is_read_as_a_shell_would() {
    let text = "# comment\nPRETTY_NAME=\"Deb\\\"ian 12 (x)\"\nID='debian'\nVERSION_ID=12 # no\n";
    let distro = from(&[("usr/lib/os-release", text), ("etc/debian_version", "11.1")]).unwrap();
    assert_eq!((distro.id.as_str(), distro.version.as_str()), ("debian", "12"));
    assert_eq!(distro.name, "Deb\"ian 12 (x)");
    assert_eq!(distro.ecosystem, "Debian:12");
}

#[test]
fn sid_has_no_release() {
    let distro = from(&[("etc/os-release", "ID=debian\n"), ("etc/debian_version", "forky/sid\n")]).unwrap();
    assert_eq!((distro.ecosystem.as_str(), distro.version.as_str()), ("Debian", ""));
}

#[test]
fn older_files_do_where_os_release_is_missing() {
    let eco = |files| from(files).unwrap().ecosystem;
    assert_eq!(eco(&[("etc/debian_version", "9.13\n")]), "Debian:9");
    assert_eq!(eco(&[("etc/alpine-release", "3.11.3\n")]), "Alpine:v3.11");
    assert_eq!(eco(&[("etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=18.04\n")]), "Ubuntu:18.04:LTS");
    assert_eq!(
        eco(&[
            ("etc/redhat-release", "x release 8.9 (y)"),
            ("etc/almalinux-release", "AlmaLinux release 9.4 (z)")
        ]),
        "AlmaLinux:9"
    );
    assert_eq!(from(&[]), None);
}

#[test]
fn an_ecosystem_leads_back_to_its_distribution() {
    for name in [
        "Debian:12",
        "Ubuntu:22.04:LTS",
        "Ubuntu:23.10",
        "Alpine:v3.20",
        "Rocky Linux:9",
        "Wolfi",
        "SUSE",
        "Red Hat:9",
        "Amazon Linux:1",
        "SUSE:Linux Enterprise 15 SP6",
        "SUSE:Linux Enterprise 16.0",
        "openSUSE:Leap 15.6",
        "openSUSE:Tumbleweed",
        "Photon OS:5.0",
        "CentOS:7",
    ] {
        let (id, release) = identity(name).unwrap();
        assert_eq!(ecosystem(id, release), name);
    }
    assert_eq!(identity("npm"), None);
    assert_eq!(identity("dpkg"), None);
}
