//! `parapet sensor`: a host reports to a server over HTTP.

use serde_json::Value;

use crate::support::{Fixture, Server, parapet};

/// One look of a sensor that signs in as `user`.
fn look(fixture: &Fixture, server: &Server, user: &str, secret: &str) -> std::process::Output {
    std::fs::write(fixture.path("sensor.secret"), secret).unwrap();
    parapet()
        .args(["sensor", "--once", "--format", "json", "--server", &server.url, "--user", user])
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
