//! Real registries, when `PARAPET_REGISTRIES` names the directory they were started in: four
//! instances of the CNCF registry on loopback: open (5501), Basic (5502), tokens (5503) and TLS
//! with Basic (5504), filled with the same images.

use std::path::PathBuf;
use std::sync::Arc;

use parapet_catalog::{Limits, NoCache};
use parapet_fetch::{
    Client, ClientOptions, Credentials, Environment, FetchError, Registry, RegistryOptions, SharedLayerCache,
};

fn directory() -> Option<PathBuf> {
    let directory = std::env::var_os("PARAPET_REGISTRIES").map(PathBuf::from);
    if directory.is_none() {
        eprintln!("left out: real registries, set PARAPET_REGISTRIES");
    }
    directory
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

fn all_kinds(directory: &std::path::Path) -> Vec<Registry> {
    let secure = RegistryOptions {
        endpoint: "https://127.0.0.1:5504".to_owned(),
        authority: Some(std::fs::read(directory.join("registry/ca.pem")).unwrap()),
        ..options(5504, Some("scan-pass"))
    };
    vec![
        registry(options(5501, None)),
        registry(options(5502, Some("scan-pass"))),
        registry(options(5503, Some("scan-pass"))),
        registry(secure),
    ]
}

#[tokio::test]
async fn every_kind_of_registry_gives_the_same_image() {
    let Some(directory) = directory() else { return };
    let platform = "linux/amd64".parse().unwrap();
    let cache: SharedLayerCache = Arc::new(NoCache);
    let mut seen = Vec::new();
    for registry in all_kinds(&directory) {
        registry.ping().await.unwrap();
        assert!(
            registry.repositories().unwrap().all(10_000).await.unwrap().contains(&"team/base".to_owned())
        );
        assert!(registry.tags("team/base").unwrap().all(10_000).await.unwrap().contains(&"12".to_owned()));
        let digest = registry.digest("team/base", "12").await.unwrap();
        let scanned = registry.scan("team/base", "12", &platform, &cache, &Limits::default()).await;
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
    let Some(_) = directory() else { return };
    let registry = registry(options(5501, None));
    let platform = "linux/amd64".parse().unwrap();
    let cache: SharedLayerCache = Arc::new(NoCache);
    for (repository, tag) in [
        ("team/web", "1"),
        ("team/py", "docker-schema2"),
        ("team/node", "2"),
        ("team/multi", "1"),
        ("other/apk", "zstd"),
        ("other/empty", "1"),
    ] {
        let scanned = registry.scan(repository, tag, &platform, &cache, &Limits::default()).await;
        let (image, inventory) = scanned.unwrap_or_else(|e| panic!("{repository}:{tag}: {e}"));
        assert_eq!(image.layers.is_empty(), repository == "other/empty");
        assert_eq!(inventory.packages().next().is_none(), repository == "other/empty", "{repository}:{tag}");
    }
}

#[tokio::test]
async fn long_lists_are_paged() {
    let Some(_) = directory() else { return };
    let registry = registry(options(5501, None));
    let mut pages = registry.repositories().unwrap();
    let (mut count, mut all) = (0, Vec::new());
    while let Some(page) = pages.next().await.unwrap() {
        count += 1;
        all.extend(page);
    }
    let total = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), total);
    assert!(count > 1 && total > 100, "{count} pages, {total} repositories");
}

#[tokio::test]
async fn wrong_and_missing_credentials_are_told_apart() {
    let Some(_) = directory() else { return };
    for port in [5502, 5503] {
        let error = registry(options(port, Some("wrong"))).ping().await.unwrap_err();
        assert!(matches!(error, FetchError::CredentialsRefused { .. }), "{port}: {error}");
    }
    let error = registry(options(5502, None)).ping().await.unwrap_err();
    assert!(matches!(error, FetchError::CredentialsNeeded { .. }), "{error}");
    let error = registry(options(5501, None)).digest("team/base", "no-such-tag").await.unwrap_err();
    assert!(matches!(error, FetchError::NotFound { .. }), "{error}");
}
