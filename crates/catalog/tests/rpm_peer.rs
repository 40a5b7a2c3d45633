//! Databases of the real `rpm` (`PARAPET_RPM`) and of Berkeley DB's own `db5.3_load`: the packages are
//! those that `rpm --query` names.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use parapet_catalog::{Limits, rootfs};

fn rpm() -> bool {
    let there = std::env::var_os("PARAPET_RPM").is_some();
    if !there {
        assert!(std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "PARAPET_RPM must be set here");
        eprintln!("left out: databases of rpm, set PARAPET_RPM");
    }
    there
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Name, epoch, version, release, vendor, module.
type Spec = (&'static str, Option<u32>, &'static str, &'static str, &'static str, &'static str);

const SPECS: [Spec; 5] = [
    ("openssl-libs", Some(1), "3.0.1", "41.el9_0", "AlmaLinux", ""),
    ("zlib", Some(0), "1.2.11", "32.el9_0", "AlmaLinux", ""),
    ("nodejs", None, "16.14.0", "5.module_el9.0.0+17", "AlmaLinux", "nodejs:16:9000020220318:rhel9"),
    ("docker-ce", None, "24.0.2~rc1", "1.el9", "Docker", ""),
    ("by-hand", None, "1.0", "1", "", ""),
];

/// Builds the packages and installs them into a database alone.
fn database(folder: &Path) -> PathBuf {
    let top = folder.join("build");
    fs::create_dir_all(&top).unwrap();
    let mut built = Vec::new();
    for (name, epoch, version, release, vendor, module) in SPECS {
        let mut spec = format!(
            "Name: {name}\nVersion: {version}\nRelease: {release}\nSummary: stand-in\nLicense: MIT\n"
        );
        epoch.iter().for_each(|epoch| spec.push_str(&format!("Epoch: {epoch}\n")));
        if !vendor.is_empty() {
            spec.push_str(&format!("Vendor: {vendor}\n"));
        }
        if !module.is_empty() {
            spec.push_str(&format!("ModularityLabel: {module}\n"));
        }
        // Enough files for a header that fits into no page.
        spec.push_str(&format!(
            "BuildArch: noarch\n%description\nx\n%install\nmkdir -p %{{buildroot}}/opt/{name}\n\
             for n in $(seq 400); do echo $n >%{{buildroot}}/opt/{name}/file-$n; done\n%files\n/opt/{name}\n"
        ));
        let file = top.join(format!("{name}.spec"));
        fs::write(&file, spec).unwrap();
        run(Command::new("rpmbuild")
            .args(["--quiet", "-bb", "--define", "_build_id_links none", "--define"])
            .arg(format!("_topdir {}", top.display()))
            .arg(&file));
        let mut architecture = fs::read_dir(top.join("RPMS/noarch")).unwrap();
        built.extend(architecture.by_ref().map(|entry| entry.unwrap().path()));
    }
    built.sort();
    built.dedup();
    let home = folder.join("sqlite/var/lib/rpm");
    fs::create_dir_all(&home).unwrap();
    let dbpath = |command: &mut Command| {
        command.arg("--dbpath").arg(&home).args(["--define", "_db_backend sqlite"]);
    };
    let mut init = Command::new("rpmdb");
    dbpath(init.arg("--initdb"));
    run(&mut init);
    let mut install = Command::new("rpm");
    dbpath(&mut install);
    run(install
        .args(["-i", "--justdb", "--nodeps", "--noscripts", "--nosignature", "--ignoreos"])
        .args(built));
    home
}

/// What rpm says is installed.
fn query(home: &Path, backend: &str) -> BTreeSet<String> {
    let format = "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH} %|MODULARITYLABEL?{%{MODULARITYLABEL}}| %{SOURCERPM}\n";
    let text = run(Command::new("rpm").arg("--dbpath").arg(home).args([
        "--define",
        &format!("_db_backend {backend}"),
        "-qa",
        "--qf",
        format,
    ]));
    text.lines().map(str::to_owned).collect()
}

/// The same by our own reader.
fn ours(root: &Path) -> (BTreeSet<String>, Vec<String>) {
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("etc/os-release"), "ID=almalinux\nVERSION_ID=9.1\n").unwrap();
    let inventory = rootfs::read(root, &Limits::default()).unwrap();
    let line = |p: &parapet_model::PackageKey| {
        let source = p.source_version.rsplit(':').next().unwrap_or_default();
        format!("{} {} {} {} {}-{source}.src.rpm", p.name, p.version, p.arch, p.module, p.source_name)
    };
    let mut ecosystems: Vec<String> = inventory.packages().map(|p| p.package.ecosystem.clone()).collect();
    ecosystems.sort();
    (inventory.packages().map(|p| line(&p.package)).collect(), ecosystems)
}

const ECOSYSTEMS: [&str; 5] = ["AlmaLinux:9", "AlmaLinux:9", "AlmaLinux:9", "AlmaLinux:9", "rpm:Docker"];

#[test]
fn packages_are_those_of_rpm_in_sqlite_and_in_berkeley_db() {
    if !rpm() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = database(folder.path());
    let theirs = query(&home, "sqlite");
    assert_eq!(theirs.len(), SPECS.len());
    assert_eq!(ours(&folder.path().join("sqlite")), (theirs.clone(), ECOSYSTEMS.map(str::to_owned).to_vec()));

    // The same headers in a hash that Berkeley DB wrote; rpm's own reader of it is the judge again.
    let rows = run(Command::new("python3").arg("-c").arg(
        "import sqlite3,sys\nfor n,b in sqlite3.connect(sys.argv[1]).execute('SELECT hnum, blob FROM Packages'):\n \
         print(' '+n.to_bytes(4,'little').hex()); print(' '+b.hex())",
    ).arg(home.join("rpmdb.sqlite")));
    let dump =
        format!("VERSION=3\nformat=bytevalue\ntype=hash\nHEADER=END\n 00000000\n 09000000\n{rows}DATA=END\n");
    fs::write(folder.path().join("dump"), dump).unwrap();
    let home = folder.path().join("bdb/var/lib/rpm");
    fs::create_dir_all(&home).unwrap();
    run(Command::new("db5.3_load")
        .arg("-f")
        .arg(folder.path().join("dump"))
        .arg(home.join("Packages"))
        .stdin(Stdio::null()));
    let found = ours(&folder.path().join("bdb"));
    assert_eq!(found, (theirs.clone(), ECOSYSTEMS.map(str::to_owned).to_vec()));
    assert_eq!(query(&home, "bdb_ro"), theirs, "rpm reads the hash as we do");
}
