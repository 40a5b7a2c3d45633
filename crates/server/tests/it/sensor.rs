//! `parapet sensor`: a host reports to a server over HTTP.

use serde_json::{Value, json};

use crate::support::{Fixture, Server, client, parapet, peer};

/// One look of a sensor that signs in as `user`.
fn look(fixture: &Fixture, server: &Server, user: &str, secret: &str) -> std::process::Output {
    look_as(fixture, server, "general", user, secret)
}

fn look_as(fixture: &Fixture, server: &Server, kind: &str, user: &str, secret: &str) -> std::process::Output {
    std::fs::write(fixture.path("sensor.secret"), secret).unwrap();
    parapet()
        .args([
            "sensor",
            "--type",
            kind,
            "--once",
            "--format",
            "json",
            "--server",
            &server.url,
            "--user",
            user,
        ])
        .arg("--password-file")
        .arg(fixture.path("sensor.secret"))
        .arg("--root")
        .arg(fixture.path("root"))
        .output()
        .unwrap()
}

#[test]
fn a_host_is_reported_with_an_account_or_a_key_and_nobody_else_speaks_for_it() {
    let fixture = Fixture::new();
    let server = Server::start(&fixture);
    std::fs::write(fixture.path("node.secret"), "the secret of a node").unwrap();
    let secret = fixture.path("node.secret");
    for user in ["node-1", "node-2"] {
        let add = ["user", "add", user, "--role", "sensor", "--password-file", secret.to_str().unwrap()];
        fixture.run(&add);
    }
    let first = look(&fixture, &server, "node-1", "the secret of a node");
    let round: Value = serde_json::from_slice(&first.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&first.stderr)));
    assert_eq!((first.status.code(), &round["host"]), (Some(0), &Value::from("new")), "{round}");
    let hosts = server.get("/api/v1/assets?where=kind%20%3D%20host");
    assert_eq!(hosts["assets"].as_array().unwrap().len(), 1, "{hosts}");

    let key: Value =
        serde_json::from_str(&fixture.run(&["key", "add", "node-1", "--format", "json"])).unwrap();
    let text = |name: &str| key[name].as_str().unwrap().to_owned();
    let again = look(&fixture, &server, &text("access_key"), &text("secret_key"));
    let round: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(round["host"], "unchanged", "{round}");

    for (user, secret, words) in [
        ("node-2", "the secret of a node", "another account"),
        ("node-1", "another secret", "were not accepted"),
    ] {
        let refused = look(&fixture, &server, user, secret);
        let errors = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(1) && errors.contains(words), "{user}: {errors}");
    }
}

/// The registry with tokens is scanned by the sensor whose profile names it, over HTTP.
#[test]
fn a_sensor_process_scans_the_registry_of_its_profile() {
    let Some(_) = peer("PARAPET_REGISTRIES", "real registries") else { return };
    let first: u16 = peer("PARAPET_REGISTRY_PORT", "the first registry's port").unwrap().parse().unwrap();
    let fixture = Fixture::new();
    fixture.advise("DSA-1-2", "CVE-2026-0003", "dpkg", None);
    let server = Server::start(&fixture);
    fixture.import();
    let secret = fixture.path("node.secret");
    std::fs::write(&secret, "the secret of a node").unwrap();
    fixture.run(&[
        "user",
        "add",
        "scanner-1",
        "--role",
        "sensor",
        "--password-file",
        secret.to_str().unwrap(),
    ]);
    let ask = |method: &str, path: &str, body: &Value| {
        let request = client()
            .request(method.parse().unwrap(), format!("{}/csapi/v1.3{path}", server.url))
            .basic_auth("admin", Some(&server.password))
            .header("content-type", "application/json")
            .body(if body.is_null() { String::new() } else { body.to_string() });
        let response = request.send().unwrap();
        let status = response.status();
        let text = response.text().unwrap();
        assert_eq!(status, 200, "{method} {path}: {text}");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let round = |output: std::process::Output| {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{errors}"))
    };
    let first_look = round(look_as(&fixture, &server, "registry", "scanner-1", "the secret of a node"));
    assert_eq!((&first_look["host"], &first_look["registries"]), (&json!(""), &json!(0)), "{first_look}");
    let sensors = ask("GET", "/sensors", &Value::Null);
    assert_eq!(sensors["data"][0]["sensorType"], "REGISTRY", "{sensors}");

    let registry = json!({
        "registryType": "V2_PRIVATE", "registryUri": format!("http://127.0.0.1:{}", first + 2),
        "credentialType": "BasicAuth", "credential": {"username": "scanner", "password": "scan-pass"},
    });
    let registry = ask("POST", "/registry", &registry)["registryUuid"].clone();
    let profile = json!({
        "profileName": "registries", "profileType": "Registry", "associatedRegistryIds": [registry],
        "associatedSensorIds": [sensors["data"][0]["uuid"]],
        "config": {"weeklyBlackoutWindowSchedules": [],
            "vulnerabilityManagement": {"containerScanningInterval": 24, "imageExclusionRegexList": [":schema2$"]}},
    });
    ask("POST", "/sensorProfile", &profile);
    let schedules = format!("/registry/{}/schedule", registry.as_str().unwrap());
    let wanted = json!({"onDemand": true, "forceScan": false,
        "filters": [{"repoTags": [{"repo": "team/*", "tag": null}], "days": null}]});
    ask("POST", &schedules, &wanted);
    let second_look = round(look_as(&fixture, &server, "registry", "scanner-1", "the secret of a node"));
    assert_eq!(
        (&second_look["registries"], &second_look["registry_images"]),
        (&json!(1), &json!(2)),
        "{second_look}"
    );
    let row = ask("GET", &schedules, &Value::Null)["data"][0].clone();
    assert_eq!((&row["status"], &row["errors"]), (&json!("Finished"), &Value::Null), "{row}");
    let findings = server.get("/api/v1/findings?where=vulnerability%20%3D%20CVE-2026-0003");
    assert_eq!(findings["findings"].as_array().unwrap().len(), 2, "{findings}");
}
