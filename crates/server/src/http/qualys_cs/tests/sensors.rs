//! Sensors as their server meets them: the native API they speak, and `/sensors` (contract 4.2).

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine as _;
use parapet_model::Filter;
use parapet_model::sensor::SILENT_AFTER;
use parapet_posture::{AssetOrder, Query, Window};
use serde_json::{Value, json};

use crate::http::testing::{Answer, PASSWORD, START, TestServer};

/// A call of the native API as the user of that name.
pub(super) async fn native(server: &TestServer, name: &str, path: &str, body: &Value) -> Answer {
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{PASSWORD}"));
    let request = Request::post(format!("/api/v1/sensors/{path}"))
        .header("Authorization", format!("Basic {basic}"))
        .header("Content-Type", "application/json");
    server.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn registered(server: &TestServer) -> String {
    let new = json!({"identity": "0123", "hostname": "node-1", "addresses": ["10.0.0.1"]});
    let answer = native(server, "sensor", "register", &new).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["sensor"].as_str().unwrap().to_owned()
}

fn container(id: &str, state: &str) -> Value {
    json!({"id": id, "name": id, "state": state, "image_digests": [format!("sha256:{}", "a".repeat(64))]})
}

#[tokio::test]
async fn a_silent_sensor_becomes_unknown_and_only_then_can_be_deleted() {
    let server = TestServer::new().await;
    assert_eq!(server.cs("reader", Method::GET, "/sensors", None).await.status, 204);
    let id = registered(&server).await;
    assert_eq!(registered(&server).await, id, "registering again is the same sensor");
    let one = format!("/sensors/{id}");
    let shown = server.cs("reader", Method::GET, &one, None).await.body;
    assert_eq!((&shown["status"], &shown["hostname"]), (&json!("RUNNING"), &json!("node-1")));
    assert_eq!((&shown["ipv4"], &shown["sensorType"]), (&json!("10.0.0.1"), &json!("GENERAL")));
    assert_eq!(shown["lastCheckedIn"], START.to_string());
    assert_eq!(shown.as_object().unwrap().len(), 30, "every field of the contract, null or not");

    let refused = server.cs("manager", Method::DELETE, &format!("/sensors?sensorIds={id}"), None).await;
    assert_eq!((refused.status, &refused.body["errorCode"]), (412, &json!("412 PRECONDITION FAILED")));
    let all = json!({"filter": "hostname:node"});
    assert_eq!(server.cs("manager", Method::DELETE, "/sensors", Some(&all)).await.status, 200);
    assert_eq!(server.cs("reader", Method::GET, &one, None).await.status, 200, "a filter spares it");

    server.clock.advance(SILENT_AFTER + 1);
    let list = server.cs("reader", Method::GET, "/sensors?filter=status:UNKNOWN", None).await.body;
    assert_eq!(list["count"], 1);
    native(&server, "sensor", "check-in", &json!({"sensor": id})).await;
    assert_eq!(server.cs("reader", Method::GET, &one, None).await.body["status"], "RUNNING");

    server.clock.advance(SILENT_AFTER + 1);
    let deleted = server.cs("manager", Method::DELETE, "/sensors", Some(&all)).await;
    assert!(deleted.body["deletionJobId"].is_string(), "{}", deleted.body);
    assert_eq!(server.cs("reader", Method::GET, &one, None).await.status, 404);
    for wrong in [json!({}), json!({"filter": "colour:red"}), json!({"sensorIds": 7})] {
        assert_eq!(server.cs("manager", Method::DELETE, "/sensors", Some(&wrong)).await.status, 400);
    }
    let unknown = server.cs("manager", Method::DELETE, &format!("/sensors?sensorIds={id}"), None).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn containers_follow_what_the_newest_list_of_the_engine_says() {
    let server = TestServer::new().await;
    let id = registered(&server).await;
    let report = async |observed: i64, containers: Value| {
        let report = json!({"sensor": id, "observed": observed, "engine": {"containers": containers}});
        native(&server, "sensor", "report", &report).await.body
    };
    let states = || {
        let (snapshot, scope) = (server.app.live().snapshot(), server.local.scope());
        let filter = Filter::parse("kind = container and host = node-1").unwrap();
        let query = Query::new(&scope, &filter, server.app.now());
        let listed = snapshot.assets(&query, AssetOrder::Number, Window::ALL);
        let mut lines: Vec<String> = listed
            .rows
            .iter()
            .map(|row| format!("{} {}", row.asset.name, row.asset.container_state().as_str()))
            .collect();
        lines.sort_unstable();
        lines
    };
    let first = report(START - 20, json!([container("c1", "running"), container("c2", "exited")])).await;
    assert_eq!((&first["containers"], &first["deleted"]), (&json!(2), &json!(0)));
    assert_eq!(states(), ["c1 RUNNING", "c2 STOPPED"]);
    // An older list that comes late changes nothing.
    let late = report(START - 30, json!([])).await;
    assert_eq!((&late["deleted"], late["refused"].as_array().unwrap().len()), (&json!(0), 1));
    assert_eq!(states(), ["c1 RUNNING", "c2 STOPPED"]);
    let next = report(START - 10, json!([container("c1", "paused"), container("c3", "strange")])).await;
    assert_eq!((&next["containers"], &next["deleted"]), (&json!(2), &json!(1)));
    assert_eq!(states(), ["c1 PAUSED", "c3 UNKNOWN"]);
    // A clock that is ahead counts as now, so that later looks are not older.
    report(START + 1_000_000, json!([container("c1", "running")])).await;
    report(START, json!([container("c1", "created")])).await;
    assert_eq!(states(), ["c1 CREATED"]);
}

#[tokio::test]
async fn a_sensor_speaks_for_its_own_host_only() {
    let server = TestServer::new().await;
    let id = registered(&server).await;
    let report =
        json!({"sensor": id, "observed": START, "engine": {"containers": [container("c1", "running")]}});
    assert_eq!(native(&server, "sensor", "report", &report).await.status, 200);
    // Another account, though it may report: the sensor does not exist for it, the host is taken.
    assert_eq!(native(&server, "manager", "report", &report).await.status, 404);
    assert_eq!(native(&server, "manager", "check-in", &json!({"sensor": id})).await.status, 404);
    let same = json!({"identity": "0123"});
    assert_eq!(native(&server, "manager", "register", &same).await.status, 409);
    // A container of another engine is not taken from there.
    let other = native(&server, "manager", "register", &json!({"identity": "0456"})).await.body;
    let mut report = report;
    report["sensor"] = other["sensor"].clone();
    let answer = native(&server, "manager", "report", &report).await.body;
    assert_eq!((&answer["containers"], answer["refused"].as_array().unwrap().len()), (&json!(0), 1));
    // Whoever may not report may not.
    assert_eq!(native(&server, "reader", "register", &same).await.status, 403);
}

#[tokio::test]
async fn reports_out_of_bounds_are_refused_whole() {
    let server = TestServer::new().await;
    let id = registered(&server).await;
    let many = vec![container("c", "running"); 20_001];
    let long = "x".repeat(600);
    let package = |name: &str| {
        let key = json!({"ecosystem": "Debian:12", "name": name, "version": "1", "arch": "", "source_name": "",
            "source_version": "", "module": ""});
        let found = json!({"package": key, "paths": [], "database": "dpkg"});
        let layers = json!([{"layer": "", "set": {"packages": [found]}}]);
        let inventory = json!({"distro": null, "layers": layers, "databases": [], "reader_version": 99});
        json!({"host": {"name": "node-1", "facts": {}, "inventory": inventory}})
    };
    for (part, status) in [
        (json!({"observed": 0}), 400),
        (json!({"observed": "x"}), 422),
        (json!({"colour": "red"}), 422),
        (json!({"engine": {"containers": many}}), 400),
        (json!({"engine": {"containers": [container(&long, "running")]}}), 400),
        (json!({"engine": {"containers": [container("", "running")]}}), 400),
        (json!({"engine": {"containers": [container("a\u{0}b", "running")]}}), 400),
        (json!({"engine": {"images": [{"id": "a", "digests": ["sha256:zz"]}]}}), 422),
        (package(""), 400),
        (package("glass"), 200),
    ] {
        let mut report = json!({"sensor": id, "observed": START});
        report.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        let answer = native(&server, "sensor", "report", &report).await;
        let text = part.to_string();
        assert_eq!(answer.status, status, "{} {}", text.get(..200).unwrap_or(&text), answer.body);
    }
    for wrong in [json!({}), json!({"identity": ""}), json!({"identity": "a\nb"}), json!({"identity": long})]
    {
        let status = native(&server, "sensor", "register", &wrong).await.status;
        assert!(status == 400 || status == 422, "{wrong}");
    }
}
