//! regscale-cli's container import, where it is installed.

use std::process::Command;

use super::world::World;
use crate::support::peer;

/// `PARAPET_REGSCALE` names a Python interpreter that has `regscale-cli`, which takes 1.3 GB, so
/// `scripts/peers` does not install it; `clients::regscale_follows_links_on_the_page_lists` replays
/// the same calls.
#[test]
fn regscale_imports_all_containers_and_their_vulnerabilities() {
    if std::env::var_os("PARAPET_REGSCALE").is_none() {
        eprintln!("left out: regscale-cli's container import, set PARAPET_REGSCALE");
        return;
    }
    let Some(python) = peer("PARAPET_REGSCALE", "regscale-cli") else { return };
    let world = World::new();
    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/regscale_import.py"))
        .args([&world.server.url, &world.server.password])
        // It writes a configuration where it runs.
        .current_dir(world.fixture.path(""))
        .env("HOME", world.fixture.path(""))
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    let mut lines: Vec<&str> = text.lines().filter(|line| line.starts_with("= ")).collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "= clean-1: ",
            "= images: 3",
            "= lost-1: ",
            "= web-1: CVE-2026-0001 CVE-2026-0002 CVE-2026-0003",
            "= web-2: CVE-2026-0001 CVE-2026-0002 CVE-2026-0003",
        ],
        "{errors}"
    );
}
