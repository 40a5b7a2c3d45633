//! Schedules over registries of clouds and hubs that have ways of their own: stubs of ours stand for
//! the clouds, in front of a registry that wants what they give out.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parapet_service::connectors::Clouds;
use parapet_service::schedules::{Execution, Status};
use parapet_service::{App, Error};
use parapet_store::connectors::{Cloud, ConnectorSettings};
use parapet_store::registries::{RegistryKind, RegistrySettings, RegistrySource};
use parapet_store::schedules::{RepoTag, ScanPlan, ScheduleFilter, ScheduleSettings};
use parapet_store::seal::Secret;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::registry::TestRegistry;
use crate::world::World;

const OLD: &str = "2026-01-02T03:04:05Z";

/// A stub that remembers what it was asked: method, path, authorization, body.
struct Stub {
    url: String,
    seen: Arc<Mutex<Vec<[String; 4]>>>,
}

impl Stub {
    async fn start(answer: impl Fn(&str, &str) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<[String; 4]>>> = Arc::default();
        let (log, answer) = (seen.clone(), Arc::new(answer));
        let router = Router::new().fallback(move |request: Request| {
            let (log, answer) = (log.clone(), answer.clone());
            async move {
                let (head, body) = request.into_parts();
                let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
                let sent = head.headers.get("authorization").map_or("", |value| value.to_str().unwrap());
                let target = head.uri.to_string();
                log.lock().unwrap().push([
                    head.method.to_string(),
                    target.clone(),
                    sent.to_owned(),
                    body.clone(),
                ]);
                answer(&target, &body)
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, seen }
    }

    fn paths(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|seen| seen[1].clone()).collect()
    }
}

fn json(text: impl Into<String>) -> Response {
    ([("content-type", "application/json")], text.into()).into_response()
}

fn host(url: &str) -> String {
    url.trim_start_matches("http://").to_owned()
}

async fn create(
    world: &World,
    kind: RegistryKind,
    endpoint: &str,
    source: RegistrySource,
) -> Result<Uuid, Error> {
    let settings = RegistrySettings {
        name: "r".to_owned(),
        kind,
        endpoint: endpoint.to_owned(),
        plain_http: true,
        platform: "linux/amd64".to_owned(),
        source,
        ..RegistrySettings::default()
    };
    Ok(world.app.registries().create(&world.who, settings, Secret::default()).await?.uuid)
}

async fn connector(
    app: &App,
    world: &World,
    cloud: Cloud,
    identity: &str,
    secret: &str,
    tenant: &str,
) -> Uuid {
    let settings = ConnectorSettings {
        cloud,
        name: "c".to_owned(),
        description: String::new(),
        identity: identity.to_owned(),
        external_id: String::new(),
        account_type: String::new(),
        tenant: tenant.to_owned(),
    };
    app.connectors().create(&world.who, &settings, &Secret::new(secret)).await.unwrap().uuid
}

async fn run(world: &World, registry: Uuid, repo: &str) -> Execution {
    let repo_tags = vec![RepoTag { repo: repo.to_owned(), tag: None }];
    let plan = ScanPlan { filters: vec![ScheduleFilter { repo_tags, days: 0 }], newest: None };
    let settings = ScheduleSettings { name: None, cadence: None, plan, force: false };
    let schedules = world.app.schedules();
    let schedule = schedules.create(&world.who, registry, &settings).await.unwrap().uuid;
    world.app.run_jobs().await.unwrap();
    schedules.executions(&world.who, registry, schedule, 0, 1).await.unwrap().0.remove(0)
}

#[tokio::test]
async fn patterns_over_an_organization_of_docker_hub_need_no_catalogue() {
    let remote = TestRegistry::start().await;
    for repository in ["shop/web", "shop/api", "else/app"] {
        remote.image(repository, "1", &repository.replace('/', "-"), OLD);
    }
    remote.hide_catalogue();
    let hub = Stub::start(|target, _| match target {
        "/v2/namespaces/shop/repositories?page_size=100" => {
            json(r#"{"next": "/v2/namespaces/shop/repositories?page=2", "results": [{"name": "web"}]}"#)
        }
        "/v2/namespaces/shop/repositories?page=2" => json(r#"{"next": null, "results": [{"name": "api"}]}"#),
        _ => StatusCode::FORBIDDEN.into_response(),
    })
    .await;
    let clouds = Clouds { docker_hub: Some(hub.url.clone()), ..Clouds::default() };
    let world = World::with_clouds(clouds).await;
    let of =
        |organization: &str| RegistrySource { organization: organization.to_owned(), ..Default::default() };
    let registry = create(&world, RegistryKind::DockerHub, &remote.endpoint, of("shop")).await.unwrap();
    let done = run(&world, registry, "shop/*").await;
    assert_eq!((done.status, done.repositories, done.scanned), (Status::Finished, 2, 2), "{:?}", done.errors);
    let one = run(&world, registry, "!shop/web").await;
    assert_eq!((one.status, one.images), (Status::Finished, 1));
    let before = hub.paths().len();
    assert_eq!(run(&world, registry, "shop/web").await.images, 1);
    assert_eq!(hub.paths().len(), before, "what is named needs no list");
}

#[tokio::test]
async fn an_application_of_azure_with_its_tenant_signs_in_by_the_exchange() {
    let remote = TestRegistry::start().await;
    remote.image("team/web", "1", "glass", OLD);
    remote.want_tokens("acr-access");
    let directory = Stub::start(|target, body| match target {
        "/shop.example/oauth2/v2.0/token" if body.contains("client_id=app&client_secret=hush") => {
            json(r#"{"access_token": "directory"}"#)
        }
        _ => StatusCode::UNAUTHORIZED.into_response(),
    })
    .await;
    let clouds = Clouds {
        azure_login: Some(directory.url.clone()),
        registry_hosts: vec![host(&remote.endpoint)],
        ..Clouds::default()
    };
    let world = World::with_clouds(clouds).await;
    let known = connector(&world.app, &world, Cloud::Azure, "app", "hush", "shop.example").await;
    let source = RegistrySource { connector: Some(known), ..Default::default() };
    let registry = create(&world, RegistryKind::Azure, &remote.endpoint, source).await.unwrap();
    let done = run(&world, registry, "team/*").await;
    assert_eq!((done.status, done.scanned), (Status::Finished, 1), "{:?}", done.errors);
    assert_eq!(directory.paths().len(), 1, "listing and scan share what was given");
    let forms = remote.forms();
    assert!(
        forms[0].contains("grant_type=access_token") && forms[0].contains("access_token=directory"),
        "{forms:?}"
    );
    assert!(forms[1..].iter().all(|form| form.contains("refresh_token=acr-refresh")), "{forms:?}");
    assert!(forms.iter().all(|form| !form.contains("hush")), "the secret goes to the directory only");
}

#[tokio::test]
async fn connectors_sign_in_nowhere_else() {
    let world = World::new().await;
    let remote = TestRegistry::start().await;
    let known = connector(&world.app, &world, Cloud::Azure, "app", "hush", "").await;
    for kind in [RegistryKind::Azure, RegistryKind::Gcp, RegistryKind::GoogleArtifact, RegistryKind::Aws] {
        let source = RegistrySource { connector: Some(known), ..Default::default() };
        let refused = create(&world, kind, &remote.endpoint, source).await;
        assert!(
            matches!(&refused, Err(Error::Invalid(why)) if why.contains("no registry of that cloud")),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_key_of_google_that_cannot_sign_goes_to_the_registrys_token_service() {
    let remote = TestRegistry::start().await;
    remote.image("team/web", "1", "glass", OLD);
    remote.want_tokens("google-access");
    let clouds = Clouds { registry_hosts: vec![host(&remote.endpoint)], ..Clouds::default() };
    let world = World::with_clouds(clouds).await;
    let key = r#"{"client_email": "robot@p.example", "private_key": "none"}"#;
    let known = connector(&world.app, &world, Cloud::Google, "robot@p.example", key, "").await;
    let source = RegistrySource { connector: Some(known), ..Default::default() };
    let registry = create(&world, RegistryKind::Gcp, &remote.endpoint, source).await.unwrap();
    let done = run(&world, registry, "team/web").await;
    assert_eq!((done.status, done.scanned), (Status::Finished, 1), "{:?}", done.errors);
    let sent = STANDARD.encode(format!("_json_key:{key}"));
    assert!(
        remote.basics().iter().all(|basic| *basic == format!("Basic {sent}")) && !remote.basics().is_empty()
    );
}
