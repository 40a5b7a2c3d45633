//! Pages in a real browser: Chromium, driven by the stories in `browser/`.

use std::process::Command;

use crate::support::{Fixture, Server, peer};

/// What a story says happened.
fn story(name: &str, server: &Server, more: &[&str]) -> Option<Vec<String>> {
    let browser = peer("PARAPET_BROWSER", "Chromium")?;
    let modules = peer("PARAPET_BROWSER_MODULES", "playwright-core and axe-core")?;
    let output = Command::new("node")
        .arg(format!("{}/tests/it/browser/{name}.js", env!("CARGO_MANIFEST_DIR")))
        .args([&server.url, &server.password])
        .args(more)
        .env("NODE_PATH", modules)
        .env("PARAPET_BROWSER", browser)
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}:\n{said}\n{errors}");
    Some(said.lines().map(str::to_owned).collect())
}

/// A server over two vulnerabilities of one host, one of them fixable.
fn served() -> (Fixture, Server) {
    let fixture = Fixture::new();
    fixture.fill();
    let server = Server::start(&fixture);
    (fixture, server)
}

#[test]
fn every_page_is_accessible_in_light_and_dark_and_on_a_phone() {
    let (_fixture, server) = served();
    let pages = ["/findings", "/findings?group=asset", "/findings?where=kev", "/findings?where=kev+and"];
    let Some(lines) = story("accessible", &server, &pages) else { return };
    assert_eq!(lines, [format!("looked at {} pages", 3 * pages.len())]);
}

#[test]
fn a_keyboard_is_enough() {
    let (_fixture, server) = served();
    let Some(lines) = story("keyboard", &server, &[]) else { return };
    assert_eq!(
        lines,
        [
            "asked to sign in: /sign-in",
            "completed: fixable ",
            "found: CVE-2026-0001",
            "selected: 2",
            "help: true",
            "except: (vulnerability = CVE-2026-0001 or vulnerability = CVE-2026-0002)",
            "opened: /vulnerabilities/CVE-2026-0001",
        ]
    );
}

#[test]
fn pages_work_without_script() {
    let (_fixture, server) = served();
    let Some(lines) = story("scriptless", &server, &[]) else { return };
    assert_eq!(
        lines,
        [
            "address: ?where=fixable",
            "assets: fixture",
            "mistake: ^ no field \"awful\"; t",
            "signed out: /sign-in",
        ]
    );
}
