//! Amazon's registry from end to end: STS and ECR of an emulator give role, password and list, and a
//! real registry behind a gate that wants that password gives the images, for the emulator has none.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{Fixture, Server, client, parapet, peer};

const ACCOUNT: &str = "123456789012";
const ROLE: &str = "arn:aws:iam::123456789012:role/parapet-reader";
const REGION: &str = "us-east-1";

/// Passes on to the registry at `target` what comes with the emulator's password.
fn gate(target: String) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let router =
                Router::new().fallback(move |request: Request| pass(http.clone(), target.clone(), request));
            axum::serve(listener, router).await.unwrap();
        });
    });
    told.recv().unwrap()
}

async fn pass(http: reqwest::Client, target: String, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let wanted = format!("Basic {}", STANDARD.encode(format!("AWS:{ACCOUNT}-auth-token")));
    if head.headers.get("authorization").and_then(|sent| sent.to_str().ok()) != Some(&wanted) {
        return (StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic realm=\"ecr\"")], "").into_response();
    }
    if head.uri.path() == "/v2/_catalog" {
        return StatusCode::NOT_FOUND.into_response();
    }
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let mut sent = http.request(head.method, format!("{target}{}", head.uri)).body(body);
    // The registry knows an image only by all the kinds that the client takes.
    for accept in head.headers.get_all("accept") {
        sent = sent.header("accept", accept);
    }
    let answer = sent.send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for name in ["content-type", "docker-content-digest", "content-length"] {
        if let Some(value) = answer.headers().get(name) {
            response = response.header(name, value);
        }
    }
    response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
}

/// Makes repositories at the emulator that the registry has, and one more that it does not.
fn repositories(endpoint: &str) {
    for name in ["team/debian", "team/python", "aside/app"] {
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential=x/20260101/{REGION}/ecr/aws4_request, SignedHeaders=host, Signature=0"
        );
        let made = client()
            .post(endpoint)
            .header("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.CreateRepository")
            .header("content-type", "application/x-amz-json-1.1")
            .header("authorization", signed)
            .body(json!({"repositoryName": name}).to_string());
        // It may be there from a run before.
        made.send().unwrap();
    }
}

#[test]
fn a_schedule_scans_amazons_registry_by_a_connector() {
    let Some(endpoint) = peer("PARAPET_S3", "STS and ECR of an emulator") else { return };
    let Some(_) = peer("PARAPET_REGISTRIES", "real registries") else { return };
    let first: u16 = peer("PARAPET_REGISTRY_PORT", "the first registry's port").unwrap().parse().unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let gate = gate(format!("http://127.0.0.1:{first}"));
    repositories(&endpoint);
    let fixture = Fixture::new();
    fixture.advise("DSA-1-2", "CVE-2026-0003", "dpkg", None);
    let mut command = parapet();
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret");
    command
        .env("AWS_ENDPOINT_URL", &endpoint)
        .env("PARAPET_AWS_ACCOUNT", ACCOUNT)
        .env_remove("AWS_SESSION_TOKEN");
    let server = Server::start_with(&fixture, command, &["--cloud-registry-host", &gate.to_string()]);
    fixture.import();
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
    let base = ask("GET", "/registry/aws-base", &Value::Null);
    assert_eq!(base["accountId"], ACCOUNT);
    ask(
        "POST",
        "/registry/aws/connector",
        &json!({"arn": ROLE, "name": "reader", "externalId": base["externalId"], "accountType": "Global"}),
    );
    let registry = json!({
        "registryType": "AWS", "registryUri": format!("http://{gate}"), "credentialType": "AWS",
        "aws": {"arn": ROLE, "accountId": ACCOUNT, "region": REGION, "accountType": "Global"},
    });
    assert_eq!(ask("POST", "/registry/validate", &registry), true);
    let made = ask("POST", "/registry", &registry);
    let path = format!("/registry/{}", made["registryUuid"].as_str().unwrap());
    let wanted = json!({
        "onDemand": true, "forceScan": false, "registryType": "AWS",
        "filters": [{"repoTags": [{"repo": "team/*", "tag": ".*"}], "days": null}],
    });
    let schedule = ask("POST", &format!("{path}/schedule"), &wanted)["scheduleId"].clone();
    let executions = format!("{path}/schedule/{}/executions", schedule.as_str().unwrap());
    // The job is asked for over the native API, which has no limit of calls.
    let job = ask("GET", &executions, &Value::Null)["data"][0]["executionUuid"].clone();
    let job = format!("/api/v1/jobs/{}", job.as_str().unwrap());
    server.wait_for(&job, |job| matches!(job["state"].as_str(), Some("succeeded" | "failed")));
    let done = ask("GET", &executions, &Value::Null)["data"][0].clone();
    assert_eq!((&done["status"], &done["errors"]), (&json!("Finished"), &Value::Null), "{done}");
    assert_eq!((&done["repoCount"], &done["totalScannedImages"]), (&json!(2), &json!(3)), "{done}");
    let findings = server.get("/api/v1/findings?where=vulnerability%20%3D%20CVE-2026-0003");
    assert_eq!(findings["findings"].as_array().unwrap().len(), 2, "{findings}");
    let row = ask("GET", &path, &Value::Null);
    assert_eq!((&row["aws"]["arn"], &row["providerType"]), (&json!(ROLE), &json!("AWS")));
}
