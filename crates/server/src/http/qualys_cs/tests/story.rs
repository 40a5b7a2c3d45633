//! The whole story with time in the test's hand, over the images of a real registry with tokens: a
//! schedule fires and scans `team/*`, its findings are listed, excepted, gone, and back after the end.
//! `scripts/demo-qualys-cs` tells it over a server process with curl.

use axum::http::Method;
use parapet_model::time::DAY;
use serde_json::{Value, json};

use crate::http::testing::{START, TestServer};

/// `PARAPET_REGISTRY_PORT` names the first of the registries of `scripts/peers`.
#[tokio::test]
async fn findings_of_a_scheduled_scan_are_excepted_and_back_after_the_end() {
    let Ok(port) = std::env::var("PARAPET_REGISTRY_PORT") else {
        assert!(
            std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(),
            "PARAPET_REGISTRY_PORT must be set here"
        );
        eprintln!("left out: a schedule over a real registry, set PARAPET_REGISTRY_PORT");
        return;
    };
    let server = TestServer::new().await;
    server.feed(&[("DEMO-1", "CVE-2026-9001", "dpkg", ""), ("DEMO-2", "CVE-2026-9002", "dpkg", "")]).await;
    let ask = async |method: Method, path: &str, body: Option<Value>| {
        let answer = server.cs("manager", method, path, body.as_ref()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    };
    let uri = format!("http://127.0.0.1:{}", port.parse::<u16>().unwrap() + 2);
    let registry = json!({
        "registryType": "V2_PRIVATE", "registryUri": uri, "credentialType": "BasicAuth",
        "credential": {"username": "scanner", "password": "scan-pass"},
    });
    let registry = ask(Method::POST, "/registry", Some(registry)).await["registryUuid"].clone();
    let schedules = format!("/registry/{}/schedule", registry.as_str().unwrap());
    let automatic = json!({
        "onDemand": false, "schedule": "09:30", "scheduleIntervalInDays": 1, "forceScan": false,
        "filters": [{"repoTags": [{"repo": "team/*", "tag": null}], "days": null}],
    });
    ask(Method::POST, &schedules, Some(automatic)).await;
    assert_eq!(ask(Method::GET, &schedules, None).await["data"][0]["status"], "Created");
    server.clock.advance(DAY);
    server.app.schedules().fire_due().await.unwrap();
    server.app.run_jobs().await.unwrap();
    let row = ask(Method::GET, &schedules, None).await["data"][0].clone();
    assert_eq!((&row["status"], &row["errors"]), (&json!("Finished"), &Value::Null), "{row}");

    let images = ask(Method::GET, "/images?filter=repo.repository:team", None).await;
    assert_eq!(images["count"], 2, "{images}");
    let ids: Vec<Value> = images["data"].as_array().unwrap().iter().map(|row| row["uuid"].clone()).collect();
    let vuln = format!("/images/{}/vuln", images["data"][0]["sha"].as_str().unwrap());
    let shown = async |query: &str| {
        let answer = ask(Method::GET, &format!("{vuln}?type=DETAILS{query}"), None).await;
        answer["details"].as_array().unwrap().clone()
    };
    let found = shown("").await;
    assert_eq!(found.len(), 2, "{found:?}");
    let qids: Vec<Value> = found.iter().map(|row| row["qid"].clone()).collect();
    let list = ask(Method::POST, "/list", Some(json!({"name": "accepted", "qids": qids}))).await;
    let end = START + 10 * DAY;
    let exception = json!({
        "name": "VulException1", "reason": "RISK_ACCEPTED", "explanation": "Testing API", "scope": "IMAGE",
        "listId": list["listId"], "exceptionType": "VULNERABILITY",
        "entityAssignmentRequest": {"idsToAdd": ids, "additionFilter": null},
        "startDate": "1687777225000", "endDate": end.to_string(),
    });
    ask(Method::POST, "/exception", Some(exception)).await;
    assert_eq!(shown("").await.len(), 0, "gone from the default answer");
    let all = shown("&applyException=false").await;
    assert!(all.len() == 2 && all.iter().all(|row| row["isExempted"] == true), "{all:?}");
    let row = ask(Method::GET, "/registry", None).await["data"][0].clone();
    assert_eq!((&row["totalScannedImages"], &row["totalVulnerableImages"]), (&json!(2), &json!(0)));

    let now = server.app.now();
    server.clock.advance(end - now - 1);
    assert_eq!(shown("").await.len(), 0, "to the millisecond");
    server.clock.advance(1);
    let back = shown("").await;
    assert!(back.len() == 2 && back.iter().all(|row| row["isExempted"] == false), "{back:?}");
}
