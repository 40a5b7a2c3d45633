//! `parapet quickstart --exit`: the README's first command.

use crate::support::{Fixture, parapet};

#[test]
fn does_the_whole_job_and_says_what_it_could_not_judge() {
    let fixture = Fixture::new();
    // Only the fixture's own file system is asked about below; this machine's is scanned as well.
    let output = parapet()
        .args(["quickstart", "--exit", "--feed"])
        .arg(fixture.feed())
        .arg(fixture.target())
        .arg("--data-dir")
        .arg(fixture.data())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for expected in [
        "account   admin, password in",
        "scanned   host fixture: 3 packages",
        "Debian: imported; 2 records, 2 new",
        "host fixture",
        "nothing was stored",
        "export    ",
    ] {
        assert!(text.contains(expected), "{expected:?} is missing in:\n{text}");
    }
    use std::os::unix::fs::PermissionsExt as _;
    let password = std::fs::metadata(fixture.data().join("admin-password")).unwrap();
    assert_eq!(password.permissions().mode() & 0o777, 0o600);
    let csv = std::fs::read_to_string(fixture.data().join("findings.csv")).unwrap();
    assert!(csv.lines().any(|line| line.contains("fixture") && line.contains("CVE-2026-0001")), "{csv}");
}

#[test]
fn a_stand_alone_scan_finds_the_same() {
    let fixture = Fixture::new();
    let output = parapet()
        .args(["scan", &fixture.target(), "--format", "csv", "--feed"])
        .arg(fixture.feed())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found = |id: &str| text.lines().filter(|line| line.contains(id)).count();
    assert_eq!((found("CVE-2026-0001"), found("CVE-2026-0002")), (1, 1), "{text}");
}
