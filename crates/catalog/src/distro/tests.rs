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
        ("openeuler", "24.03-LTS-SP1", "openEuler:24.03-LTS-SP1"),
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
        "openEuler:24.03-LTS-SP1",
    ] {
        let (id, release) = identity(name).unwrap();
        assert_eq!(ecosystem(id, release), name);
    }
    assert_eq!(identity("npm"), None);
    assert_eq!(identity("dpkg"), None);
}

#[test]
fn release_files_are_found_in_every_root() {
    let file = |path: &'static str| {
        release_file(path.as_bytes())
            .map(|(root, file)| (std::str::from_utf8(root).unwrap(), std::str::from_utf8(file).unwrap()))
    };
    assert_eq!(file("etc/os-release"), Some(("", "etc/os-release")));
    assert_eq!(file("srv/jail/usr/lib/os-release"), Some(("srv/jail", "usr/lib/os-release")));
    assert_eq!(file("srv/etc/products.d/SLES.prod"), Some(("srv", "etc/products.d/SLES.prod")));
    assert_eq!(
        file("var/lib/ubuntu-advantage/status.json"),
        Some(("", "var/lib/ubuntu-advantage/status.json"))
    );
    assert_eq!(file("myetc/os-release"), None);
    assert_eq!(file("usr/share/os-release"), None);
    assert_eq!(file("status.json"), None);
}

#[test]
fn relatives_are_told_apart_by_their_older_files() {
    let of = |files: &[(&str, &str)]| {
        let distro = from(files).unwrap();
        format!("{} {} {}", distro.id, distro.version, distro.ecosystem)
    };
    assert_eq!(of(&[("etc/redhat-release", "CentOS release 6.10 (Final)\n")]), "centos 6.10 CentOS:6");
    assert_eq!(
        of(&[("etc/redhat-release", "Red Hat Enterprise Linux Server release 7.9 (Maipo)\n")]),
        "rhel 7.9 Red Hat:7"
    );
    assert_eq!(
        of(&[
            ("etc/redhat-release", "Red Hat Enterprise Linux release 8.9 (Ootpa)"),
            ("etc/oracle-release", "Oracle Linux Server release 8.9")
        ]),
        "ol 8.9 Oracle Linux:8"
    );
    assert_eq!(
        of(&[("etc/system-release", "Amazon Linux AMI release 2018.03\n")]),
        "amzn 2018.03 Amazon Linux:1"
    );
    assert_eq!(
        of(&[("etc/photon-release", "VMware Photon OS 4.0\nPHOTON_BUILD_NUMBER=0a\n")]),
        "photon 4.0 Photon OS:4.0"
    );
    assert_eq!(
        of(&[(
            "etc/SuSE-release",
            "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n"
        )]),
        "sles 11.4 SUSE:Linux Enterprise 11 SP4"
    );
    assert_eq!(
        of(&[("etc/mariner-release", "CBL-Mariner 2.0.20240301\nMARINER_BUILD_NUMBER=0a\n")]),
        "mariner 2.0.20240301 Azure Linux:2"
    );
}

#[test]
fn service_packs_come_from_where_they_are_said() {
    let suse = from(&[
        ("etc/os-release", "ID=sles\nVERSION_ID=\n"),
        (
            "etc/products.d/SLES.prod",
            "<?xml version=\"1.0\"?>\n<product schemeversion=\"0\">\n<vendor>SUSE</vendor><name>SLES</name><version>15.5</version></product>\n",
        ),
    ]);
    assert_eq!(suse.unwrap().ecosystem, "SUSE:Linux Enterprise 15 SP5");
    let euler =
        from(&[("etc/os-release", "ID=\"openEuler\"\nVERSION=\"24.03 (LTS-SP1)\"\nVERSION_ID=\"24.03\"\n")]);
    assert_eq!(euler.unwrap().ecosystem, "openEuler:24.03-LTS-SP1");
}

#[test]
fn packages_of_edge_are_of_no_branch() {
    let alpine = |version: &str, repositories: &str| {
        let text = format!("ID=alpine\nVERSION_ID={version}\n");
        from(&[("etc/os-release", &text), ("etc/apk/repositories", repositories)]).unwrap().ecosystem
    };
    let main = |branch: &str| {
        format!("https://a.example/alpine/{branch}/main\nhttps://a.example/alpine/{branch}/community\n")
    };
    assert_eq!(alpine("3.20.1", &main("v3.20")), "Alpine:v3.20");
    assert_eq!(
        alpine("3.20.1", &format!("{}@edge https://a.example/alpine/edge/testing\n", main("v3.20"))),
        "Alpine:v3.20"
    );
    assert_eq!(alpine("3.20.1", &main("edge")), "Alpine");
    assert_eq!(alpine("3.21_alpha20240807", &main("edge")), "Alpine");
    assert_eq!(alpine("", &main("v3.19")), "Alpine:v3.19");
    assert_eq!(alpine("", &format!("{}{}", main("v3.19"), main("edge"))), "Alpine");
    assert_eq!(alpine("3.20.1", "# none\n/media/cdrom/apks\n"), "Alpine:v3.20");
}

#[test]
fn a_machine_attached_to_pro_has_its_ecosystem() {
    let os = "ID=ubuntu\nVERSION_ID=\"22.04\"\nPRETTY_NAME=\"Ubuntu 22.04.4 LTS\"\n";
    let of = |path: &str, text: &str| {
        let found = from(&[("etc/os-release", os), (path, text)]).unwrap();
        format!("{} {}", found.name, found.ecosystem)
    };
    let esm = "etc/apt/sources.list.d/ubuntu-esm-infra.list";
    let status = "var/lib/ubuntu-advantage/status.json";
    let (plain, pro) = (
        "Ubuntu 22.04.4 LTS Ubuntu:22.04:LTS",
        "Ubuntu 22.04.4 LTS (Ubuntu Pro attached) Ubuntu:Pro:22.04:LTS",
    );
    let line = "deb https://esm.ubuntu.com/infra/ubuntu jammy-infra-security main\n";
    for (path, text, expected) in [
        (esm, line, pro),
        ("etc/apt/sources.list", line, pro),
        (esm, "# deb https://esm.ubuntu.com/infra/ubuntu jammy main\n", plain),
        ("etc/apt/sources.list", "deb http://archive.ubuntu.com/ubuntu jammy main\n", plain),
        (status, "{\"attached\": true}", pro),
        (status, "{\"attached\": false}", plain),
        (
            status,
            "{\"attached\": true, \"services\": [{\"name\": \"esm-infra\", \"status\": \"enabled\"}]}",
            pro,
        ),
        (
            status,
            "{\"attached\": true, \"services\": [{\"name\": \"esm-infra\", \"status\": \"disabled\"}]}",
            plain,
        ),
        (
            status,
            "{\"attached\": true, \"services\": [{\"name\": \"livepatch\", \"status\": \"enabled\"}]}",
            pro,
        ),
        (status, "not JSON", plain),
    ] {
        assert_eq!(of(path, text), expected, "{path}: {text}");
    }
    assert_eq!(super::identity("Ubuntu:Pro:22.04:LTS"), Some(("ubuntu", "22.04")));
}

#[test]
fn products_of_suse_that_go_on_after_general_support_are_told() {
    let of = |product: &str| {
        let text = format!("<product><name>{product}</name><version>15.4</version></product>");
        let path = format!("etc/products.d/{product}.prod");
        let os = "ID=sles\nVERSION_ID=\"15.4\"\nPRETTY_NAME=\"SUSE\"\n";
        from(&[("etc/os-release", os), (&path, &text)]).unwrap().ecosystem
    };
    assert_eq!(of("SLES"), "SUSE:Linux Enterprise 15 SP4");
    assert_eq!(of("sle-module-basesystem"), "SUSE:Linux Enterprise 15 SP4");
    for product in ["SLES-LTSS", "SLE_HPC-ESPOS", "SLES-LTSS-Extended-Security", "SLES_SAP"] {
        assert_eq!(of(product), "SUSE:LTSS:Linux Enterprise 15 SP4", "{product}");
    }
    assert_eq!(super::identity("SUSE:LTSS:Linux Enterprise 15 SP4"), Some(("sles", "15 SP4")));
}

#[test]
fn the_repositories_of_a_layer_of_red_hat_tell_its_stream() {
    let of = |version: &str, sets: &[&str]| {
        let os = format!("ID=rhel\nVERSION_ID=\"{version}\"\n");
        let sets = format!("{{\"content_sets\": {sets:?}}}");
        let places = [
            "root/buildinfo/content_manifests/ubi-container-9.2-1.json",
            "root/buildinfo/content-sets.json",
            "usr/share/buildinfo/content-sets.json",
        ];
        let found = places.map(|place| from(&[("etc/os-release", &os), (place, &sets)]).unwrap().ecosystem);
        assert!(found.iter().all(|ecosystem| *ecosystem == found[0]), "{found:?}");
        found[0].clone()
    };
    let (base, apps) = ("rhel-9-for-x86_64-baseos-rpms", "rhel-9-for-x86_64-appstream-rpms");
    let eus = ["rhel-9-for-x86_64-baseos-eus-rpms", "rhel-9-for-x86_64-appstream-eus-rpms"];
    assert_eq!(of("9.2", &[base, apps]), "Red Hat:9");
    assert_eq!(of("9.2", &eus), "Red Hat:EUS:9.2");
    assert_eq!(of("9.2", &[base, eus[0]]), "Red Hat:9", "a system that gets both is not held back");
    assert_eq!(of("9", &eus), "Red Hat:9", "of which minor release?");
    assert_eq!(of("8.6", &["rhel-8-for-x86_64-baseos-e4s-rpms"]), "Red Hat:E4S:8.6");
    assert_eq!(of("7.9", &["rhel-7-server-els-rpms", "rhel-7-server-extras-rpms"]), "Red Hat:ELS:7");
    assert_eq!(of("9.2", &[]), "Red Hat:9");
    assert_eq!(super::identity("Red Hat:EUS:9.2"), Some(("rhel", "9.2")));
}

#[test]
fn testing_and_unknown_relatives_are_not_guessed() {
    let testing = "PRETTY_NAME=\"Debian GNU/Linux trixie/sid\"\nID=debian\n";
    assert_eq!(
        from(&[("etc/os-release", testing), ("etc/debian_version", "trixie/sid\n")]).unwrap().ecosystem,
        "Debian"
    );
    let kali = "ID=kali\nID_LIKE=debian\nVERSION_ID=\"2024.1\"\n";
    assert_eq!(
        from(&[("etc/os-release", kali), ("etc/debian_version", "kali-rolling\n")]).unwrap().ecosystem,
        ""
    );
}
