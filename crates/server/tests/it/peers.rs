//! Against real programs: a Debian image and dpkg's own list, every kind of registry, PostgreSQL.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Fixture, Server, client, parapet, peer};

/// Name, version, architecture, source and its version of each package, as dpkg-query lists them.
fn dpkg_list(rootfs: &str, admin: &std::path::Path) -> Vec<String> {
    std::fs::create_dir_all(admin).unwrap();
    let status = Command::new("tar").args(["-xOf", rootfs, "./var/lib/dpkg/status"]).output().unwrap();
    assert!(status.status.success());
    std::fs::write(admin.join("status"), status.stdout).unwrap();
    let format = "${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n";
    let list =
        Command::new("dpkg-query").arg("--admindir").arg(admin).args(["-W", "-f", format]).output().unwrap();
    let mut lines: Vec<String> = String::from_utf8(list.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// The same of an asset's Debian packages, as the API lists them.
fn our_list(server: &Server, asset: &str) -> Vec<String> {
    let detail = server.get(&format!("/api/v1/assets/{asset}"));
    let text = |package: &Value, field: &str| package[field].as_str().unwrap().to_owned();
    let mut lines: Vec<String> = detail["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| package["ecosystem"].as_str().unwrap().starts_with("Debian"))
        .map(|p| {
            ["name", "version", "arch", "source", "source_version"].map(|field| text(p, field)).join(" ")
        })
        .collect();
    lines.sort_unstable();
    lines
}

#[test]
fn images_of_every_kind_of_registry_hold_what_dpkg_says() {
    let Some(registries) = peer("PARAPET_REGISTRIES", "real registries") else { return };
    let Some(rootfs) = peer("PARAPET_DEBIAN_ROOTFS", "a Debian root file system") else { return };
    let first: u16 = peer("PARAPET_REGISTRY_PORT", "the first registry's port").unwrap().parse().unwrap();
    let fixture = Fixture::new();
    let expected = dpkg_list(&rootfs, &fixture.path("dpkg"));
    assert!(expected.len() > 20, "{expected:?}");
    let server = Server::start(&fixture);
    let authority = std::fs::read_to_string(format!("{registries}/registry/ca.pem")).unwrap();
    let kinds = [
        ("open", 0, "", true),
        ("password", 1, "scanner", true),
        ("token", 2, "scanner", true),
        ("tls", 3, "scanner", false),
    ];
    for (name, offset, username, plain_http) in kinds {
        let registry = server.post(
            "/api/v1/registries",
            &json!({
                "name": name, "endpoint": format!("127.0.0.1:{}", first + offset), "username": username,
                "password": if username.is_empty() { "" } else { "scan-pass" }, "plain_http": plain_http,
                "ca_pem": if plain_http { "" } else { authority.as_str() },
                "repositories": {"include": ["team/*"]},
            }),
        );
        assert!(registry.get("password").is_none(), "a secret never comes back");
        let id = registry["id"].as_str().unwrap();
        let job = server.post(&format!("/api/v1/registries/{id}/scan"), &json!({}));
        let path = format!("/api/v1/jobs/{}", job["job"].as_str().unwrap());
        let done =
            server.wait_for(&path, |job| matches!(job["state"].as_str(), Some("succeeded" | "failed")));
        assert_eq!(done["state"], "succeeded", "{name}: {done}");
        assert_eq!(
            (done["children"]["all"].as_u64(), done["children"]["failed"].as_u64()),
            (Some(3), Some(0)),
            "{name}"
        );
    }
    let images = server.get("/api/v1/assets?where=kind%20%3D%20image");
    assert_eq!(images["total"], 2, "four registries show the same two images: {images}");
    for image in images["assets"].as_array().unwrap() {
        let references = image["references"].as_array().unwrap();
        assert!(references.len() >= 4, "{references:?}");
        assert_eq!(our_list(&server, image["id"].as_str().unwrap()), expected);
    }
}

/// The Qualys family against the registry with tokens: a schedule for `team/*` is made, polled to its
/// end, and what it found is listed.
#[test]
fn a_schedule_of_the_qualys_family_scans_a_registry_with_tokens() {
    let Some(_) = peer("PARAPET_REGISTRIES", "real registries") else { return };
    let first: u16 = peer("PARAPET_REGISTRY_PORT", "the first registry's port").unwrap().parse().unwrap();
    let fixture = Fixture::new();
    // What the images of the peers hold, so that there is something to find.
    fixture.advise("DSA-1-2", "CVE-2026-0003", "dpkg", None);
    let server = Server::start(&fixture);
    fixture.import();
    let http = client();
    let form = format!("username=admin&password={}&token=true", server.password.replace(' ', "+"));
    let signed_in = http
        .post(format!("{}/auth", server.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let jwt = signed_in.send().unwrap().text().unwrap();
    let ask = |method: &str, path: &str, body: &Value| {
        let request = http
            .request(method.parse().unwrap(), format!("{}/csapi/v1.3{path}", server.url))
            .bearer_auth(&jwt)
            .header("content-type", "application/json")
            .body(if body.is_null() { String::new() } else { body.to_string() });
        let response = request.send().unwrap();
        let status = response.status();
        let text = response.text().unwrap();
        assert_eq!(status, 200, "{method} {path}: {text}");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    // Name and password in Base64, as one public script sends them: "scanner" and "scan-pass".
    let registry = json!({
        "registryType": "V2_PRIVATE", "registryUri": format!("http://127.0.0.1:{}", first + 2),
        "credentialType": "BasicAuth", "credential": {"username": "c2Nhbm5lcg==", "password": "c2Nhbi1wYXNz"},
    });
    assert_eq!(ask("POST", "/registry/validate", &registry), true);
    let made = ask("POST", "/registry", &registry);
    let path = format!("/registry/{}", made["registryUuid"].as_str().unwrap());
    let wanted = json!({
        "onDemand": true, "name": "team", "forceScan": false,
        "filters": [{"repoTags": [{"repo": "team/*", "tag": ".*"}], "days": null}],
    });
    let run = || {
        let schedule = ask("POST", &format!("{path}/schedule"), &wanted)["scheduleUuid"].clone();
        let executions = format!("{path}/schedule/{}/executions", schedule.as_str().unwrap());
        // The job is asked for over the native API, which has no limit of calls.
        let job = ask("GET", &executions, &Value::Null)["data"][0]["executionUuid"].clone();
        let job = format!("/api/v1/jobs/{}", job.as_str().unwrap());
        server.wait_for(&job, |job| matches!(job["state"].as_str(), Some("succeeded" | "failed")));
        ask("GET", &executions, &Value::Null)["data"][0].clone()
    };
    let done = run();
    assert_eq!((&done["status"], &done["errors"]), (&json!("Finished"), &Value::Null), "{done}");
    assert_eq!(
        (done["repoCount"].as_u64(), done["totalScannedImages"].as_u64()),
        (Some(2), Some(3)),
        "{done}"
    );
    let again = run();
    assert_eq!(again["totalUnchangedImages"], 3, "{again}");
    let row = ask("GET", "/registry", &Value::Null)["data"][0].clone();
    assert_eq!((&row["totalImages"], &row["totalVulnerableImages"]), (&json!(2), &json!(2)), "{row}");
    assert_eq!(row["scheduleStatusList"], json!({"Finished": 2}));
    let repositories = ask("GET", &format!("{path}/repository"), &Value::Null);
    assert_eq!(repositories["count"], 2, "{repositories}");
    let findings = server.get("/api/v1/findings?where=vulnerability%20%3D%20CVE-2026-0003");
    assert_eq!(findings["findings"].as_array().unwrap().len(), 2, "{findings}");
}

#[test]
fn the_same_on_postgresql() {
    let Some(url) = peer("PARAPET_POSTGRES", "a PostgreSQL server") else { return };
    let fixture = Fixture::new();
    let name = format!("parapet_it_{}", std::process::id());
    let sql = |statement: &str| {
        let done = Command::new("psql").args([&url, "-q", "-c", statement]).status().unwrap();
        assert!(done.success(), "{statement}");
    };
    sql(&format!("CREATE DATABASE {name}"));
    let (server, _) = url.rsplit_once('/').filter(|(head, _)| head.contains("//")).unwrap();
    let server = if server.ends_with('/') { url.as_str() } else { server };
    let database = format!("{}/{name}", server.trim_end_matches('/'));
    let run = |arguments: &[&str]| {
        let output = parapet()
            .args(arguments)
            .args(["--database-url", &database, "--data-dir"])
            .arg(fixture.data())
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let feed = fixture.feed();
    let target = fixture.target();
    run(&["quickstart", "--exit", "--feed", feed.to_str().unwrap(), &target]);
    let file = fixture.path("pg.csv");
    let columns = "asset,vulnerability,package,version,fixed_version,state";
    run(&[
        "export",
        "findings",
        "--where",
        "asset = fixture",
        "--columns",
        columns,
        "--output",
        file.to_str().unwrap(),
    ]);
    let lines = crate::support::read_lines(&file);
    assert_eq!(
        lines,
        [
            "fixture,CVE-2026-0001,glass,1.0-1,1.0-2,fix_available",
            "fixture,CVE-2026-0002,stone,2.0-1,,affected"
        ]
    );
    sql(&format!("DROP DATABASE {name}"));
}
