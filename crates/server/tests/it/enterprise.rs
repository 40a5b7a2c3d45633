//! Enterprise projects from the command line, seen by a user of one of them while the server runs.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Fixture, Server, client};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

const PASSWORD: &str = "a password for alice";

/// The names of the assets that alice sees.
fn seen(server: &Server) -> Vec<String> {
    let asked = client().get(format!("{}/api/v1/assets", server.url)).basic_auth("alice", Some(PASSWORD));
    let page: Value = asked.send().unwrap().json().unwrap();
    let assets = page["assets"].as_array().into_iter().flatten();
    assets.map(|asset| asset["name"].as_str().unwrap().to_owned()).collect()
}

/// What a command changes is followed in a moment.
fn until_seen(server: &Server, expected: &[&str]) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while seen(server) != expected && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(seen(server), expected);
}

#[test]
fn the_command_line_divides_assets_and_grants_parts() {
    let fixture = Fixture::new();
    fixture.fill();
    fixture.rename("second");
    fixture.fill();
    let server = Server::start(&fixture);
    let password = fixture.path("alice");
    std::fs::write(&password, PASSWORD).unwrap();
    let password = password.to_str().unwrap();
    fixture.run(&["user", "add", "alice", "--role", "reader", "--password-file", password]);
    until_seen(&server, &["fixture", "second"]);

    assert_eq!(fixture.run(&["enterprise-project", "add", "Finance", "--id", "finance"]), "finance\n");
    let moved = ["enterprise-project", "assign", "finance", "--where", "asset = second", "--format", "json"];
    assert_eq!(parsed(&fixture.run(&moved)), json!({"moved": 1}));
    assert_eq!(parsed(&fixture.run(&moved)), json!({"moved": 0}), "it is there already");
    let listed = fixture.run(&["enterprise-project", "list", "--format", "json"]);
    assert_eq!(
        parsed(&listed),
        json!([{"id": "0", "name": "default"}, {"id": "finance", "name": "Finance"}])
    );
    fixture.run(&["enterprise-project", "rename", "finance", "Money"]);
    fixture.run(&["enterprise-project", "grant", "alice", "finance"]);
    until_seen(&server, &["second"]);
    // Scanned again, it stays where it was put.
    let target = fixture.target();
    fixture.run(&["scan", &target, "--format", "json"]);
    assert_eq!(parsed(&fixture.run(&moved)), json!({"moved": 0}));
    fixture.run(&["enterprise-project", "grant", "alice", "--all"]);
    until_seen(&server, &["fixture", "second"]);
}
