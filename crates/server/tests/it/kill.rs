//! `kill -9` at random instants: nothing acknowledged is lost, no half file, no orphaned job.

use parapet_model::Digest;
use parapet_model::time::format_rfc3339;
use serde_json::{Value, json};

use crate::support::{Fixture, Server, client, parapet};

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

/// A request that asks for an export, signed now with a key pair. It is the same bytes each time it is
/// sent, to whichever server.
struct SignedExport {
    path: String,
    headers: [(&'static str, String); 3],
}

impl SignedExport {
    const BODY: &str = "{}";

    fn new(key: &Value) -> Self {
        let part = |name: &str| key[name].as_str().unwrap();
        let at = format_rfc3339(parapet_model::Clock::now(&parapet_model::SystemClock));
        let date: String = at.chars().take(19).filter(|c| !matches!(c, '-' | ':')).chain(['Z']).collect();
        let (path, query) = (format!("/v5/{}/vul/export", part("project_id")), "category=vul&export_size=10");
        let canonical = format!(
            "POST\n{path}/\n{query}\nhost:parapet.example\nx-sdk-date:{date}\n\nhost;x-sdk-date\n{}",
            Digest::of(Self::BODY.as_bytes()).hex()
        );
        let text = format!("SDK-HMAC-SHA256\n{date}\n{}", Digest::of(canonical.as_bytes()).hex());
        let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, part("secret_key").as_bytes());
        let tag = ring::hmac::sign(&secret, text.as_bytes());
        let signature: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let authorization = format!(
            "SDK-HMAC-SHA256 Access={}, SignedHeaders=host;x-sdk-date, Signature={signature}",
            part("access_key")
        );
        let host = "parapet.example".to_owned();
        let headers = [("Host", host), ("X-Sdk-Date", date), ("Authorization", authorization)];
        Self { path: format!("{path}?{query}"), headers }
    }

    /// Status and answer.
    fn send(&self, server: &Server) -> (u16, Value) {
        let mut request = client().post(format!("{}{}", server.url, self.path)).body(Self::BODY);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let answer = request.send().unwrap();
        (answer.status().as_u16(), answer.json().unwrap())
    }
}

/// What the signer's client sends again because it heard nothing is done once, though the server was
/// killed in between.
#[test]
fn a_signed_write_is_done_once_over_a_kill() {
    let fixture = Fixture::new();
    fixture.fill();
    let mut server = Server::start(&fixture);
    let key: Value =
        serde_json::from_str(&fixture.run(&["key", "add", "admin", "--format", "json"])).unwrap();
    let request = SignedExport::new(&key);
    // The server hears of the key within a moment.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let (status, first) = loop {
        let (status, answer) = request.send(&server);
        if status != 401 || std::time::Instant::now() > deadline {
            break (status, answer);
        }
        std::thread::yield_now();
    };
    assert_eq!(status, 200, "{first}");
    for _ in 0..2 {
        server.kill();
        server = Server::start(&fixture);
        assert_eq!(request.send(&server), (200, first.clone()), "the first answer once more");
    }
    let jobs = server.get("/api/v1/jobs");
    let exports = jobs["jobs"].as_array().unwrap().iter().filter(|job| job["kind"] == "export");
    assert_eq!(exports.count(), 1, "{jobs}");
    let task = format!("/api/v1/exports/{}", first["task_id"].as_str().unwrap());
    let done = server.wait_for(&task, |state| state["state"] == "succeeded");
    assert_eq!(done["rows_done"], done["rows_total"]);
}
