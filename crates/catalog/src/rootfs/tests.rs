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
fn a_program_with_a_dependency_list_is_said() {
    let mut program = vec![0; 8192];
    program[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
    program[0x28..0x30].copy_from_slice(&64_u64.to_le_bytes());
    program[0x3a..0x3c].copy_from_slice(&64_u16.to_le_bytes());
    program[0x3e..0x40].copy_from_slice(&1_u16.to_le_bytes());
    program[128 + 0x18..128 + 0x20].copy_from_slice(&4096_u64.to_le_bytes());
    program[128 + 0x20..128 + 0x28].copy_from_slice(&32_u64.to_le_bytes());
    program[4097..4097 + 15].copy_from_slice(b".go.buildinfo\0.");
    let root = tree(&[("usr/local/bin/tool", &program), ("usr/local/share/tool", &program)]);
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(root.path().join("usr/local/bin/tool"), executable).unwrap();
    let inventory = read(root.path(), &Limits::default()).unwrap();
    let said: Vec<(&str, &str)> =
        inventory.databases.iter().map(|d| (d.kind.as_str(), d.path.as_str())).collect();
    assert_eq!(said, [("go", "usr/local/bin/tool")]);
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
