//! A server in the test's own process: a store in a folder, time in the test's hand, images and
//! containers at will.

use std::io::Write as _;
use std::path::{Path, PathBuf};
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

use self::database::Database;
use crate::cli::StoreOptions;

mod database;

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
    /// Where the facts are, when not in the folder. Last, so that it is dropped last.
    database: Option<Database>,
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
        Self::with(|_| {}).await
    }

    /// The same on SQLite and, where a server is named, on PostgreSQL.
    pub(crate) async fn on_both_stores() -> Vec<Self> {
        let mut servers = vec![Self::new().await];
        if let Some(database) = Database::fresh() {
            let mut server = Self::with(|options| options.url = database.url()).await;
            server.database = Some(database);
            servers.push(server);
        }
        servers
    }

    /// The same with other options.
    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = TestClock::at(START);
        let options = StoreOptions::embedded(dir.path()).app_options().unwrap();
        let mut options = Options { clock: Arc::new(clock.clone()), ..options };
        change(&mut options);
        let app = App::open(options).await.unwrap();
        let local = app.local_principal().await.unwrap();
        for role in parapet_model::Role::built_in() {
            let name = role.name.clone();
            let roles = std::slice::from_ref(&name);
            app.accounts().create_user(&local, &name, Secret::new(PASSWORD), roles).await.unwrap();
        }
        Self { router: super::router(app.clone()), app, clock, local, dir, database: None }
    }

    /// The same store, opened by the next server.
    pub(crate) async fn restart(self) -> Self {
        let Self { clock, dir, database, .. } = self;
        let mut options = StoreOptions::embedded(dir.path()).app_options().unwrap();
        if let Some(database) = &database {
            options.url = database.url();
        }
        let app = App::open(Options { clock: Arc::new(clock.clone()), ..options }).await.unwrap();
        let local = app.local_principal().await.unwrap();
        Self { router: super::router(app.clone()), app, clock, local, dir, database }
    }

    /// Where it keeps everything.
    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// A file of the Qualys family as it comes.
    pub(crate) async fn bytes(&self, name: &str, path: &str) -> Vec<u8> {
        let bearer = format!("Bearer {}", self.jwt(name).await);
        let request = Request::get(format!("/csapi/v1.3{path}")).header("Authorization", bearer);
        let answer = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        to_bytes(answer.into_body(), 64 << 20).await.unwrap().to_vec()
    }

    /// A range of a file of the Qualys family.
    pub(crate) async fn range(&self, name: &str, path: &str, range: &str) -> Answer {
        let bearer = format!("Bearer {}", self.jwt(name).await);
        let request = Request::get(format!("/csapi/v1.3{path}")).header("Authorization", bearer);
        self.send(request.header("Range", range).body(Body::empty()).unwrap()).await
    }

    /// When the test began.
    pub(crate) fn clock_start(&self) -> i64 {
        START
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (status, headers, bytes) = self.raw(request).await;
        let body = match bytes.as_slice() {
            [] => Value::Null,
            bytes => serde_json::from_slice(bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned())),
        };
        Answer { status, headers, body }
    }

    /// Sends a request and reads the bytes of the answer.
    pub(crate) async fn raw(&self, request: Request<Body>) -> (u16, HeaderMap, Vec<u8>) {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, to_bytes(answer.into_body(), 64 << 20).await.unwrap().to_vec())
    }

    /// A token of the identity family, and the id of the project it is for.
    pub(crate) async fn token(&self, name: &str) -> (String, String) {
        let accounts = self.app.accounts();
        let signed_in = accounts.sign_in(name, Secret::new(PASSWORD)).await.unwrap();
        let scope = parapet_service::TokenScope::HomeProject;
        let (token, signed_in) = accounts.issue_token(&signed_in, &scope).await.unwrap();
        (token.expose().to_owned(), signed_in.project.unwrap().id)
    }

    /// A request of the HSS family as the user of that name; `path` begins behind the project.
    pub(crate) async fn hss_request(
        &self,
        name: &str,
        method: Method,
        path: &str,
        body: &str,
    ) -> Request<Body> {
        let (token, project) = self.token(name).await;
        Request::builder()
            .method(method)
            .uri(format!("/v5/{project}{path}"))
            .header("X-Auth-Token", token)
            .header("Content-Type", "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap()
    }

    /// A call of the native family as the user of that name.
    pub(crate) async fn native(&self, name: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let (token, _) = self.token(name).await;
        let request = Request::builder().method(method).uri(path).header("X-Auth-Token", token);
        let request = request.header("Content-Type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    /// A call of the HSS family. Time goes on before a change.
    pub(crate) async fn hss(&self, name: &str, method: Method, path: &str, body: &str) -> Answer {
        if method != Method::GET {
            self.clock.advance(1_000);
        }
        self.send(self.hss_request(name, method, path, body).await).await
    }

    /// The rows of an export that is asked for, made and fetched; the titles first.
    pub(crate) async fn exported(&self, name: &str, path: &str, body: &str) -> Vec<Vec<String>> {
        let asked = self.hss(name, Method::POST, path, body).await;
        assert_eq!(asked.status, 200, "{path} {body}: {}", asked.body);
        self.app.run_jobs().await.unwrap();
        let task = asked.body["task_id"].as_str().unwrap();
        let task = self.hss(name, Method::GET, &format!("/export-task/{task}"), "").await;
        assert_eq!(task.body["task_status"], "success", "{}", task.body);
        let file = format!("/download/{}", task.body["file_id"].as_str().unwrap());
        let (status, _, bytes) = self.raw(self.hss_request(name, Method::GET, &file, "").await).await;
        assert_eq!(status, 200);
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        assert_eq!(zip.len(), 1);
        let text = std::io::read_to_string(zip.by_index(0).unwrap()).unwrap();
        let rows = csv_rows(text.strip_prefix('\u{feff}').expect("a byte order mark"));
        if let Some(promised) = asked.body["record_total_num"].as_u64() {
            assert_eq!(rows.len() as u64, promised + 1, "the number promised is the number delivered");
        }
        rows
    }

    /// Reads a Debian host with these packages; its id.
    pub(crate) async fn host(&self, name: &str, packages: &[(&str, &str)]) -> String {
        let root = self.dir.path().join("hosts").join(name);
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let id: String = name.bytes().map(|b| format!("{b:02x}")).collect();
        write("etc/os-release", "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n");
        write("etc/machine-id", &format!("{id:0>32}\n"));
        write("etc/hostname", &format!("{name}\n"));
        let stanza = |(name, version): &(&str, &str)| {
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
            )
        };
        write("var/lib/dpkg/status", &packages.iter().map(stanza).collect::<String>());
        let target = format!("rootfs:{}", root.display()).parse().unwrap();
        let report = self.app.scans().scan(&self.local, &target, &ScanOptions::default()).await.unwrap();
        report.asset.to_string()
    }

    /// Now, by the test's clock.
    pub(crate) fn clock_now(&self) -> i64 {
        self.app.now()
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

/// The cells of a CSV text.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    rows
}

/// Signs as the SDKs do. The text that is signed is the server's own, which the contract's vectors hold.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    pub(crate) access_key: String,
    secret: String,
    pub(crate) project: String,
    token: Option<String>,
}

impl Signer {
    pub(crate) fn new(access_key: &str, secret: &str, project: &str) -> Self {
        let owned = str::to_owned;
        Self { access_key: owned(access_key), secret: owned(secret), project: owned(project), token: None }
    }

    /// The same with the token of a temporary key.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// A request signed at an instant.
    pub(crate) fn sign(&self, at: i64, method: Method, uri: &str, body: &[u8]) -> Request<Body> {
        let at = parapet_model::time::format_rfc3339(at);
        let stamp: String = at.chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header("Host", "parapet.example")
            .header("Content-Type", "application/json")
            .header("X-Sdk-Date", format!("{stamp}Z"));
        let mut names = "content-type;host".to_owned();
        if let Some(token) = &self.token {
            names.push_str(";x-sdk-date;x-security-token");
            request = request.header("X-Security-Token", token);
        } else {
            names.push_str(";x-sdk-date");
        }
        let authorization = |signature: &str| {
            let access = &self.access_key;
            format!("SDK-HMAC-SHA256 Access={access}, SignedHeaders={names}, Signature={signature}")
        };
        let request = request.header("Authorization", authorization(&"0".repeat(64)));
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let signature = super::aksk::Signature::of(&parts.headers).unwrap();
        let texts = super::aksk::strings_to_sign(&parts, &signature, body).unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.secret.as_bytes());
        let tag = ring::hmac::sign(&key, texts[0].as_bytes());
        let hex: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        parts.headers.insert("authorization", authorization(&hex).parse().unwrap());
        Request::from_parts(parts, Body::from(body.to_vec()))
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
