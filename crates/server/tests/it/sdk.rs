//! The real Python SDK of the HSS family against our server.

use std::process::Command;

use crate::support::{Fixture, Server, peer};

#[test]
fn huaweicloudsdkhss_exports_polls_and_downloads() {
    let Some(python) = peer("PARAPET_PYTHON", "the huaweicloudsdkhss client") else { return };
    let fixture = Fixture::new();
    fixture.fill();
    let server = Server::start(&fixture);
    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/hss_sdk.py"))
        .args([&server.url, &server.password])
        .env("NO_PROXY", "127.0.0.1")
        .env("HOME", fixture.path(""))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        ["vul rows: CVE-2026-0001 CVE-2026-0002", "image rows: 0", "unknown task: HSS.0011"]
    );
}
