//! `serve --artifacts s3://…`: exports in a bucket.

use parapet_model::{Ids as _, RandomIds};
use serde_json::{Value, json};

use crate::support::{Fixture, Server, client, parapet, peer};

/// A server that keeps its exports in `bucket` of the service at `endpoint`, below `team`.
fn start(fixture: &Fixture, endpoint: &str, bucket: &str) -> Server {
    let mut command = parapet();
    command
        .env("PARAPET_ARTIFACTS", format!("s3://{bucket}/team"))
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "tester")
        .env("AWS_SECRET_ACCESS_KEY", "tester's secret")
        .env_remove("AWS_SESSION_TOKEN")
        .env_remove("AWS_ENDPOINT_URL_S3");
    Server::start_as(fixture, command)
}

/// The keys of all objects in a bucket.
fn keys(endpoint: &str, bucket: &str) -> Vec<String> {
    let list = client().get(format!("{endpoint}/{bucket}?list-type=2")).send().unwrap().text().unwrap();
    list.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap().to_owned()).collect()
}

fn ask(server: &Server) -> String {
    let asked = server.post("/api/v1/exports", &json!({"format": "csv"}));
    format!("/api/v1/exports/{}", asked["id"].as_str().unwrap())
}

#[test]
fn exports_lie_in_a_bucket_and_are_downloaded_through_the_server() {
    let Some(endpoint) = peer("PARAPET_S3", "exports in a bucket") else { return };
    let bucket = format!("exports-{}", RandomIds.uuid().simple());
    assert!(client().put(format!("{endpoint}/{bucket}")).send().unwrap().status().is_success());
    let fixture = Fixture::new();
    fixture.fill();
    let server = start(&fixture, &endpoint, &bucket);
    let export = ask(&server);
    let done =
        server.wait_for(&export, |answer| answer["state"] == "succeeded" || answer["error"].is_string());
    assert_eq!(done["state"], "succeeded", "{done}");

    let stored = keys(&endpoint, &bucket);
    assert_eq!(stored.len(), 2, "the file and its provenance: {stored:?}");
    assert!(stored.iter().all(|key| key.starts_with("team/")), "{stored:?}");
    assert_eq!(std::fs::read_dir(fixture.data().join("artifacts")).unwrap().count(), 0);

    let url = format!("{}{export}/file", server.url);
    let get = |range: &str| {
        let request = client().get(&url).basic_auth("admin", Some(&server.password));
        let request = if range.is_empty() { request } else { request.header("range", range) };
        let response = request.send().unwrap();
        (response.status().as_u16(), response.bytes().unwrap())
    };
    let (status, whole) = get("");
    assert_eq!((status, whole.len() as u64), (200, done["file"]["size"].as_u64().unwrap()));
    let text = String::from_utf8(whole.to_vec()).unwrap();
    assert!(text.contains("CVE-2026-0001") && text.lines().count() == 3, "{text}");
    let (status, part) = get("bytes=10-29");
    assert_eq!((status, &part[..]), (206, &whole[10..30]));
    assert_eq!(get("bytes=1000000-").0, 416);

    // What a killed server left in the bucket is gone after the next start; foreign objects stay.
    drop(server);
    for name in [format!("{}.csv", RandomIds.uuid().simple()), "notes.txt".to_owned()] {
        let put = client().put(format!("{endpoint}/{bucket}/team/{name}")).body("x").send().unwrap();
        assert!(put.status().is_success());
    }
    assert_eq!(keys(&endpoint, &bucket).len(), 4);
    let server = start(&fixture, &endpoint, &bucket);
    server.wait_for("/api/v1/jobs", |_| keys(&endpoint, &bucket).len() == 3);
    let kept = keys(&endpoint, &bucket);
    assert!(kept.contains(&"team/notes.txt".to_owned()), "{kept:?}");
}

#[test]
fn a_bucket_that_does_not_exist_fails_the_export_with_the_reason() {
    let Some(endpoint) = peer("PARAPET_S3", "exports into a missing bucket") else { return };
    let fixture = Fixture::new();
    let server = start(&fixture, &endpoint, "nobody-made-this-bucket");
    let failed = server.wait_for(&ask(&server), |answer: &Value| answer["error"].is_string());
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains("cannot store s3://nobody-made-this-bucket/team/"), "{error}");
    assert_eq!(failed["state"], "failed", "trying again does not help: {failed}");
}

#[test]
fn a_service_that_is_away_makes_an_export_wait_and_says_why() {
    let fixture = Fixture::new();
    // Nothing listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = start(&fixture, &format!("http://127.0.0.1:{port}"), "exports");
    let failed = server.wait_for(&ask(&server), |answer: &Value| answer["error"].is_string());
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains("cannot store s3://exports/team/"), "{error}");
    assert_eq!(failed["state"], "queued", "it is tried again: {failed}");
    assert_eq!(std::fs::read_dir(fixture.data().join("artifacts")).unwrap().count(), 0);
}

#[test]
fn a_place_that_cannot_be_used_is_said_at_once() {
    let fixture = Fixture::new();
    let output = parapet()
        .args(["serve", "--artifacts", "s3://exports", "--data-dir"])
        .arg(fixture.data())
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("--artifacts s3://exports needs AWS_DEFAULT_REGION"), "{error}");
}
