//! A server in the test's own process: a store in a folder, time in the test's hand, images and
//! containers at will.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use parapet_model::asset::{ContainerFacts, Reference};
use parapet_model::id::EnterpriseProjectNo;
use parapet_model::{Digest, Principal, TestClock};
use parapet_service::feeds::{FeedSource, ImportOptions};
use parapet_service::scan::ScanOptions;
use parapet_service::{App, Options};
use parapet_store::assets::ContainerObservation;
use parapet_store::seal::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::cli::StoreOptions;

pub(crate) const PASSWORD: &str = "a password for tests";
/// The registry that images of tests are in.
pub(crate) const REGISTRY: &str = "registry.example";
/// 2026-11-02.
pub(crate) const START: i64 = 1_793_577_600_000;

/// See the module.
pub(crate) struct TestServer {
    pub(crate) app: Arc<App>,
    pub(crate) clock: TestClock,
    /// The command line.
    pub(crate) local: Principal,
    router: Router,
    dir: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// As JSON; a text when it is none, `null` when it is empty.
    pub(crate) body: Value,
}

impl TestServer {
    /// An empty store with a user for every built-in role, named like it.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = TestClock::at(START);
        let options = StoreOptions::embedded(dir.path()).app_options().unwrap();
        let app = App::open(Options { clock: Arc::new(clock.clone()), ..options }).await.unwrap();
        let local = app.local_principal().await.unwrap();
        for role in parapet_model::Role::built_in() {
            let name = role.name.clone();
            let roles = std::slice::from_ref(&name);
            app.accounts().create_user(&local, &name, Secret::new(PASSWORD), roles).await.unwrap();
        }
        Self { router: super::router(app.clone()), app, clock, local, dir }
    }

    /// When the test began.
    pub(crate) fn clock_start(&self) -> i64 {
        START
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = to_bytes(answer.into_body(), 64 << 20).await.unwrap();
        let body = match bytes.as_ref() {
            [] => Value::Null,
            bytes => serde_json::from_slice(bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned())),
        };
        Answer { status, headers, body }
    }

    /// A bearer token of the Qualys family.
    pub(crate) async fn jwt(&self, name: &str) -> String {
        let form = format!("username={name}&password={}&token=true", PASSWORD.replace(' ', "+"));
        let request = Request::post("/auth").header("Content-Type", "application/x-www-form-urlencoded");
        let answer = self.send(request.body(Body::from(form)).unwrap()).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body.as_str().unwrap().to_owned()
    }

    /// A call of the Qualys family as the user of that name.
    pub(crate) async fn cs(&self, name: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let jwt = self.jwt(name).await;
        let request = Request::builder()
            .method(method)
            .uri(format!("/csapi/v1.3{path}"))
            .header("Host", "parapet.example")
            .header("Authorization", format!("Bearer {jwt}"))
            .header("Content-Type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    /// Imports a Debian 12 feed: id of the record, CVE, source package, fixed version or "".
    pub(crate) async fn feed(&self, records: &[(&str, &str, &str, &str)]) {
        let folder = self.dir.path().join("feed/Debian");
        std::fs::create_dir_all(&folder).unwrap();
        for (id, cve, source, fixed) in records {
            let mut events = vec![json!({"introduced": "0"})];
            if !fixed.is_empty() {
                events.push(json!({"fixed": fixed}));
            }
            let record = json!({
                "id": id, "modified": "2026-11-01T00:00:00Z", "upstream": [cve],
                "summary": format!("{cve} in {source}"),
                "affected": [{
                    "package": {"ecosystem": "Debian:12", "name": source},
                    "ranges": [{"type": "ECOSYSTEM", "events": events}],
                }],
            });
            std::fs::write(folder.join(format!("{id}.json")), record.to_string()).unwrap();
        }
        let source = FeedSource::recognise(&folder).unwrap();
        self.app.feeds().import(&self.local, &source, &ImportOptions::default(), None).await.unwrap();
    }

    /// Scans an image of one layer with these Debian packages, in [`REGISTRY`] under `repository:tag`;
    /// its uuid and config digest.
    pub(crate) async fn image(&self, reference: &str, packages: &[(&str, &str)]) -> (Uuid, Digest) {
        let (path, digest) = self.archive(reference, packages);
        let target = format!("archive:{}", path.display()).parse().unwrap();
        let report = self.app.scans().scan(&self.local, &target, &ScanOptions::default()).await.unwrap();
        let (repository, tag) = reference.split_once(':').unwrap();
        let place = Reference {
            registry: REGISTRY.to_owned(),
            repository: repository.to_owned(),
            tag: tag.to_owned(),
        };
        let mut tx = self.app.store().begin().await.unwrap();
        let asset = tx.asset_by_uuid(self.local.project, &report.asset).await.unwrap().unwrap();
        tx.point_reference(self.local.project, &place, asset.no, self.app.now()).await.unwrap();
        tx.commit().await.unwrap();
        self.app.live().catch_up().await.unwrap();
        (report.asset, digest)
    }

    /// What `docker save` would write.
    pub(crate) fn archive(&self, reference: &str, packages: &[(&str, &str)]) -> (PathBuf, Digest) {
        let stanza = |(name, version): &(&str, &str)| {
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
            )
        };
        let os_release = "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n";
        let layer = tar(&[
            ("etc/os-release", os_release.as_bytes()),
            ("var/lib/dpkg/status", packages.iter().map(stanza).collect::<String>().as_bytes()),
        ]);
        let config = json!({
            "architecture": "amd64", "os": "linux", "created": "2026-10-01T00:00:00Z",
            "config": {"Labels": {"team": reference}},
            "rootfs": {"type": "layers", "diff_ids": [Digest::of(&layer).to_string()]},
        })
        .to_string();
        let digest = Digest::of(config.as_bytes());
        let name = format!("{}.json", digest.to_string().replace("sha256:", ""));
        let manifest =
            json!([{"Config": name, "RepoTags": [reference], "Layers": ["layer.tar"]}]).to_string();
        let path = self.dir.path().join(format!("{}.tar", reference.replace(['/', ':'], "-")));
        let whole =
            tar(&[(&name, config.as_bytes()), ("layer.tar", &layer), ("manifest.json", manifest.as_bytes())]);
        std::fs::File::create(&path).unwrap().write_all(&whole).unwrap();
        (path, digest)
    }

    /// Records a container whose engine names its image by `digest`.
    pub(crate) async fn container(&self, identity: &str, name: &str, image: Digest) -> Uuid {
        let mut tx = self.app.store().begin().await.unwrap();
        let container = ContainerObservation {
            project: self.local.project,
            enterprise_project: EnterpriseProjectNo(0),
            identity,
            name,
            facts: &ContainerFacts { image_digests: vec![image], ..ContainerFacts::default() },
            observed: self.app.now(),
        };
        let recorded = tx.record_container(&container).await.unwrap();
        tx.commit().await.unwrap();
        self.app.live().catch_up().await.unwrap();
        recorded.uuid
    }
}

/// A tar archive of plain files.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        out.append_data(&mut header, name, *bytes).unwrap();
    }
    out.into_inner().unwrap()
}
