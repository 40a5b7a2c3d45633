//! A small registry on loopback, whose images are written by the test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use parapet_model::Digest;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[derive(Default)]
struct Content {
    /// By repository and tag: the manifest.
    tags: BTreeMap<(String, String), Vec<u8>>,
    blobs: BTreeMap<String, Vec<u8>>,
    /// Answers 404 to the list of repositories.
    no_catalogue: bool,
    /// Paths of blobs that were read.
    read: Vec<String>,
    /// The token that is wanted, or none.
    token: Option<String>,
    /// Forms that were sent to the exchange and the token service.
    forms: Vec<String>,
    /// What came with questions to the token service.
    basics: Vec<String>,
}

/// A running registry; stops when dropped.
pub(crate) struct TestRegistry {
    pub(crate) endpoint: String,
    content: Arc<Mutex<Content>>,
    task: AbortHandle,
}

impl Drop for TestRegistry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TestRegistry {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let content: Arc<Mutex<Content>> = Arc::default();
        let shared = content.clone();
        let router = Router::new().fallback(move |request: Request| {
            let shared = shared.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let text = |name: &str| {
                    head.headers.get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
                };
                let mut content = shared.lock().unwrap();
                let sent = (text("authorization"), text("host"), String::from_utf8(body.to_vec()).unwrap());
                guard(&mut content, head.uri.path(), sent)
                    .unwrap_or_else(|| answer(&mut content, head.uri.path()))
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }).abort_handle();
        Self { endpoint, content, task }
    }

    /// An image of Debian with one package, built at an instant (RFC 3339).
    pub(crate) fn image(&self, repository: &str, tag: &str, package: &str, built: &str) {
        let status = format!(
            "Package: {package}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n\n"
        );
        let files = [("etc/os-release", "ID=debian\nVERSION_ID=12\n"), ("var/lib/dpkg/status", &status)];
        self.layered(repository, tag, &[&files], built);
    }

    /// An image of these layers, bottom first.
    pub(crate) fn layered(&self, repository: &str, tag: &str, layers: &[&[(&str, &str)]], built: &str) {
        let layers: Vec<Vec<u8>> = layers.iter().map(|files| archive(files)).collect();
        let quoted = layers.iter().map(|layer| format!("\"{}\"", Digest::of(layer)));
        let config = format!(
            r#"{{"os":"linux","architecture":"amd64","created":"{built}","rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#,
            quoted.collect::<Vec<_>>().join(",")
        )
        .into_bytes();
        let descriptor = |media: &str, bytes: &[u8]| {
            format!(r#"{{"mediaType":"{media}","digest":"{}","size":{}}}"#, Digest::of(bytes), bytes.len())
        };
        let described: Vec<String> =
            layers.iter().map(|layer| descriptor("application/vnd.oci.image.layer.v1.tar", layer)).collect();
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{},"layers":[{}]}}"#,
            descriptor("application/vnd.oci.image.config.v1+json", &config),
            described.join(",")
        )
        .into_bytes();
        let mut content = self.content.lock().unwrap();
        for blob in layers.into_iter().chain([config]) {
            content.blobs.insert(Digest::of(&blob).to_string(), blob);
        }
        content.tags.insert((repository.to_owned(), tag.to_owned()), manifest);
    }

    /// How often each blob was read since the last time this was asked.
    pub(crate) fn reads(&self) -> BTreeMap<String, usize> {
        let mut reads = BTreeMap::new();
        for path in std::mem::take(&mut self.content.lock().unwrap().read) {
            let digest = path.rsplit('/').next().unwrap_or_default().to_owned();
            *reads.entry(digest).or_default() += 1;
        }
        reads
    }

    /// Offers no list of repositories from here on.
    pub(crate) fn hide_catalogue(&self) {
        self.content.lock().unwrap().no_catalogue = true;
    }

    /// Makes a tag point to something that is no image.
    pub(crate) fn spoil(&self, repository: &str, tag: &str) {
        let key = (repository.to_owned(), tag.to_owned());
        self.content.lock().unwrap().tags.insert(key, b"{\"schemaVersion\": 2}".to_vec());
    }

    /// Wants this token from here on, which a token service of its own gives for a password or for
    /// the refresh token `acr-refresh`; that is what its exchange gives for `directory`.
    pub(crate) fn want_tokens(&self, token: &str) {
        self.content.lock().unwrap().token = Some(token.to_owned());
    }

    /// Forms that were sent so far.
    pub(crate) fn forms(&self) -> Vec<String> {
        self.content.lock().unwrap().forms.clone()
    }

    /// What came with questions to the token service so far.
    pub(crate) fn basics(&self) -> Vec<String> {
        self.content.lock().unwrap().basics.clone()
    }

    /// How many blobs were read since the last time this was asked.
    pub(crate) fn blobs_read(&self) -> usize {
        std::mem::take(&mut self.content.lock().unwrap().read).len()
    }
}

/// Refuses who has no token, and gives tokens; `None` for who may go on.
fn guard(content: &mut Content, path: &str, sent: (String, String, String)) -> Option<Response> {
    let (authorization, host, form) = sent;
    let token = content.token.clone()?;
    let json = |text: String| Some(([("content-type", "application/json")], text).into_response());
    match path {
        "/oauth2/exchange" => {
            content.forms.push(form);
            json(r#"{"refresh_token": "acr-refresh"}"#.to_owned())
        }
        "/oauth2/token" => {
            if form.is_empty() {
                content.basics.push(authorization);
            } else {
                content.forms.push(form);
            }
            json(format!(r#"{{"access_token": "{token}"}}"#))
        }
        _ if authorization == format!("Bearer {token}") => None,
        _ => {
            let challenge = format!("Bearer realm=\"http://{host}/oauth2/token\",service=\"{host}\"");
            let headers = [("www-authenticate", challenge)];
            Some((axum::http::StatusCode::UNAUTHORIZED, headers, "").into_response())
        }
    }
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn answer(content: &mut Content, path: &str) -> Response {
    let not_found = || axum::http::StatusCode::NOT_FOUND.into_response();
    let json = |text: String| ([("content-type", "application/json")], text).into_response();
    let Some(rest) = path.strip_prefix("/v2/") else { return not_found() };
    if rest.is_empty() {
        return json("{}".to_owned());
    }
    let quoted = |names: BTreeSet<&String>| {
        names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(",")
    };
    if rest == "_catalog" {
        let names = quoted(content.tags.keys().map(|(repository, _)| repository).collect());
        return if content.no_catalogue {
            not_found()
        } else {
            json(format!("{{\"repositories\":[{names}]}}"))
        };
    }
    if let Some(repository) = rest.strip_suffix("/tags/list") {
        let tags = quoted(content.tags.keys().filter(|(r, _)| r == repository).map(|(_, tag)| tag).collect());
        return if tags.is_empty() { not_found() } else { json(format!("{{\"tags\":[{tags}]}}")) };
    }
    if let Some((repository, target)) = rest.split_once("/manifests/") {
        let mut own = content.tags.iter().filter(|((r, _), _)| r == repository);
        let found = own.find(|((_, tag), bytes)| tag == target || Digest::of(bytes).to_string() == target);
        let Some((_, bytes)) = found else { return not_found() };
        let digest = Digest::of(bytes).to_string();
        return ([("content-type", MANIFEST), ("docker-content-digest", &digest)], bytes.clone())
            .into_response();
    }
    let Some((_, digest)) = rest.split_once("/blobs/") else { return not_found() };
    match content.blobs.get(digest) {
        Some(blob) => {
            content.read.push(path.to_owned());
            blob.clone().into_response()
        }
        None => not_found(),
    }
}
