//! The vendor's own SDKs of the HSS family against our server.

use std::process::{Command, Output};

use crate::support::{Fixture, Server, peer};

/// A server over two vulnerabilities of one host, and a key pair of its manager.
fn served() -> (Fixture, Server, [String; 3]) {
    let fixture = Fixture::new();
    fixture.fill();
    let server = Server::start(&fixture);
    let key = fixture.run(&["key", "add", "admin", "--format", "json"]);
    let key: serde_json::Value = serde_json::from_str(&key).unwrap();
    let part = |name: &str| key[name].as_str().unwrap().to_owned();
    let key = [part("access_key"), part("secret_key"), part("project_id")];
    (fixture, server, key)
}

fn lines(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_python_sdk_signs_exports_lists_and_changes() {
    let Some(python) = peer("PARAPET_PYTHON", "the huaweicloudsdkhss client") else { return };
    let (fixture, server, key) = served();
    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/hss_sdk.py"))
        .args([&server.url, &server.password])
        .args(&key)
        .env("NO_PROXY", "127.0.0.1")
        .env("PYTHONIOENCODING", "utf-8")
        .env("HOME", fixture.path(""))
        .output()
        .unwrap();
    assert_eq!(
        lines(&output),
        [
            "signed vul rows: CVE-2026-0001 CVE-2026-0002",
            "signed image rows: 0",
            "unknown task: 400 HSS.0011",
            "wrong secret: 401 APIGW.0301",
            "unknown key: 401 APIGW.0301",
            "without project: 400 HSS.0001",
            "no category: 400 HSS.0001",
            "discovered project: 400 HSS.0011",
            "listed: CVE-2026-0001=1 CVE-2026-0002=1",
            "hosts: 1 fixture 2",
            "after ignoring: 1 open, 1 handled",
            "history: admin ignore CVE-2026-0001",
            "groups: 前端=1",
            "local images: 0",
            "white list: CVE-2026-0002",
            "async: 2 2 2 2",
            "token vul rows: CVE-2026-0001 CVE-2026-0002",
            "token image rows: 0",
            "temporary key: 400 HSS.0011",
        ]
    );
}

#[test]
fn signatures_of_the_node_package_are_accepted() {
    let Some(modules) = peer("PARAPET_NODE_HUAWEI", "@huaweicloud/huaweicloud-sdk-core") else { return };
    let (_fixture, server, key) = served();
    let output = Command::new("node")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/hss_node.js"))
        .arg(&server.url)
        .args(&key)
        .env("NODE_PATH", modules)
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    assert_eq!(
        lines(&output),
        [
            "projects: 200 ok",
            "export: 200 ok",
            "poll: 200 ok",
            "escaped path: 400 HSS.0011",
            "repeated: 200 ok",
        ]
    );
}

#[test]
fn the_demonstration_compares_every_exported_row_with_the_lists() {
    let Some(python) = peer("PARAPET_PYTHON", "the huaweicloudsdkhss client") else { return };
    let (fixture, server, key) = served();
    let output = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/demo.d/huawei_hss.py"))
        .arg(&server.url)
        .args(&key)
        .env("NO_PROXY", "127.0.0.1")
        .env("PYTHONIOENCODING", "utf-8")
        .env("HOME", fixture.path(""))
        .output()
        .unwrap();
    let lines = lines(&output);
    assert!(
        lines.iter().any(|line| line.starts_with("ignored CVE-2026-0001 on 1 servers, by admin")),
        "{lines:?}"
    );
    let same: Vec<&str> =
        lines.iter().filter_map(|line| line.trim().split_once(": all ")).map(|(what, _)| what).collect();
    assert_eq!(same, ["vulnerabilities", "servers", "images"], "{lines:?}");
}
