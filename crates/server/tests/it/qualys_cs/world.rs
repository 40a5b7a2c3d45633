//! Two images that were read, one that nobody knows, four containers, and a feed that speaks of them.

use std::sync::Arc;

use parapet_model::asset::{ContainerFacts, ContainerState, ImageFacts, Reference};
use parapet_model::inventory::{FoundPackage, PackageSet};
use parapet_model::{Coverage, Digest, EnterpriseProjectNo, PackageKey, Principal, RandomIds, SystemClock};
use parapet_service::{App, ArtifactPlace, Options};
use parapet_store::assets::{ContainerObservation, ImageObservation, Look};
use parapet_store::packages::NewPackage;
use parapet_store::seal::MasterKey;
use parapet_store::{StoreUrl, Tx};
use serde_json::{Value, json};

use crate::support::{Fixture, Server, client, yesterday};

/// When images were built, and when everything was seen.
pub(super) const BUILT: i64 = 1_700_000_000_000;
pub(super) const SEEN: i64 = 1_710_000_000_000;

/// The world behind a running server.
pub(super) struct World {
    pub(super) fixture: Fixture,
    pub(super) server: Server,
    token: String,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) link: Option<String>,
    pub(super) body: Value,
}

impl World {
    /// Fills a store and serves it.
    pub(super) fn new() -> Self {
        let fixture = Fixture::new();
        write_feed(&fixture);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(fill(&fixture));
        fixture.import();
        let server = Server::start(&fixture);
        let token = sign_in(&server);
        Self { fixture, server, token }
    }

    /// Does more to the store while nobody serves it, and serves it again.
    pub(super) fn change(mut self, change: impl AsyncFnOnce(&mut Tx, &Principal)) -> Self {
        self.server.kill();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (app, who) = open(&self.fixture).await;
            let mut tx = app.store().begin().await.unwrap();
            change(&mut tx, &who).await;
            tx.commit().await.unwrap();
        });
        let server = Server::start(&self.fixture);
        let token = sign_in(&server);
        Self { fixture: self.fixture, server, token }
    }

    /// A call below `/csapi/v1.3`, or of an address that a link gave.
    pub(super) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let url = match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}/csapi/v1.3{path}", self.server.url),
        };
        let request = client().request(method.parse().unwrap(), url).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.body(body.to_string()).header("content-type", "application/json"),
            None => request,
        };
        let response = request.send().unwrap();
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let text = response.text().unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Answer { status, link, body }
    }

    /// A `GET` that succeeds.
    pub(super) fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, None);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// One value of each row that a filter selects, sorted.
    pub(super) fn selected(&self, list: &str, filter: &str, of: impl Fn(&Value) -> &Value) -> Vec<String> {
        let filter: String = url_encoded(filter);
        let answer = self.call("GET", &format!("/{list}?filter={filter}"), None);
        assert!(matches!(answer.status, 200 | 204), "{filter}: {}", answer.body);
        let rows = answer.body["data"].as_array().cloned().unwrap_or_default();
        let mut names: Vec<String> =
            rows.iter().map(|row| of(row).as_str().unwrap_or_default().to_owned()).collect();
        names.sort_unstable();
        names
    }

    /// A `POST` that succeeds.
    pub(super) fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.call("POST", path, Some(body));
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }
}

/// Percent-encodes all that is not a letter or digit.
pub(super) fn url_encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric();
    text.bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

fn sign_in(server: &Server) -> String {
    let form = format!("username=admin&password={}&token=true", url_encoded(&server.password));
    let request = client().post(format!("{}/auth", server.url)).body(form);
    let response = request.header("content-type", "application/x-www-form-urlencoded").send().unwrap();
    assert_eq!(response.status().as_u16(), 201);
    response.text().unwrap()
}

async fn open(fixture: &Fixture) -> (Arc<App>, Principal) {
    std::fs::create_dir_all(fixture.data()).unwrap();
    let app = App::open(Options {
        url: StoreUrl::Sqlite(fixture.path("data/parapet.db")),
        key: MasterKey::load_or_create(&fixture.path("data/key")).unwrap(),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        artifacts: ArtifactPlace::Folder(fixture.path("data/artifacts")),
        stale_after: 30 * parapet_model::time::DAY,
        posture: true,
        checkpoint: None,
        shapes: Vec::new(),
        allow: parapet_fetch::AddressPolicy::default(),
        clouds: parapet_service::connectors::Clouds::default(),
        rules: Default::default(),
        notify: Default::default(),
    })
    .await
    .unwrap();
    let who = app.local_principal().await.unwrap();
    (app, who)
}

/// The digest of an image's config, and of its manifest.
pub(super) fn config(image: &str) -> Digest {
    Digest::of(image.as_bytes())
}

pub(super) fn manifest(image: &str) -> Digest {
    Digest::of(format!("{image} manifest").as_bytes())
}

/// A digest without its algorithm.
pub(super) fn sha(digest: &Digest) -> String {
    digest.to_string().trim_start_matches("sha256:").to_owned()
}

/// The engine's id of a container.
pub(super) fn id(container: &str) -> String {
    sha(&Digest::of(container.as_bytes()))
}

async fn fill(fixture: &Fixture) {
    let (app, who) = open(fixture).await;
    let mut tx = app.store().begin().await.unwrap();
    let packages = [("glass", "1.0-1"), ("stone", "2.0-1"), ("wood", "3.0-1")];
    image(&mut tx, &who, "web", "v1", &packages).await;
    image(&mut tx, &who, "clean", "latest", &packages[2..]).await;
    for (name, of) in [("web-1", "web"), ("web-2", "web"), ("clean-1", "clean"), ("lost-1", "lost")] {
        container(&mut tx, &who, name, of).await;
    }
    tx.commit().await.unwrap();
}

/// Records that an image was read.
pub(super) async fn image(tx: &mut Tx, who: &Principal, name: &str, tag: &str, packages: &[(&str, &str)]) {
    let key = |(name, version): &(&str, &str)| PackageKey::new("Debian:12", name, version);
    let found = packages.iter().map(|package| FoundPackage {
        package: key(package),
        paths: vec![b"var/lib/dpkg/status".to_vec()],
        database: "dpkg".into(),
    });
    let set = PackageSet::new(found.collect());
    let new: Vec<NewPackage> = set
        .packages
        .iter()
        .map(|found| NewPackage {
            key: found.package.clone(),
            coverage: Coverage::Assessed,
            kernel: false,
            match_keys: vec![("Debian:12".into(), found.package.name.clone())],
        })
        .collect();
    let numbers = tx.package_numbers(&new).await.unwrap().numbers;
    let set = tx.put_set(&set, &numbers).await.unwrap().0;
    let facts = ImageFacts {
        manifest_digests: vec![manifest(name)],
        size: 1000 * packages.len() as u64,
        created: BUILT + packages.len() as i64,
        platform: "linux/amd64".into(),
        labels: [("team".to_owned(), name.to_owned())].into(),
    };
    let repository = format!("team/{name}");
    let reference = Reference { registry: "registry.example".into(), repository, tag: tag.into() };
    let title = reference.to_string();
    let look = Look {
        project: who.project,
        enterprise_project: EnterpriseProjectNo(0),
        name: &title,
        distro: None,
        databases: &[],
        observed: SEEN,
        content: Digest::of(name.as_bytes()),
        reader_version: 1,
    };
    let layer = Digest::of(b"layer").to_string();
    let image = ImageObservation {
        look,
        config: config(name),
        facts: &facts,
        reference: Some(&reference),
        sets: &[(set, layer)],
        pinned: false,
    };
    tx.record_image(&image).await.unwrap();
}

/// Records that a container runs on a host named after it; its engine names the image by the manifest.
pub(super) async fn container(tx: &mut Tx, who: &Principal, name: &str, image: &str) {
    let facts = ContainerFacts {
        state: ContainerState::Running,
        created: BUILT + 1,
        host: format!("host-of-{name}"),
        image_digests: vec![manifest(image)],
        ..ContainerFacts::default()
    };
    let observation = ContainerObservation {
        project: who.project,
        enterprise_project: EnterpriseProjectNo(0),
        identity: &id(name),
        name,
        facts: &facts,
        observed: SEEN,
    };
    tx.record_container(&observation).await.unwrap();
}

/// A critical one with a fix, a low one with a fix, both of glass; one of stone that nobody rated.
fn write_feed(fixture: &Fixture) {
    let critical = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
    let low = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N";
    fixture.withdraw("DSA-1-1");
    fixture.withdraw("DEBIAN-CVE-2026-0002");
    for (number, package, fixed, vector) in [
        (1, "glass", Some("1.0-2"), Some(critical)),
        (2, "stone", None, None),
        (3, "glass", Some("1.0-3"), Some(low)),
    ] {
        let mut events = vec![json!({"introduced": "0"})];
        events.extend(fixed.map(|version| json!({"fixed": version})));
        let record = json!({
            "id": format!("DEBIAN-CVE-2026-000{number}"),
            "modified": yesterday(),
            "published": "2026-10-01T00:00:00Z",
            "summary": format!("{package} breaks"),
            "upstream": [format!("CVE-2026-000{number}")],
            "severity": vector.map(|score| vec![json!({"type": "CVSS_V3", "score": score})]).unwrap_or_default(),
            "affected": [{
                "package": {"ecosystem": "Debian:12", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }],
        });
        fixture.record(&format!("DEBIAN-CVE-2026-000{number}"), &record.to_string());
    }
}
