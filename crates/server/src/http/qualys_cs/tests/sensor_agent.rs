//! The sensor itself, with an engine of ours behind a socket, and with Podman where there is one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::get;
use parapet_model::Digest;
use parapet_model::Filter;
use parapet_posture::Query;
use parapet_service::sensors::{Agent, AgentOptions, BuiltIn};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::http::testing::{START, TestServer};

/// A host with one package, a server, and a sensor between them.
struct Site {
    server: TestServer,
    dir: TempDir,
    agent: Agent<BuiltIn>,
    engine: Option<JoinHandle<()>>,
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(engine) = &self.engine {
            engine.abort();
        }
    }
}

impl Site {
    async fn new(server: TestServer, socket: Option<PathBuf>, engine: Option<JoinHandle<()>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        write(&root.join("etc/machine-id"), &format!("{}\n", "b".repeat(32)));
        write(&root.join("etc/hostname"), "node-1\n");
        write(&root.join("etc/os-release"), "ID=debian\nVERSION_ID=12\n");
        write(
            &root.join("var/lib/dpkg/status"),
            "Package: wood\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0-1\n\n",
        );
        let upstream = BuiltIn { app: server.app.clone(), who: server.local.clone() };
        let options = AgentOptions { root, socket, name: String::new(), checklist: None };
        let agent = Agent::new(upstream, options, Arc::new(server.clock.clone())).unwrap();
        Self { server, dir, agent, engine }
    }

    /// `asset vulnerability`, with a mark where an exception hides it.
    fn findings(&self) -> Vec<String> {
        let (scope, filter) = (self.server.local.scope(), Filter::All);
        let snapshot = self.server.app.live().snapshot();
        let mut lines = Vec::new();
        let _ = snapshot.findings(&Query::new(&scope, &filter, self.server.app.now()), |finding| {
            let mark = if finding.exception.is_some() { " excepted" } else { "" };
            lines.push(format!("{} {}{mark}", finding.asset.name, finding.vulnerability.id));
            std::ops::ControlFlow::<()>::Continue(())
        });
        lines.sort_unstable();
        lines
    }

    /// Accepts a vulnerability in an image.
    async fn except(&self, image: uuid::Uuid, cve: &str) {
        let list = json!({"name": cve, "cveids": [cve]});
        let list = self.server.cs("manager", Method::POST, "/list", Some(&list)).await.body;
        let exception = json!({
            "name": cve, "reason": "RISK_ACCEPTED", "explanation": "in a test", "scope": "IMAGE",
            "listId": list["listId"], "exceptionType": "VULNERABILITY",
            "entityAssignmentRequest": {"idsToAdd": [image], "additionFilter": null},
            "startDate": "1687777225000", "endDate": "4102358400000",
        });
        let made = self.server.cs("manager", Method::POST, "/exception", Some(&exception)).await;
        assert_eq!(made.status, 200, "{}", made.body);
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Serves an engine's answers on a socket.
fn engine(
    dir: &Path,
    images: Value,
    containers: Value,
    archive: Option<PathBuf>,
) -> (PathBuf, JoinHandle<()>) {
    let socket = dir.join("engine.sock");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let list = |document: Value| get(async move || axum::Json(document));
    let save = get(async move || match archive {
        Some(path) => Ok(std::fs::read(path).unwrap()),
        None => Err((StatusCode::INTERNAL_SERVER_ERROR, "{\"message\": \"the disk is full\"}")),
    });
    let routes = Router::new()
        .route("/version", get(async || axum::Json(json!({"Version": "1.0"}))))
        .route("/images/json", list(images))
        .route("/containers/json", list(containers))
        .route("/images/{image}/get", save);
    let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (socket, serving)
}

const FEED: [(&str, &str, &str, &str); 2] =
    [("DSA-1-1", "CVE-2026-0001", "glass", "1.0-2"), ("DSA-2-1", "CVE-2026-0002", "wood", "")];

/// An engine that has one image, named by whatever `digests` makes of its config, manifest and index.
async fn named_by(digest: impl Fn(Digest, Digest, Digest) -> Digest) {
    let server = TestServer::new().await;
    server.feed(&FEED).await;
    let (image, config) = server.image("shop/web:1", &[("glass", "1.0-1")]).await;
    let (manifest, index) = (Digest::of(b"its manifest"), Digest::of(b"its index"));
    // A registry told the server the image's manifest and index.
    let mut tx = server.app.store().begin().await.unwrap();
    let known = tx.asset_by_uuid(server.local.project, &image).await.unwrap().unwrap();
    tx.learn_image_digests(server.local.project, known.no, &[manifest, index]).await.unwrap();
    tx.commit().await.unwrap();
    let id = digest(config, manifest, index);
    let dir = tempfile::tempdir().unwrap();
    let (socket, serving) = engine(
        dir.path(),
        json!([{"Id": id, "RepoTags": ["registry.example/shop/web:1"]}]),
        json!([{"Id": "c".repeat(64), "Names": ["/web-1"], "ImageID": id, "State": "created"}]),
        None,
    );
    let mut site = Site::new(server, Some(socket), Some(serving)).await;
    let round = site.agent.round().await.unwrap();
    assert_eq!((round.containers, round.images, round.problems.len()), (1, 0, 0), "{round:?}");
    let findings = site.findings();
    assert!(findings.contains(&"web-1 CVE-2026-0001".to_owned()), "{findings:?}");
    site.except(image, "CVE-2026-0001").await;
    let findings = site.findings();
    assert!(findings.contains(&"web-1 CVE-2026-0001 excepted".to_owned()), "{findings:?}");
    assert!(findings.contains(&"node-1 CVE-2026-0002".to_owned()), "{findings:?}");
}

#[tokio::test]
async fn an_exception_of_an_image_holds_for_a_container_whose_engine_names_the_config() {
    named_by(|config, _, _| config).await;
}

#[tokio::test]
async fn an_exception_of_an_image_holds_for_a_container_whose_engine_names_the_manifest() {
    named_by(|_, manifest, _| manifest).await;
}

#[tokio::test]
async fn an_exception_of_an_image_holds_for_a_container_whose_engine_names_the_index() {
    named_by(|_, _, index| index).await;
}

#[tokio::test]
async fn an_image_that_the_server_does_not_know_is_read_through_the_engine() {
    let server = TestServer::new().await;
    server.feed(&FEED).await;
    let (archive, _) = server.archive("shop/web:1", &[("glass", "1.0-1")]);
    let dir = tempfile::tempdir().unwrap();
    // The engine names neither config nor manifest: only its own index.
    let index = Digest::of(b"an index");
    let (socket, serving) = engine(
        dir.path(),
        json!([{"Id": index, "RepoTags": ["shop/web:1"]}, {"Id": 7}, null, {"RepoTags": ["x:1"]}]),
        json!([{"Id": "c".repeat(64), "Names": ["/web-1"], "ImageID": index, "State": "running"}, {}, "odd"]),
        Some(archive),
    );
    let mut site = Site::new(server, Some(socket), Some(serving)).await;
    let round = site.agent.round().await.unwrap();
    assert_eq!((round.host.as_str(), round.containers, round.images), ("new", 1, 1), "{round:?}");
    let all = ["node-1 CVE-2026-0002", "shop/web:1 CVE-2026-0001", "web-1 CVE-2026-0001"];
    assert_eq!(site.findings(), all);
    let again = site.agent.round().await.unwrap();
    assert_eq!((again.host.as_str(), again.containers, again.images), ("", 1, 0), "nothing is due");
    assert_eq!(site.findings(), all);
}

#[tokio::test]
async fn an_engine_that_fails_is_named_and_the_rest_is_reported() {
    let server = TestServer::new().await;
    server.feed(&FEED).await;
    let dir = tempfile::tempdir().unwrap();
    let image = json!([{"Id": Digest::of(b"x"), "RepoTags": ["x:1"]}]);
    let (socket, serving) = engine(dir.path(), image, json!([]), None);
    let mut site = Site::new(server, Some(socket), Some(serving)).await;
    let round = site.agent.round().await.unwrap();
    assert_eq!((round.host.as_str(), round.images), ("new", 0));
    assert!(round.problems[0].contains("the disk is full"), "{round:?}");
    let again = site.agent.round().await.unwrap();
    assert!(again.problems.is_empty(), "not tried again before the host is due: {again:?}");

    let server = TestServer::new().await;
    let (socket, serving) = engine(site.dir.path(), json!({"message": "odd"}), json!([]), None);
    let mut site = Site::new(server, Some(socket), Some(serving)).await;
    let round = site.agent.round().await.unwrap();
    assert!(round.host == "new" && round.problems[0].contains("no list"), "{round:?}");

    let nowhere = site.dir.path().join("no.sock");
    let mut site = Site::new(TestServer::new().await, Some(nowhere), None).await;
    let round = site.agent.round().await.unwrap();
    assert!(round.host == "new" && round.problems[0].contains("no.sock"), "{round:?}");
}

#[tokio::test]
async fn a_sensor_takes_its_settings_from_its_profile() {
    let server = TestServer::new().await;
    let dir = tempfile::tempdir().unwrap();
    let images = json!([{"Id": Digest::of(b"p"), "RepoTags": ["k8s.example/pause:3"]}]);
    let containers = json!([{"Id": "c1", "ImageID": Digest::of(b"p"), "State": "running"}]);
    let (socket, serving) = engine(dir.path(), images, containers, None);
    let mut site = Site::new(server, Some(socket), Some(serving)).await;
    assert_eq!(site.agent.round().await.unwrap().containers, 1);
    let sensor =
        site.server.cs("reader", Method::GET, "/sensors", None).await.body["data"][0]["uuid"].clone();
    // The tests begin on a Monday at midnight.
    let profile = json!({
        "profileName": "days", "profileType": "General", "associatedRegistryIds": [],
        "associatedSensorIds": [sensor],
        "config": {
            "weeklyBlackoutWindowSchedules": [
                {"startTime": "00:00", "endTime": "06:00", "repeatOnDays": ["MONDAY"]}
            ],
            "vulnerabilityManagement": {"containerScanningInterval": 12, "imageExclusionRegexList": ["/pause:"]},
        },
    });
    let made = site.server.cs("manager", Method::POST, "/sensorProfile", Some(&profile)).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert!(site.agent.round().await.unwrap().blackout);
    let hour = 3_600_000;
    site.server.clock.set(START + 6 * hour);
    let round = site.agent.round().await.unwrap();
    assert_eq!((round.blackout, round.host.as_str(), round.containers), (false, "", 0), "{round:?}");
    assert_eq!(round.deleted, 1, "what the profile leaves out is no longer seen");
    site.server.clock.set(START + 12 * hour);
    assert_eq!(site.agent.round().await.unwrap().host, "unchanged", "the host is due after 12 hours");
}

/// `PARAPET_PODMAN` names the socket of a Podman service.
#[tokio::test]
async fn a_container_that_podman_really_has_joins_its_image() {
    let Some(socket) = std::env::var_os("PARAPET_PODMAN").filter(|socket| !socket.is_empty()) else {
        assert!(std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "PARAPET_PODMAN must be set here");
        eprintln!("left out: a real Podman service, set PARAPET_PODMAN");
        return;
    };
    let socket = PathBuf::from(socket);
    let server = TestServer::new().await;
    server.feed(&FEED).await;
    let (archive, config) = server.archive("shop/peer:1", &[("glass", "1.0-1")]);
    let podman = Podman::new(&socket);
    podman.post("/images/load", std::fs::read(archive).unwrap(), "application/x-tar").await;
    let container = json!({"Image": config.hex(), "Cmd": ["/bin/true"]}).to_string();
    let name = format!("parapet-peer-{}", std::process::id());
    let path = format!("/containers/create?name={name}");
    let made = podman.post(&path, container.into_bytes(), "application/json").await;
    let id = made["Id"].as_str().unwrap().to_owned();

    let mut site = Site::new(server, Some(socket), None).await;
    let round = site.agent.round().await.unwrap();
    let image = parapet_model::AssetKind::Image.uuid(site.server.local.project, &config.to_string());
    let before = site.findings();
    site.except(image, "CVE-2026-0001").await;
    let after = site.findings();
    podman.delete(&format!("/containers/{id}")).await;
    let gone = site.agent.round().await.unwrap();

    assert!(round.images >= 1 && round.containers >= 1, "{round:?}");
    assert!(before.contains(&format!("{name} CVE-2026-0001")), "{before:?}");
    assert!(after.contains(&format!("{name} CVE-2026-0001 excepted")), "{after:?}");
    assert_eq!(gone.deleted, 1, "{gone:?}");
    assert!(!site.findings().iter().any(|line| line.starts_with(&name)));
}

/// Makes and deletes things in a Podman service.
struct Podman(reqwest::Client);

impl Podman {
    fn new(socket: &Path) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self(reqwest::Client::builder().unix_socket(socket).no_proxy().build().unwrap())
    }

    async fn post(&self, path: &str, body: Vec<u8>, kind: &str) -> Value {
        let request = self.0.post(format!("http://podman{path}")).header("Content-Type", kind).body(body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default()
    }

    async fn delete(&self, path: &str) {
        self.0.delete(format!("http://podman{path}")).send().await.unwrap();
    }
}
