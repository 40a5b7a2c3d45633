//! Several databases in one image, of dpkg, apk and rpm, diversions, and the packages of a Nix store.

use super::tests::{ecosystems, inventory, lines, program, programs, tar};
use crate::testing::{DEBIAN, STATUS, metadata, status};

#[test]
fn each_root_has_a_distribution_of_its_own() {
    let jammy = "ID=ubuntu\nVERSION_ID=\"22.04\"\n";
    let found = inventory(vec![
        tar()
            .file("etc/os-release", DEBIAN)
            .file(STATUS, status(&["bash 5.2", "same 1"]))
            .file("srv/jail/etc/os-release", jammy)
            .file("srv/jail/var/lib/dpkg/status", status(&["bash 5.1", "same 1"]))
            .file("srv/nameless/var/lib/dpkg/status", status(&["bash 4.0"]))
            .file("srv/alpine/etc/alpine-release", "3.20.1\n")
            .file("srv/alpine/lib/apk/db/installed", "P:musl\nV:1\n\n")
            .file("srv/text/etc/os-release", "ID=alpine\nVERSION_ID=3.1.0\n"),
    ]);
    assert_eq!(
        ecosystems(&found),
        [
            "Alpine:v3.20 musl 1",
            "Debian:12 bash 5.2",
            "Debian:12 same 1",
            "Ubuntu:22.04:LTS bash 5.1",
            "Ubuntu:22.04:LTS same 1",
            "dpkg bash 4.0"
        ]
    );
    assert_eq!(found.distro.unwrap().ecosystem, "Debian:12");
    assert_eq!(found.databases.len(), 4);
}

#[test]
fn two_roots_of_one_distribution_share_their_packages() {
    let found = inventory(vec![
        tar()
            .file("etc/os-release", DEBIAN)
            .file(STATUS, status(&["bash 5.2"]))
            .file("jail/etc/os-release", DEBIAN)
            .file("jail/var/lib/dpkg/status", status(&["bash 5.2"])),
    ]);
    assert_eq!(lines(&found), ["layer0: bash 5.2"]);
    assert_eq!(found.packages().next().unwrap().paths.len(), 2);
}

#[test]
fn a_database_without_a_distribution_is_not_guessed() {
    let found = inventory(vec![
        tar()
            .file("jail/etc/os-release", DEBIAN)
            .file("jail/var/lib/dpkg/status", status(&["a 1"]))
            .file(STATUS, status(&["b 1"])),
    ]);
    assert_eq!(ecosystems(&found), ["Debian:12 a 1", "dpkg b 1"]);
    assert_eq!(found.distro, None);
}

#[test]
fn packages_own_files_of_their_own_root_only() {
    let wheel = "usr/lib/python3/dist-packages/six-1.dist-info/METADATA";
    let found = inventory(vec![
        tar()
            .file("jail/var/lib/dpkg/status", status(&["python3-six 1"]))
            .file("jail/var/lib/dpkg/info/python3-six.list", format!("/{wheel}\n/../{wheel}\n"))
            .file(&format!("jail/{wheel}"), metadata("six", "1"))
            .file(wheel, metadata("six", "2")),
    ]);
    assert_eq!(ecosystems(&found), ["PyPI six 2", "dpkg python3-six 1"]);
}

#[test]
fn a_database_of_rpm_is_of_the_distribution_of_its_root() {
    let database = include_bytes!("../../fixtures/readers/rpmdb.sqlite");
    let found = inventory(vec![
        tar()
            .file("etc/os-release", DEBIAN)
            .file("jail/etc/os-release", "ID=almalinux\nVERSION_ID=9.4\n")
            .file("jail/var/lib/rpm/rpmdb.sqlite", database)
            .file("jail/usr/lib64/libssl.so.3", program())
            .file("jail/usr/bin/dockerd", program())
            .file("usr/lib64/libssl.so.3", program()),
    ]);
    assert_eq!(
        ecosystems(&found),
        [
            "AlmaLinux:9 openssl-libs 1:3.0.1-41.el9_0",
            "Go m.example/tool 1.0.0",
            "Go stdlib 1.21.5",
            "rpm:Docker docker-ce 0:24.0.2-1.el9"
        ]
    );
    let others = ["jail/usr/bin/dockerd", "usr/lib64/libssl.so.3"];
    assert_eq!(programs(&found), others, "a vendor's program, and one of another root");
    assert_eq!(found.distro.unwrap().ecosystem, "Debian:12");
}

#[test]
fn an_rpm_list_of_a_root_without_a_distribution_is_not_guessed() {
    let line =
        |name: &str, vendor: &str| format!("{name}\t1-1\t1\t1\t{vendor}\t(none)\t1\tnoarch\t0\t(none)\n");
    let list = line("a", "Microsoft Corporation") + &line("b", "Docker");
    let found = inventory(vec![
        tar()
            .file("etc/os-release", "ID=azurelinux\nVERSION_ID=3.0\n")
            .file("var/lib/rpmmanifest/container-manifest-2", &list)
            .file("jail/var/lib/rpmmanifest/container-manifest-2", list.replace("1-1", "2-1")),
    ]);
    assert_eq!(ecosystems(&found), ["Azure Linux:3 a 1-1", "rpm a 2-1", "rpm b 2-1", "rpm:Docker b 1-1"]);
}

#[test]
fn a_diverted_program_belongs_to_whoever_has_its_place() {
    let base = |by: &str| {
        tar()
            .file(STATUS, status(&["tool 1", "other 1"]))
            .file("var/lib/dpkg/info/tool.list", "/usr/bin/tool\n")
            .file("var/lib/dpkg/diversions", format!("/usr/bin/tool\n/usr/bin/tool.distrib\n{by}\n"))
            .file("usr/bin/tool", program())
            .file("usr/bin/tool.distrib", program())
    };
    let both = base("other").file("var/lib/dpkg/info/other.list", "/usr/bin/tool\n");
    assert_eq!(programs(&inventory(vec![both])), Vec::<String>::new());
    assert_eq!(programs(&inventory(vec![base(":")])), ["usr/bin/tool"], "the administrator's");
}

#[test]
fn a_diverted_file_belongs_to_whoever_has_its_place() {
    let wheel = "usr/lib/python3/dist-packages/six-1.dist-info/METADATA";
    let aside = "usr/lib/python3/dist-packages/six-1.distrib.dist-info/METADATA";
    let base = |by: &str| {
        tar()
            .file(STATUS, status(&["python3-six 1", "other 1"]))
            .file("var/lib/dpkg/info/python3-six.list", format!("/{wheel}\n"))
            .file("var/lib/dpkg/info/other.list", format!("/{wheel}\n"))
            .file("var/lib/dpkg/diversions", format!("/{wheel}\n/{aside}\n{by}\n"))
            .file(wheel, metadata("six", "2"))
            .file(aside, metadata("six", "1"))
    };
    assert_eq!(ecosystems(&inventory(vec![base("other")])), ["dpkg other 1", "dpkg python3-six 1"]);
    let by_hand = base(":").file("var/lib/dpkg/info/other.list", "");
    assert_eq!(
        ecosystems(&inventory(vec![by_hand])),
        ["PyPI six 2", "dpkg other 1", "dpkg python3-six 1"],
        "what the administrator put there is nobody's"
    );
}

#[test]
fn a_nix_store_is_read_from_its_paths() {
    let hash = "0123456789abcdfghijklmnpqrsvwxyz";
    let openssl = format!("nix/store/{hash}-openssl-3.0.7");
    let found = inventory(vec![
        tar()
            .dir(&openssl)
            .file(&format!("{openssl}/lib/libssl.so"), "")
            .symlink(&format!("nix/store/{hash}-link-1.0"), "x")
            .file(&format!("nix/store/{hash}-text-1.0"), "x"),
        tar().file(&format!("nix/store/{hash}-zlib-1.2.13/lib/libz.so"), ""),
        tar().file(&format!("nix/store/.wh.{hash}-zlib-1.2.13"), ""),
    ]);
    assert_eq!(ecosystems(&found), ["nix openssl 3.0.7"]);
    assert_eq!((found.databases.len(), found.databases[0].path.as_str()), (1, "nix/store"));
}

#[test]
fn a_distribution_without_its_database_is_no_clean_system() {
    use parapet_model::inventory::ReadOutcome;
    let module = |path: &str| {
        (format!("{path}node_modules/a/package.json"), "{\"name\": \"a\", \"version\": \"1.0.0\"}")
    };
    let unread = |files: &[(&str, &[u8])]| {
        let (path, text) = module("app/");
        let mut layer = tar().file("etc/os-release", DEBIAN).file(&path, text);
        for (path, bytes) in files {
            layer = layer.file(path, bytes);
        }
        let found = inventory(vec![layer]);
        let not_read = |outcome: &ReadOutcome| matches!(outcome, ReadOutcome::NotRead(_));
        found.databases.into_iter().filter(|read| not_read(&read.outcome)).collect::<Vec<_>>()
    };
    let lines = unread(&[]);
    assert_eq!((lines.len(), lines[0].kind.as_str()), (1, "distribution"));
    let ReadOutcome::NotRead(why) = &lines[0].outcome else { panic!("{lines:?}") };
    assert!(why.contains("without a database of its packages"), "{why}");
    assert_eq!(unread(&[("jail/var/lib/dpkg/status", b"Package: a\nVersion: 1\n\n")]).len(), 1);
    assert_eq!(unread(&[(STATUS, status(&["bash 5.2"]).as_bytes())]), []);
    assert_eq!(unread(&[("var/lib/dpkg/status.d/base", b"Package: a\nVersion: 1\n\n")]), []);
    assert_eq!(unread(&[("usr/lib/apk/db/installed", b"P:musl\nV:1\n\n")]), []);
    assert_eq!(
        unread(&[("var/lib/rpm/rpmdb.sqlite", include_bytes!("../../fixtures/readers/rpmdb.sqlite"))]),
        []
    );
}
