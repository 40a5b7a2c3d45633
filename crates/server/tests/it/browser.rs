//! Pages in a real browser: Chromium, driven by the stories in `browser/`.

use std::process::Command;

use serde_json::json;

use crate::compliance::report;
use crate::support::{Fixture, Server, parapet, peer};

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

/// Where the walk begins: pages that no link of another page leads to.
const BEGIN: &[&str] = &[
    "/",
    "/findings?where=kev",
    "/findings?where=kev+and",
    "/findings?from=2026-01-01&to=2026-02-01",
    "/findings?as_of=2026-01-01",
    "/assets?where=package+%3D+nosuch",
    "/packages/pkg%3Adeb%2Fdebian%2Fglass",
    "/exceptions/new?where=fixable",
    "/settings/audit?what=nosuch",
];

/// The pages that say another thing while there is nothing to show.
const STATES: &[&str] = &[
    "/",
    "/findings",
    "/findings?group=asset",
    "/assets",
    "/exceptions",
    "/compliance",
    "/sources",
    "/feeds",
    "/exports",
    "/settings",
];

/// Looks at pages, and at all that links lead to if the first word is `follow`; axe finds nothing on any of them.
fn accessible(server: &Server, how: &str, pages: &[&str], at_least: usize) {
    let more: Vec<&str> = [how].iter().chain(pages).copied().collect();
    let Some(lines) = story("accessible", server, &more) else { return };
    let [line] = &lines[..] else { panic!("{lines:#?}") };
    let count = line.split_whitespace().nth(2).and_then(|count| count.parse().ok());
    assert!(count.is_some_and(|count: usize| count >= at_least), "{line}");
}

#[test]
fn every_page_is_accessible_in_light_and_dark_and_on_a_phone() {
    let fixture = Fixture::new();
    fixture.fill();
    fixture.write("results.xml", report(&[]));
    fixture.run(&["import", "arf", fixture.path("results.xml").to_str().unwrap()]);
    let server = Server::start(&fixture);
    let password = fixture.path("password");
    fixture.run(&["user", "add", "ann", "--role", "analyst", "--password-file", password.to_str().unwrap()]);
    server.post("/api/v1/enterprise-projects", &json!({"name": "Finance", "id": "finance"}));
    let registry = json!({"name": "hub", "endpoint": "127.0.0.1:1", "plain_http": true});
    let registry = server.post("/api/v1/registries", &registry);
    server.post(&format!("/api/v1/registries/{}/scan", registry["id"].as_str().unwrap()), &json!({}));
    let sensor = json!({"identity": "5".repeat(32), "name": "quiet", "hostname": "quiet"});
    server.post("/api/v1/sensors/register", &sensor);
    let until = "2099-01-01T00:00:00Z";
    for title in ["All of it", "Part of it"] {
        let exception = json!({"title": title, "where": "fixable", "reason": "risk_accepted", "end": until});
        server.post("/api/v1/exceptions", &exception);
    }
    server.post("/api/v1/exports", &json!({}));
    accessible(&server, "follow", BEGIN, 90);
}

#[test]
fn pages_are_accessible_before_anything_is_scanned() {
    let fixture = Fixture::new();
    accessible(&Server::start(&fixture), "these", STATES, STATES.len());
}

#[test]
fn pages_are_accessible_when_all_is_assessed_and_clean() {
    let fixture = Fixture::new();
    fixture.install(&[("glass", "1.0-2"), ("wood", "3.0-1")]);
    fixture.fill();
    accessible(&Server::start(&fixture), "these", STATES, STATES.len());
}

#[test]
fn an_exception_is_previewed_approved_on_a_phone_by_somebody_else_and_hides() {
    let fixture = Fixture::new();
    fixture.fill();
    let server = Server::start_with(&fixture, parapet(), &["--four-eyes"]);
    let password = fixture.path("password");
    let file = password.to_str().unwrap();
    fixture.run(&["user", "add", "ann", "--role", "analyst", "--password-file", file]);
    let Some(lines) = story("excepted", &server, &["ann"]) else { return };
    assert_eq!(
        lines,
        [
            "preview: 1 finding",
            "asker may approve: false",
            "before: CVE-2026-0001 CVE-2026-0002",
            "after: CVE-2026-0002",
            "history: admin ann",
        ]
    );
}

#[test]
fn a_schedule_is_watched_from_its_beginning_to_its_images() {
    if peer("PARAPET_REGISTRIES", "real registries").is_none() {
        return;
    }
    let port = peer("PARAPET_REGISTRY_PORT", "the first registry's port").unwrap();
    let (_fixture, server) = served();
    let registry = format!("127.0.0.1:{port}");
    let Some(lines) = story("scheduled", &server, &[&registry]) else { return };
    assert_eq!(lines, ["watched on: /sources/registries/…", "ended: succeeded", "repositories: team/debian"]);
}

#[test]
fn an_export_holds_the_rows_that_the_page_counts() {
    let (_fixture, server) = served();
    let Some(lines) = story("exported", &server, &[]) else { return };
    assert_eq!(
        lines,
        [
            "findings on the page: 2",
            "The file will have 2 rows, as of now.",
            "rows in the file: 2",
            "checksum: true",
        ]
    );
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
            "except: (vulnerability = \"CVE-2026-0001\" or vulnerability = \"CVE-2026-0002\")",
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
            "mistake: ^ no field \"awful\"",
            "signed out: /sign-in",
        ]
    );
}
