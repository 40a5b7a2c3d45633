//! Real registries, when `PARAPET_REGISTRIES` names the folder they were started in
//! (`scripts/peers`): instances of the CNCF registry on loopback, from `PARAPET_REGISTRY_PORT` on:
//! open, with a password, with tokens, and by TLS with a password; all with the same images.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parapet_catalog::{Limits, NoCache};
use parapet_fetch::{
    Client, ClientOptions, Credentials, Environment, FetchError, Registry, RegistryOptions, SharedLayerCache,
};

/// The images of `scripts/peers`, of one form each.
const IMAGES: [(&str, &str); 3] = [("team/debian", "1"), ("team/python", "1"), ("team/python", "schema2")];

/// The folder and the first port.
fn peers() -> Option<(PathBuf, u16)> {
    let Some(folder) = std::env::var_os("PARAPET_REGISTRIES") else {
        assert!(std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "PARAPET_REGISTRIES must be set here");
        eprintln!("left out: real registries, set PARAPET_REGISTRIES");
        return None;
    };
    let port = std::env::var("PARAPET_REGISTRY_PORT").map_or(5501, |port| port.parse().unwrap());
    Some((folder.into(), port))
}

fn options(port: u16, secret: Option<&str>) -> RegistryOptions {
    RegistryOptions {
        endpoint: format!("127.0.0.1:{port}"),
        plain_http: true,
        credentials: secret.map(|s| Credentials { user: "scanner".to_owned(), secret: s.to_owned() }),
        ..Default::default()
    }
}

fn registry(options: RegistryOptions) -> Registry {
    let client = Client::new(ClientOptions::default(), Environment::system()).unwrap();
    Registry::new(&client, options).unwrap()
}

fn all_kinds(folder: &Path, first: u16) -> [Registry; 4] {
    let secure = RegistryOptions {
        endpoint: format!("https://127.0.0.1:{}", first + 3),
        authority: Some(std::fs::read(folder.join("registry/ca.pem")).unwrap()),
        ..options(first + 3, Some("scan-pass"))
    };
    [
        registry(options(first, None)),
        registry(options(first + 1, Some("scan-pass"))),
        registry(options(first + 2, Some("scan-pass"))),
        registry(secure),
    ]
}

#[tokio::test]
async fn every_kind_of_registry_gives_the_same_image() {
    let Some((folder, port)) = peers() else { return };
    let platform = "linux/amd64".parse().unwrap();
    let cache: SharedLayerCache = Arc::new(NoCache);
    let mut seen = Vec::new();
    for registry in all_kinds(&folder, port) {
        registry.ping().await.unwrap();
        let (repository, tag) = IMAGES[0];
        let digest = registry.digest(repository, tag).await.unwrap();
        let scanned = registry.scan(repository, tag, &platform, &cache, &Limits::default()).await;
        let (image, inventory) = scanned.unwrap();
        assert_eq!(image.facts.manifest_digests, [digest]);
        assert!(inventory.packages().any(|found| found.package.name == "dpkg"), "{}", registry.name());
        seen.push((image.config_digest, inventory.packages().count()));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn every_form_of_image_can_be_read() {
    let Some((_, port)) = peers() else { return };
    let registry = registry(options(port, None));
    let platform = "linux/amd64".parse().unwrap();
    let cache: SharedLayerCache = Arc::new(NoCache);
    for (repository, tag) in IMAGES {
        let scanned = registry.scan(repository, tag, &platform, &cache, &Limits::default()).await;
        let (_, inventory) = scanned.unwrap_or_else(|e| panic!("{repository}:{tag}: {e}"));
        assert!(inventory.packages().next().is_some(), "{repository}:{tag}");
    }
}

#[tokio::test]
async fn the_list_of_repositories_is_whole() {
    let Some((_, port)) = peers() else { return };
    let registry = registry(options(port, None));
    let (mut pages, mut all) = (registry.repositories(), Vec::new());
    let mut count = 0;
    while let Some(page) = pages.next().await.unwrap() {
        count += 1;
        all.extend(page);
    }
    let total = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), total, "no repository comes twice");
    assert_eq!(count > 1, total > 100, "{count} pages for {total} repositories");
}

#[tokio::test]
async fn wrong_and_missing_credentials_are_told_apart() {
    let Some((_, port)) = peers() else { return };
    for port in [port + 1, port + 2] {
        let error = registry(options(port, Some("wrong"))).ping().await.unwrap_err();
        assert!(matches!(error, FetchError::CredentialsRefused { .. }), "{port}: {error}");
    }
    let error = registry(options(port + 1, None)).ping().await.unwrap_err();
    assert!(matches!(error, FetchError::CredentialsNeeded { .. }), "{error}");
    let error = registry(options(port, None)).digest("team/debian", "no-such-tag").await.unwrap_err();
    assert!(matches!(error, FetchError::NotFound { .. }), "{error}");
}
