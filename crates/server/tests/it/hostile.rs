//! Input that is wrong or too much, seen by a user of the program: a clear error, nothing lost,
//! nothing half done.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Fixture, Server};

#[test]
fn a_version_that_no_order_can_place_is_said_and_never_guessed() {
    let fixture = Fixture::new();
    fixture.install(&[("glass", "not_a:version!"), ("wood", "3.0-1")]);
    fixture.fill();
    assert!(fixture.findings(&[]).is_empty(), "glass is below 1.0-2 only by guessing");
    let server = Server::start(&fixture);
    let assets = server.get("/api/v1/assets");
    assert_eq!(assets["assets"][0]["coverage"], "version-unparsed", "{assets}");
    let asset = server.get(&format!("/api/v1/assets/{}", assets["assets"][0]["id"].as_str().unwrap()));
    assert_eq!(asset["ecosystems"][0]["coverage"], "version-unparsed", "{asset}");
    let gaps = asset["not_assessed"].as_array().unwrap();
    let unparsed = gaps.iter().find(|gap| gap["coverage"] == "version-unparsed").unwrap();
    assert_eq!(unparsed["what"], "1 packages of Debian:12", "wood is judged: {asset}");
}

#[test]
fn an_export_that_the_disk_cannot_hold_fails_whole_and_the_next_one_succeeds() {
    let fixture = Fixture::new();
    let packages: Vec<(String, String)> =
        (0..40).map(|n| (format!("part{n:02}"), "1.0-1".to_owned())).collect();
    let packages: Vec<(&str, &str)> = packages.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    for (name, _) in &packages {
        for n in 0..8 {
            let id = format!("{name}-{n}");
            fixture.advise(&format!("DEBIAN-{id}"), &format!("CVE-2025-{}", &id[4..]), name, None);
        }
    }
    fixture.install(&packages);
    fixture.import();
    for host in 0..24 {
        fixture.rename(&format!("host{host:02}"));
        fixture.run(&["scan", &fixture.target(), "--format", "json"]);
    }
    let whole = fixture.path("whole.csv");
    fixture.run(&["export", "findings", "--output", whole.to_str().unwrap()]);
    let (export, store) = (size(&whole), size(&fixture.data().join("parapet.db")));
    assert!(export > store + (256 << 10), "the export ({export}) has to outgrow the store ({store})");

    let server = Server::start_limited(&fixture, (export + store) / 2);
    let state = export_to_the_end(&server, &json!({}));
    assert_eq!(state["state"], "failed", "{state}");
    assert!(state["error"].as_str().unwrap().starts_with("the disk is full: "), "{state}");
    assert_eq!(state["file"], Value::Null);
    assert_eq!(artifacts(&fixture), [""; 0], "no half file");

    let small = json!({"where": "asset = host07"});
    assert_eq!(export_to_the_end(&server, &small)["state"], "succeeded", "the server goes on");
    drop(server);
    let server = Server::start(&fixture);
    let state = export_to_the_end(&server, &json!({}));
    assert_eq!((state["state"].as_str(), state["rows_total"].as_u64()), (Some("succeeded"), Some(24 * 320)));
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

fn artifacts(fixture: &Fixture) -> Vec<String> {
    let entries = std::fs::read_dir(fixture.data().join("artifacts")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Asks for an export and waits until its job is over.
fn export_to_the_end(server: &Server, body: &Value) -> Value {
    let ticket = server.post("/api/v1/exports", body);
    let path = format!("/api/v1/exports/{}", ticket["id"].as_str().unwrap());
    server.wait_for(&path, |state| matches!(state["state"].as_str(), Some("succeeded" | "failed")))
}
