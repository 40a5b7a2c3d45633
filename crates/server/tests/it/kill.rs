//! `kill -9` at random instants: nothing acknowledged is lost, no half file, no orphaned job.

use serde_json::json;

use crate::support::{Fixture, Server, parapet};

/// Servers killed. Each restart must finish or cleanly fail what was under way.
const ROUNDS: u64 = 8;

#[test]
fn exports_survive_kills() {
    let fixture = Fixture::new();
    for n in 0..200 {
        fixture.advise(&format!("DEBIAN-CVE-2025-{n:04}"), &format!("CVE-2025-{n:04}"), "wood", None);
    }
    fixture.fill();
    let mut promised = Vec::new();
    for round in 0..ROUNDS {
        let mut server = Server::start(&fixture);
        for _ in 0..3 {
            let ticket = server.post("/api/v1/exports", &json!({"zip": true}));
            promised.push((ticket["id"].as_str().unwrap().to_owned(), ticket["rows"].as_u64().unwrap()));
        }
        // An instant that differs from round to round, somewhere in the work.
        for _ in 0..round * 2 {
            server.get("/api/v1/jobs");
        }
        server.kill();
    }
    let server = Server::start(&fixture);
    for (id, rows) in &promised {
        let state = server.wait_for(&format!("/api/v1/exports/{id}"), |state| {
            matches!(state["state"].as_str(), Some("succeeded" | "failed"))
        });
        assert_eq!(state["state"], "succeeded", "{state}");
        assert_eq!(state["rows_total"].as_u64(), Some(*rows));
        assert_eq!(state["rows_done"], state["rows_total"]);
        assert!(state["file"]["sha256"].as_str().is_some_and(|digest| digest.len() == 64));
    }
    let left: Vec<String> = std::fs::read_dir(fixture.data().join("artifacts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left.len(), promised.len() * 2, "one file and its provenance per export: {left:?}");
    assert!(left.iter().all(|name| !name.starts_with('.')), "half files stay: {left:?}");
}

#[test]
fn imports_and_scans_survive_kills() {
    let fixture = Fixture::new();
    for n in 0..600 {
        fixture.advise(&format!("DEBIAN-CVE-2025-{n:04}"), &format!("CVE-2025-{n:04}"), "wood", None);
    }
    let (feed, target) = (fixture.feed(), fixture.target());
    let feed = feed.to_str().unwrap();
    for round in 0..ROUNDS {
        for arguments in [vec!["scan", &target, "--format", "json"], vec!["feed", "import", feed]] {
            let mut child = parapet()
                .args(&arguments)
                .arg("--data-dir")
                .arg(fixture.data())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            // Wait for work, not for time: the process is killed at a growing number of looks at it.
            for _ in 0..round * 2000 {
                if child.try_wait().unwrap().is_some() {
                    break;
                }
                std::thread::yield_now();
            }
            let _ = child.kill();
            child.wait().unwrap();
        }
    }
    fixture.fill();
    assert_eq!(fixture.findings(&[]).len(), 602, "every finding is there, once");
}
