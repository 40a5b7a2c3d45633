//! Trees on disk.

use std::os::unix::fs::symlink;

use parapet_model::inventory::ReadOutcome;

use super::*;
use crate::testing::{DEBIAN, STATUS, metadata, status};

fn tree(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    root
}

fn names(inventory: &Inventory) -> Vec<&str> {
    inventory.packages().map(|p| p.package.name.as_str()).collect()
}

#[test]
fn a_tree_is_read_like_an_image() {
    let six = "usr/lib/python3/dist-packages/six-1.dist-info/METADATA";
    let root = tree(&[
        ("etc/os-release", DEBIAN.as_bytes()),
        (STATUS, status(&["base-files 12", "python3-six 1"]).as_bytes()),
        ("var/lib/dpkg/info/python3-six.list", format!("/{six}\n").as_bytes()),
        (six, metadata("six", "1").as_bytes()),
        ("srv/app/node_modules/a/package.json", b"{\"name\":\"a\",\"version\":\"1.0.0\"}"),
        ("proc/1/root/x-1.dist-info/METADATA", metadata("x", "1").as_bytes()),
        ("var/lib/docker/overlay2/1/diff/y-1.dist-info/METADATA", metadata("y", "1").as_bytes()),
    ]);
    let inventory = read(root.path(), &Limits::default()).unwrap();
    assert_eq!(names(&inventory), ["base-files", "python3-six", "a"]);
    assert_eq!(inventory.distro.unwrap().ecosystem, "Debian:12");
    assert_eq!(inventory.layers[0].layer, "");
    assert!(inventory.databases.iter().all(|d| d.outcome == ReadOutcome::Read), "{:?}", inventory.databases);
}

#[test]
fn modules_of_pnpm_that_link_to_each_other_are_found_once() {
    let module = |name: &str| format!("{{\"name\":\"{name}\",\"version\":\"1.0.0\"}}");
    let store = |name: &str| format!("srv/node_modules/.pnpm/{name}@1.0.0/node_modules");
    let root = tree(&[
        (&format!("{}/a/package.json", store("a")), module("a").as_bytes()),
        (&format!("{}/b/package.json", store("b")), module("b").as_bytes()),
        ("srv/pnpm-lock.yaml", b"lockfileVersion: '6.0'\npackages:\n  /old@0.9.0:\n    dev: false\n"),
    ]);
    let link = |target: &str, at: String| symlink(target, root.path().join(at)).unwrap();
    link("../../b@1.0.0/node_modules/b", format!("{}/b", store("a")));
    link("../../a@1.0.0/node_modules/a", format!("{}/a", store("b")));
    link(".pnpm/a@1.0.0/node_modules/a", "srv/node_modules/a".to_owned());
    link("..", format!("{}/a/node_modules", store("a")));
    let inventory = read(root.path(), &Limits::default()).unwrap();
    assert_eq!(names(&inventory), ["a", "b"]);
    assert_eq!(inventory.databases.len(), 1, "{:?}", inventory.databases);
}

#[test]
fn links_are_not_followed() {
    let outside = tree(&[("x-1.dist-info/METADATA", metadata("x", "1").as_bytes())]);
    let root = tree(&[(STATUS, status(&["a 1"]).as_bytes())]);
    symlink(outside.path(), root.path().join("out")).unwrap();
    symlink(".", root.path().join("loop")).unwrap();
    fs::create_dir(root.path().join("y-1.dist-info")).unwrap();
    symlink("/etc/shadow", root.path().join("y-1.dist-info/METADATA")).unwrap();
    let inventory = read(root.path(), &Limits::default()).unwrap();
    assert_eq!(names(&inventory), ["a"]);
    let python = inventory.databases.iter().find(|d| d.kind == "python").unwrap();
    assert!(
        matches!(&python.outcome, ReadOutcome::Unreadable(why) if why.contains("a symbolic link")),
        "{python:?}"
    );
}

#[test]
fn programs_and_databases_are_read_in_place() {
    let info = crate::gobuild::tests::inline("go1.21.5", "mod\tm.example/tool\tv1.0.0\n");
    let program = crate::program::tests::elf(&[(".go.buildinfo", &info)]);
    let jar = crate::java::tests::Jar::default().maven("a.b", "c", "1").finish();
    let root = tree(&[
        ("usr/local/bin/tool", &program),
        ("usr/local/share/tool", &program),
        ("usr/bin/owned", &program),
        ("var/lib/dpkg/info/a.list", b"/usr/bin/owned\n"),
        ("opt/c.jar", &jar),
    ]);
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(root.path().join("usr/local/bin/tool"), executable.clone()).unwrap();
    fs::set_permissions(root.path().join("usr/bin/owned"), executable).unwrap();
    let inventory = read(root.path(), &Limits::default()).unwrap();
    let said: Vec<(&str, &str)> =
        inventory.databases.iter().map(|d| (d.kind.as_str(), d.path.as_str())).collect();
    assert_eq!(said, [("go", "usr/local/bin/tool"), ("java", "opt")]);
    assert_eq!(names(&inventory), ["m.example/tool", "stdlib", "a.b:c"]);
}

#[test]
fn programs_of_vendors_and_of_the_administrator_count_for_themselves() {
    let info = crate::gobuild::tests::inline("go1.21.5", "mod\tm.example/tool\tv1.0.0\n");
    let program = crate::program::tests::elf(&[(".go.buildinfo", &info)]);
    let vendors = "Package: docker-ce\nStatus: install ok installed\nVersion: 1\n\
                   Maintainer: Docker <support@docker.com>\n\n";
    let databases = status(&["podman 1", "kept 1"]) + vendors;
    let root = tree(&[
        (STATUS, databases.as_bytes()),
        ("var/lib/dpkg/info/podman.list", b"/usr/bin/podman\n"),
        ("var/lib/dpkg/info/kept.list", b"/usr/bin/kept\n"),
        ("var/lib/dpkg/info/docker-ce.list", b"/usr/bin/dockerd\n"),
        ("var/lib/dpkg/diversions", b"/usr/bin/kept\n/usr/bin/kept.distrib\n:\n"),
        // Another root's package of the vendor's name is nobody's but its own.
        ("jail/var/lib/dpkg/status", status(&["docker-ce 1"]).as_bytes()),
        ("jail/var/lib/dpkg/info/docker-ce.list", b"/usr/bin/dockerd\n"),
    ]);
    let names = ["podman", "kept", "kept.distrib", "dockerd"].map(|name| format!("usr/bin/{name}"));
    for name in names.iter().map(String::as_str).chain(["jail/usr/bin/dockerd"]) {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &program).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let inventory = read(root.path(), &Limits::default()).unwrap();
    let tool = inventory.packages().find(|p| p.package.name == "m.example/tool").unwrap();
    assert_eq!(tool.paths, [b"usr/bin/dockerd".to_vec(), b"usr/bin/kept".to_vec()]);
}

#[test]
fn a_sparse_program_of_two_gigabytes_is_read_at_once() {
    let root = tree(&[]);
    let path = root.path().join("sparse");
    let file = fs::File::create(&path).unwrap();
    let mut program = crate::program::tests::elf(&[(".go.buildinfo", b"none")]);
    // The table of sections and the segment lie far behind.
    program[40..48].copy_from_slice(&(2_u64 << 30).to_le_bytes());
    std::os::unix::fs::FileExt::write_all_at(&file, &program, 0).unwrap();
    file.set_len((2 << 30) + 4096).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(names(&read(root.path(), &Limits::default()).unwrap()), Vec::<&str>::new());
}

#[test]
fn too_many_files_are_said_and_what_is_missing_is_an_error() {
    let root = tree(&[("a/1", b""), ("a/2", b""), ("a/3", b"")]);
    let limits = Limits { entries: 2, ..Limits::default() };
    let inventory = read(root.path(), &limits).unwrap();
    assert!(format!("{:?}", inventory.databases).contains("more than 2 files"), "{:?}", inventory.databases);
    assert!(matches!(read(&root.path().join("none"), &limits), Err(RootfsError::Root { .. })));
}

#[test]
fn a_host_is_known_by_its_machine_id() {
    let id = "0123456789abcdef0123456789abcdef";
    let root = tree(&[("etc/machine-id", format!("{id}\n").as_bytes()), ("etc/hostname", b"web1\n")]);
    let host = host_facts(root.path());
    assert_eq!(
        (host.identity.as_str(), host.hostname.as_str(), host.facts.kernel.as_str()),
        (id, "web1", "")
    );
    let root = tree(&[("etc/machine-id", b"uninitialized\n"), ("etc/hostname", b"web2\n")]);
    assert_eq!(host_facts(root.path()).identity, "web2");
    assert!(!host_facts(Path::new("/")).facts.kernel.is_empty());
}
