//! Compliance results from the command line, over HTTP and from a sensor.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Fixture, Server, client, parapet, peer};

const TEMPLATE: &str = include_str!("../../../catalog/fixtures/host.arf.xml");

/// A results document of a host; what is not said is as usual.
pub(crate) fn report(changes: &[(&str, &str)]) -> String {
    let usual = [
        ("VERSION", "0"),
        ("HOST", "web-1.example.test"),
        ("MAC", "01"),
        ("ADDRESS", "192.0.2.15"),
        ("TIME", "2026-10-01T10:00:00Z"),
        ("ID", "100"),
        ("UMASK", "18"),
        ("UMASK_TEST", "false"),
        ("UMASK_RESULT", "fail"),
        ("READABLE", "true"),
        ("SHADOW_RESULT", "fail"),
    ];
    let mut text = TEMPLATE.to_owned();
    for (name, value) in changes.iter().chain(&usual) {
        text = text.replace(&format!("{{{{{name}}}}}"), value);
    }
    text
}

/// Sends a body as it is; status and answer.
fn send(server: &Server, path: &str, kind: &str, body: Vec<u8>) -> (u16, Value) {
    let request = client().post(format!("{}{path}", server.url)).basic_auth("admin", Some(&server.password));
    let response = request.header("content-type", kind).body(body).send().unwrap();
    (response.status().as_u16(), serde_json::from_str(&response.text().unwrap()).unwrap())
}

const RESULTS: &str = "/api/v1/compliance/results";

#[test]
fn files_are_imported_by_the_command_and_read_over_the_api() {
    let fixture = Fixture::new();
    let (one, two, bad) = (fixture.path("run1.xml"), fixture.path("run2.xml"), fixture.path("bad.xml"));
    std::fs::write(&one, report(&[])).unwrap();
    std::fs::write(&two, report(&[("TIME", "2026-10-02T10:00:00Z"), ("UMASK", "22")])).unwrap();
    std::fs::write(&bad, "<html/>").unwrap();
    let paths = [&one, &two].map(|path| path.to_str().unwrap());
    let told: Value =
        serde_json::from_str(&fixture.run(&["import", "arf", paths[0], paths[1], "--format", "json"]))
            .unwrap();
    assert_eq!(told[0]["report"]["evaluations"][0]["new"], 4, "{told}");
    assert_eq!(told[1]["report"]["evaluations"][0]["changed_evidence"], 1, "{told}");
    let table = fixture.run(&["import", "arf", paths[1]]);
    assert!(table.contains("web-1.example.test") && table.contains("seen"), "{table}");
    let mut wrong = parapet();
    wrong.args(["import", "arf"]).arg(&bad).arg(&one).arg("--data-dir").arg(fixture.data());
    let wrong = wrong.output().unwrap();
    let errors = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(errors.contains("outermost element is <html>") && errors.contains("1 of 2 files"), "{errors}");

    let server = Server::start(&fixture);
    let policies = server.get("/api/v1/compliance/policies");
    let policy = policies["policies"][0]["number"].as_u64().unwrap();
    assert_eq!(policies["policies"][0]["title"], "House rules (basic)");
    let controls = server.get(&format!("/api/v1/compliance/controls?policy={policy}&limit=2"));
    assert_eq!(controls["controls"].as_array().unwrap().len(), 2);
    let rest = server.get(&format!("/api/v1/compliance/controls?policy={policy}&after={}", controls["next"]));
    assert_eq!((rest["controls"].as_array().unwrap().len(), &rest["next"]), (2, &Value::Null));
    let technologies = server.get("/api/v1/compliance/technologies");
    assert_eq!(technologies["technologies"][0]["name"], "Debian GNU/Linux 12.x");
    let failed = server.get(&format!("{RESULTS}?posture=failed&policy={policy}"));
    assert_eq!(failed["results"].as_array().unwrap().len(), 3, "{failed}");
    let host = failed["results"][0]["host"].as_str().unwrap();
    assert_eq!(
        server.get(&format!("{RESULTS}?host={host}&posture=all"))["results"].as_array().unwrap().len(),
        4
    );
    let then = server.get(&format!("{RESULTS}?posture=failed&as_of=2000-01-01"));
    assert!(then["results"].as_array().unwrap().is_empty(), "nothing was known then: {then}");
    for wrong in ["hindsight=true", "as_of=2999-01-01", "as_of=yesterday"] {
        let request = client()
            .get(format!("{}{RESULTS}?{wrong}", server.url))
            .basic_auth("admin", Some(&server.password));
        assert_eq!(request.send().unwrap().status().as_u16(), 400, "{wrong}");
    }
    let details: Vec<Value> = failed["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| server.get(&format!("{RESULTS}/{}", result["number"])))
        .collect();
    let umask = details.iter().find(|detail| detail["rule"] == "rule_umask").unwrap();
    assert_eq!(
        (&umask["evidence"]["lines"], &umask["evidence_before"]["lines"]),
        (&json!(["22"]), &json!(["18"]))
    );
    assert_eq!(umask["evidence"]["tests"][0]["expected"][0]["values"], json!(["63"]));
    assert_eq!(umask["history"].as_array().unwrap().len(), 2);
    let package = details.iter().find(|detail| detail["rule"] == "rule_package").unwrap();
    assert_eq!(package["evidence"]["lines"], json!(["nothing found"]));
}

#[test]
fn documents_are_sent_as_they_are_and_bounded() {
    let fixture = Fixture::new();
    let mut command = parapet();
    command.env("PARAPET_MAX_RESULTS_SIZE", "20");
    let server = Server::start_as(&fixture, command);
    let text = report(&[]);
    let (status, answer) = send(&server, RESULTS, "application/gzip", packed(&text));
    assert_eq!((status, &answer["evaluations"][0]["outcome"]), (200, &json!("newest")), "{answer}");
    let (status, answer) = send(&server, RESULTS, "application/xml", text.clone().into_bytes());
    assert_eq!((status, &answer["evaluations"][0]["outcome"]), (200, &json!("seen")), "{answer}");
    // Beyond what other routes take, and still read: a comment of 13 MB in parts.
    let padding = format!("<!--{}-->", "x".repeat(1 << 20)).repeat(13);
    let large = text.replacen("<arf:assets>", &format!("{padding}<arf:assets>"), 1);
    let (status, answer) = send(&server, RESULTS, "application/xml", large.into_bytes());
    assert_eq!((status, &answer["evaluations"][0]["outcome"]), (200, &json!("seen")), "{answer}");
    let path = format!("{RESULTS}?host=named.example.test");
    let (status, answer) = send(&server, &path, "text/xml", text.clone().into_bytes());
    assert_eq!((status, &answer["evaluations"][0]["host_name"]), (200, &json!("named.example.test")));
    for (kind, body, words) in [
        ("application/xml", text[..900].to_owned(), "truncated"),
        ("application/xml", String::new(), "empty"),
        ("application/json", "{}".to_owned(), "send the document itself"),
        ("application/xml", text.replacen("<target>", "<target>&xxe;", 1), "&xxe; is refused"),
    ] {
        let (status, answer) = send(&server, RESULTS, kind, body.into_bytes());
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(status == 400 && message.contains(words), "{status} {message}");
    }
    let (status, answer) = send(&server, RESULTS, "application/xml", vec![b' '; 20_000_001]);
    assert_eq!((status, &answer["error"]["code"]), (413, &json!("too_large")), "{answer}");
    let wrong = client()
        .get(format!("{}{RESULTS}?posture=maybe", server.url))
        .basic_auth("admin", Some(&server.password));
    assert_eq!(wrong.send().unwrap().status().as_u16(), 400);
}

fn packed(text: &str) -> Vec<u8> {
    let mut gzip = Command::new("gzip")
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = gzip.stdin.take().unwrap();
    let text = text.to_owned();
    std::thread::spawn(move || input.write_all(text.as_bytes()));
    gzip.wait_with_output().unwrap().stdout
}

/// A scanner that hands out a document and ends as oscap does when a rule failed.
fn stand_in(folder: &Path, document: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let script = format!(
        "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = --results-arf ] && cp '{}' \"$2\"; shift; done\nexit 2\n",
        document.display()
    );
    let program = folder.join("oscap");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn sensor(fixture: &Fixture, server: &Server, checklist: &str, path: &str) -> Value {
    let output = parapet()
        .args(["sensor", "--once", "--format", "json", "--server", &server.url, "--user", "node-1"])
        .args(["--compliance", checklist])
        .arg("--password-file")
        .arg(fixture.path("node.secret"))
        .arg("--root")
        .arg(fixture.path("root"))
        .env("PATH", path)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn enrolled() -> (Fixture, Server) {
    let fixture = Fixture::new();
    let server = Server::start(&fixture);
    let secret = fixture.path("node.secret");
    std::fs::write(&secret, "the secret of a node").unwrap();
    fixture.run(&["user", "add", "node-1", "--role", "sensor", "--password-file", secret.to_str().unwrap()]);
    (fixture, server)
}

#[test]
fn a_sensor_sends_the_results_of_its_own_host() {
    let (fixture, server) = enrolled();
    let (document, folder) = (fixture.path("made.xml"), fixture.path("bin"));
    // Whatever host the document names, it is the sensor's own.
    std::fs::write(&document, report(&[("HOST", "somebody-else.example.test")])).unwrap();
    stand_in(&folder, &document);
    let checklist = format!("house_profile_basic,{}", document.display());
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let round = sensor(&fixture, &server, &checklist, &path);
    assert_eq!((&round["host"], &round["checklist"]), (&json!("new"), &json!("newest")), "{round}");
    let hosts = server.get("/api/v1/assets?where=kind%20%3D%20host");
    assert_eq!(hosts["assets"].as_array().unwrap().len(), 1, "{hosts}");
    let results = server.get(RESULTS);
    assert_eq!(results["results"][0]["host"], hosts["assets"][0]["id"], "{results}");
    // Without the scanner the rest of the round is done, and the problem is said.
    let round = sensor(&fixture, &server, &checklist, "/nowhere");
    assert!(round["problems"][0].as_str().unwrap().contains("oscap is not installed"), "{round}");
    // A sensor may send for no other sensor, and not import otherwise.
    let basic = |path: &str| {
        let request =
            client().post(format!("{}{path}", server.url)).basic_auth("node-1", Some("the secret of a node"));
        request.body(report(&[])).send().unwrap().status().as_u16()
    };
    assert_eq!(basic(RESULTS), 403);
    assert_eq!(basic("/api/v1/sensors/results?sensor=00000000000000000000000000000009"), 404);
}

/// The real scanner on a small tree, with content of our own.
#[test]
fn the_real_scanner_is_read() {
    let Some(program) = peer("PARAPET_OSCAP", "OpenSCAP's scanner") else { return };
    let (fixture, server) = enrolled();
    let content = fixture.path("content.xml");
    std::fs::write(&content, CONTENT).unwrap();
    std::fs::write(fixture.path("root/etc/login.defs"), "UMASK 022\n").unwrap();
    let folder = Path::new(&program).parent().unwrap().display().to_string();
    let path = format!("{folder}:/usr/bin:/bin");
    let round = sensor(&fixture, &server, &format!("house_profile_basic,{}", content.display()), &path);
    assert_eq!(round["checklist"], "newest", "{round}");
    let results = server.get(RESULTS);
    let result = server.get(&format!("{RESULTS}/{}", results["results"][0]["number"]));
    assert_eq!(
        (&result["posture"], &result["evidence"]["lines"]),
        (&json!("Failed"), &json!(["022"])),
        "{result}"
    );
}

/// A data stream with one rule: the umask of `login.defs` is 077.
const CONTENT: &str = include_str!("fixtures/content.xml");
