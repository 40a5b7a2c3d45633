//! From a file system to an exported finding, through the command line and through the server.

use std::io::Read as _;

use serde_json::{Value, json};

use crate::support::{Fixture, Server, client, json as read_json};

#[test]
fn a_withdrawn_advisory_closes_its_finding_and_the_past_stays() {
    let fixture = Fixture::new();
    fixture.fill();
    let both = [
        "fixture,CVE-2026-0001,glass,1.0-1,1.0-2,fix_available",
        "fixture,CVE-2026-0002,stone,2.0-1,,affected",
    ];
    assert_eq!(fixture.findings(&[]), both);
    let status: Value = serde_json::from_str(&fixture.run(&["feed", "status", "--format", "json"])).unwrap();
    let before = status[0]["imports"][0]["ended"].as_i64().unwrap();

    fixture.withdraw("DSA-1-1");
    let report = fixture.import();
    assert!(report.contains("1 withdrawn"), "{report}");
    assert_eq!(fixture.findings(&[]), both[1..]);

    let then = jiff_text(before);
    assert_eq!(fixture.findings(&["--as-of", &then]), both, "posture as of {then}");
    assert_eq!(
        fixture.findings(&["--as-of", &then, "--hindsight"]),
        both[1..],
        "what was true by what is known today"
    );

    fixture.run(&["feed", "rollback", "Debian"]);
    assert_eq!(fixture.findings(&[]), both, "the feed's previous state is back");
}

#[test]
fn an_import_can_be_previewed_and_held() {
    let fixture = Fixture::new();
    let target = fixture.target();
    fixture.run(&["scan", &target, "--format", "json"]);
    let feed = fixture.feed();
    let feed = feed.to_str().unwrap();
    let preview = fixture.run(&["feed", "import", feed, "--preview"]);
    assert!(
        preview.contains("preview; 2 records, 2 new") && preview.contains("would open 2 findings"),
        "{preview}"
    );
    assert!(fixture.findings(&[]).is_empty());
    let held = crate::support::parapet()
        .args(["feed", "import", feed, "--max-opened", "1", "--data-dir"])
        .arg(fixture.data())
        .output()
        .unwrap();
    assert!(!held.status.success());
    assert!(String::from_utf8_lossy(&held.stdout).contains("the limit is 1"));
    assert!(fixture.findings(&[]).is_empty());
    let status = fixture.run(&["feed", "status"]);
    assert!(
        status.contains("Debian: held; 2 records, 2 new") && status.contains("the limit is 1"),
        "{status}"
    );
    let accepted = fixture.run(&["feed", "accept", "Debian"]);
    assert!(accepted.contains("Debian: accepted") && accepted.contains("opened 2 findings"), "{accepted}");
    assert_eq!(fixture.findings(&[]).len(), 2);
    assert!(fixture.import().contains("unchanged"));
}

#[test]
fn a_held_import_is_decided_over_the_api() {
    let fixture = Fixture::new();
    fixture.fill();
    let feed = fixture.feed();
    let hold = || {
        let limited = ["feed", "import", feed.to_str().unwrap(), "--max-closed", "0", "--data-dir"];
        let done = crate::support::parapet().args(limited).arg(fixture.data()).output().unwrap();
        assert!(!done.status.success());
    };
    fixture.withdraw("DSA-1-1");
    hold();
    let server = Server::start(&fixture);
    let held = &server.get("/api/v1/feeds")["feeds"][0]["held"];
    assert_eq!((&held["findings_closed"], &held["withdrawn"]), (&json!(1), &json!(1)), "{held}");
    let rejected = server.post("/api/v1/feeds/Debian/held/reject", &json!({}));
    assert_eq!(rejected["why"], "it would close 1 finding, the limit is 0");
    assert_eq!(server.get("/api/v1/feeds")["feeds"][0]["held"], Value::Null);
    hold();
    let job = server.post("/api/v1/feeds/Debian/held/accept", &json!({}));
    let path = format!("/api/v1/jobs/{}", job["job"].as_str().unwrap());
    let done = server.wait_for(&path, |job| matches!(job["state"].as_str(), Some("succeeded" | "failed")));
    assert_eq!(done["state"], "succeeded", "{done}");
    assert_eq!(server.get("/api/v1/findings/counts")["findings"], 1);
    let events = server.get("/api/v1/audit?kind=feed");
    let actions: Vec<&str> =
        events["events"].as_array().unwrap().iter().filter_map(|e| e["action"].as_str()).collect();
    assert_eq!(actions[..3], ["accept", "import", "reject"]);
}

#[test]
fn an_upgrade_fixes_and_an_exception_hides() {
    let fixture = Fixture::new();
    fixture.fill();
    let server = Server::start(&fixture);
    let preview = json!({"title": "accept", "where": "vulnerability = CVE-2026-0002", "kind": "dynamic"});
    let counts = server.post("/api/v1/exceptions/preview", &preview);
    assert_eq!((counts["findings"].as_u64(), counts["assets"].as_u64()), (Some(1), Some(1)));
    assert_eq!(
        server.get("/api/v1/findings/counts?where=excepted")["findings"],
        0,
        "a preview stores nothing"
    );

    let exception = server.post("/api/v1/exceptions", &preview);
    assert_eq!(exception["state"], "approved");
    let hidden = server.get("/api/v1/findings?where=excepted");
    assert_eq!(hidden["findings"][0]["vulnerability"], "CVE-2026-0002");
    let asset = hidden["findings"][0]["asset_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/findings/explain?asset={asset}&vulnerability=CVE-2026-0002");
    let why = server.get(&path);
    assert_eq!(why["exceptions"][0]["standing"], "hides");
    assert_eq!(why["exceptions"][0]["approved_by"], "admin");
    assert_eq!(why["evidence"][0]["paths"][0], "var/lib/dpkg/status");
    assert_eq!(why["statements"][0]["advisory"], "DEBIAN-CVE-2026-0002");

    let id = exception["id"].as_str().unwrap();
    server.post(&format!("/api/v1/exceptions/{id}/decision"), &json!({"decision": "end", "comment": "done"}));
    assert_eq!(server.get("/api/v1/findings/counts?where=excepted")["findings"], 0);

    // A short command-line writer works beside the server, which follows the log.
    fixture.install(&[("glass", "1.0-2"), ("stone", "2.0-1"), ("wood", "3.0-1")]);
    let target = fixture.target();
    fixture.run(&["scan", &target, "--format", "json"]);
    server.wait_for("/api/v1/findings/counts", |counts| counts["findings"] == 1);
    let events = server.get("/api/v1/audit?kind=exception");
    let actions: Vec<&str> =
        events["events"].as_array().unwrap().iter().filter_map(|e| e["action"].as_str()).collect();
    assert_eq!(actions, ["ended", "create"]);
}

#[test]
fn hss_exports_with_a_token() {
    let fixture = Fixture::new();
    fixture.fill();
    let server = Server::start(&fixture);
    let (token, project) = sign_in(&server, &server.password).unwrap();
    assert!(sign_in(&server, "wrong").is_none());

    let headers =
        json!({"export_headers": [["vul_id", "漏洞 ID"], ["no_such_key", "Empty"], ["host_num", "Hosts"]]});
    let path = format!(
        "/v5/{project}/vul/export?category=vul&export_size=200000&repair_priority=Critical,High,Medium,Low"
    );
    let csv = hss_export(&server, &token, &project, &path, &headers.to_string());
    assert_eq!(csv, "\u{feff}漏洞 ID,Empty,Hosts\r\nCVE-2026-0001,,1\r\nCVE-2026-0002,,1\r\n");

    let path = format!("/v5/{project}/vul/export?category=host&export_size=1&offset=1");
    let headers = json!({"export_headers": [["host_name", "Host"], ["vul_id", "Id"], ["version", "Fixed"], ["status", "Status"]]});
    let csv = hss_export(&server, &token, &project, &path, &headers.to_string());
    assert_eq!(csv, "\u{feff}Host,Id,Fixed,Status\r\nfixture,CVE-2026-0002,,vul_status_unfix\r\n");

    for (path, code) in [
        (format!("/v5/{project}/vul/export?export_size=1"), "HSS.0001"),
        (format!("/v5/{project}/vul/export?category=vul&export_size=0"), "HSS.0001"),
        (format!("/v5/{project}/vul/export?category=vul&export_size=1&type=odd"), "HSS.0001"),
        (
            format!("/v5/{project}/vul/export?category=vul&export_size=1&enterprise_project_id=odd"),
            "HSS.0013",
        ),
        (format!("/v5/{project}/no/such/path"), "APIGW.0101"),
        ("/v5/%7Bproject_id%7D/vul/export?category=vul&export_size=1".to_owned(), "HSS.0001"),
        (
            "/v5/ffffffffffffffffffffffffffffffff/vul/export?category=vul&export_size=1".to_owned(),
            "APIGW.0302",
        ),
    ] {
        let request = client().post(format!("{}{path}", server.url)).header("X-Auth-Token", &token);
        let answer: Value = request.send().unwrap().json().unwrap();
        assert_eq!(answer["error_code"], code, "{path}: {answer}");
        assert!(answer["error_msg"].is_string());
    }
    let unsigned = client().post(format!("{}/v5/{project}/vul/export", server.url)).send().unwrap();
    assert_eq!(unsigned.status(), 401);
    assert_eq!(unsigned.json::<Value>().unwrap()["error_code"], "APIGW.0301");
}

#[test]
fn a_second_server_on_one_store_is_refused() {
    let fixture = Fixture::new();
    fixture.fill();
    let server = Server::start(&fixture);
    let second = crate::support::parapet()
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(fixture.data())
        .output()
        .unwrap();
    assert!(!second.status.success());
    let message = String::from_utf8_lossy(&second.stderr);
    assert!(message.contains("another server"), "{message}");
    let last = server.get("/api/v1/findings/counts");
    assert_eq!(last["findings"], 2, "the first one goes on");
}

#[test]
fn probes_and_metrics_answer() {
    let fixture = Fixture::new();
    let server = Server::start(&fixture);
    for (path, expected) in [("/livez", "ok"), ("/readyz", "ok"), ("/metrics", "parapet_posture_sequence")] {
        let text = client().get(format!("{}{path}", server.url)).send().unwrap().text().unwrap();
        assert!(text.contains(expected), "{path}: {text}");
    }
    let openapi = client().get(format!("{}/api/v1/openapi.json", server.url)).send().unwrap();
    assert_eq!(read_json(openapi)["info"]["title"], "Parapet");
}

/// Signs in the way Keystone clients do: token and project id.
pub(crate) fn sign_in(server: &Server, password: &str) -> Option<(String, String)> {
    let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {
        "name": "admin", "password": password, "domain": {"name": "default"}}}},
        "scope": {"project": {"name": "default"}}}});
    let response =
        client().post(format!("{}/v3/auth/tokens", server.url)).body(body.to_string()).send().unwrap();
    let token = response.headers().get("x-subject-token").map(|v| v.to_str().unwrap().to_owned());
    let document: Value = response.json().unwrap();
    token.map(|token| (token, document["token"]["project"]["id"].as_str().unwrap().to_owned()))
}

/// Creates, polls, downloads, unpacks.
fn hss_export(server: &Server, token: &str, project: &str, path: &str, body: &str) -> String {
    let with_token = |request: reqwest::blocking::RequestBuilder| request.header("X-Auth-Token", token);
    let created =
        with_token(client().post(format!("{}{path}", server.url))).body(body.to_owned()).send().unwrap();
    let task = read_json(created)["task_id"].as_str().unwrap().to_owned();
    let poll = format!("{}/v5/{project}/export-task/{task}", server.url);
    let file = loop {
        let state = read_json(with_token(client().get(&poll)).send().unwrap());
        match state["task_status"].as_str().unwrap() {
            "running" => std::thread::yield_now(),
            "success" => break state["file_id"].as_str().unwrap().to_owned(),
            other => panic!("{other}: {state}"),
        }
    };
    let address = format!("{}/v5/{project}/download/{file}", server.url);
    let whole = with_token(client().get(&address)).send().unwrap().bytes().unwrap();
    let part = with_token(client().get(&address)).header("Range", "bytes=2-3").send().unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.bytes().unwrap(), whole.slice(2..4));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(whole)).unwrap();
    let mut text = String::new();
    archive.by_index(0).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn jiff_text(at: i64) -> String {
    parapet_model::time::format_rfc3339(at)
}

/// The name of the file chooses the format, and every format holds the same number of findings.
#[test]
fn a_file_is_written_in_the_format_its_name_says() {
    let fixture = Fixture::new();
    fixture.fill();
    let mut counts = Vec::new();
    for (name, begins) in
        [("f.csv", "kind,"), ("f.jsonl", "{\"kind\""), ("f.xlsx", "PK\u{3}\u{4}"), ("f.parquet", "PAR1")]
    {
        let file = fixture.path(name);
        let report =
            fixture.run(&["export", "findings", "--output", file.to_str().unwrap(), "--report", "json"]);
        let report: Value = serde_json::from_str(&report).unwrap();
        counts.push(report["rows"].as_u64().unwrap());
        assert!(std::fs::read(&file).unwrap().starts_with(begins.as_bytes()), "{name}");
    }
    assert!(counts[0] > 0 && counts.iter().all(|count| *count == counts[0]), "{counts:?}");
}
