//! From a tag to an inventory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use parapet_catalog::layer::LayerContents;
use parapet_catalog::oci::Platform;
use parapet_catalog::{LayerCache, Limits, NoCache};
use parapet_fetch::{FetchError, Registry, SharedLayerCache};
use parapet_model::Digest;
use parapet_model::inventory::Inventory;

use crate::fixture::{Layer, MANIFEST, Repository};
use crate::peer::{Peer, answer, broken_off, ok, redirect, stalled, status};
use crate::world::World;

fn amd64() -> Platform {
    "linux/amd64".parse().unwrap()
}

fn no_cache() -> SharedLayerCache {
    Arc::new(NoCache)
}

async fn peer_of(repository: &Repository) -> Peer {
    let repository = repository.clone();
    Peer::start(move |seen| repository.answer(seen)).await
}

async fn scan(registry: &Registry, target: &str) -> Result<Inventory, FetchError> {
    let (registry, target) = (registry.clone(), target.to_owned());
    // Jobs run on any thread, so the future must be able to move.
    tokio::spawn(async move {
        let cache = no_cache();
        registry
            .scan("a/b", &target, &amd64(), &cache, &Limits::default())
            .await
            .map(|(_, inventory)| inventory)
    })
    .await
    .unwrap()
}

fn names(inventory: &Inventory) -> Vec<&str> {
    inventory.packages().map(|found| found.package.name.as_str()).collect()
}

#[tokio::test]
async fn an_index_leads_to_the_platforms_image() {
    let mut repository = Repository::default();
    let wanted = repository.image("x", &[Layer::debian("for-amd64")]);
    let other = repository.image("y", &[Layer::debian("for-arm64")]);
    let index = repository.index("1", &[("arm64", other), ("amd64", wanted)]);
    let peer = peer_of(&repository).await;
    let registry = World::new().registry(&peer);
    let image = registry.describe("a/b", "1", &amd64()).await.unwrap();
    assert_eq!(image.facts.manifest_digests, [wanted, index]);
    assert_eq!(image.facts.platform, "linux/amd64");
    assert_eq!(registry.digest("a/b", "1").await.unwrap(), index);
    assert_eq!(names(&scan(&registry, &index.to_string()).await.unwrap()), ["for-amd64"]);
    let accepted: Vec<_> = peer.seen()[0].headers.get_all("accept").iter().cloned().collect();
    assert_eq!(accepted.len(), 4, "some registries deny what was not asked for");

    let s390x = "linux/s390x".parse().unwrap();
    let error = registry.describe("a/b", "1", &s390x).await.unwrap_err();
    assert!(error.to_string().contains("linux/arm64, linux/amd64"), "{error}");
    assert!(error.is_permanent());
}

#[tokio::test]
async fn a_wrong_content_type_does_not_matter() {
    let mut repository = Repository::default();
    repository.image("1", &[Layer::debian("p")]);
    repository.manifests.get_mut("1").unwrap().0 = "application/json; charset=utf-8".to_owned();
    let peer = peer_of(&repository).await;
    World::new().registry(&peer).describe("a/b", "1", &amd64()).await.unwrap();
}

#[tokio::test]
async fn a_digest_is_learnt_even_when_the_header_is_missing() {
    let mut repository = Repository::default();
    let digest = repository.image("1", &[]);
    let peer = Peer::start(move |seen| {
        let mut answer = repository.answer(seen)?;
        answer.headers_mut().remove("docker-content-digest");
        Some(answer)
    })
    .await;
    assert_eq!(World::new().registry(&peer).digest("a/b", "1").await.unwrap(), digest);
    assert_eq!(peer.seen().iter().map(|s| s.method.clone()).collect::<Vec<_>>(), ["HEAD", "GET"]);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let peer = peer_of(&Repository::default()).await;
    let error = World::new().registry(&peer).describe("a/b", "nope", &amd64()).await.unwrap_err();
    assert_eq!(error.to_string(), format!("there is no image {}/a/b:nope: manifest unknown", peer.address));
    assert!(error.is_permanent());
}

#[tokio::test]
async fn exchanged_documents_are_noticed() {
    let mut repository = Repository::default();
    let digest = repository.image("1", &[Layer::debian("p")]);
    let config = repository.blobs.iter().find(|(_, b)| b.starts_with(b"{")).map(|(k, _)| k.clone()).unwrap();
    let honest = repository.clone();

    repository.manifests.get_mut(&digest.to_string()).unwrap().1.push(b' ');
    let peer = peer_of(&repository).await;
    let error =
        World::new().registry(&peer).describe("a/b", &digest.to_string(), &amd64()).await.unwrap_err();
    assert!(matches!(error, FetchError::WrongDigest { .. }), "{error}");

    let mut repository = honest;
    let blob = repository.blobs.get_mut(&config).unwrap();
    blob[10] ^= 1;
    let peer = peer_of(&repository).await;
    let error = World::new().registry(&peer).describe("a/b", "1", &amd64()).await.unwrap_err();
    assert!(matches!(error, FetchError::WrongDigest { .. }), "{error}");
}

#[tokio::test]
async fn bad_manifests_are_refused() {
    let layers: Vec<String> =
        (0..100_000).map(|n| format!(r#"{{"digest":"sha256:{n:064x}","size":1}}"#)).collect();
    let config = format!(r#""config":{{"digest":"sha256:{:064x}","size":2}}"#, 1);
    let many = format!(r#"{{"schemaVersion":2,{config},"layers":[{}]}}"#, layers.join(","));
    let deep = format!(r#"{{"schemaVersion":2,"layers":{}"#, "[".repeat(10_000));
    let chart = format!(r#"{{"schemaVersion":2,{config},"layers":[]}}"#);
    for (document, what) in
        [(many, "many layers"), (deep, "deep"), (chart, "no image"), ("{}".to_owned(), "empty")]
    {
        let mut repository = Repository::default();
        repository.manifest("1", MANIFEST, document.into_bytes());
        let peer = peer_of(&repository).await;
        let error = World::new().registry(&peer).describe("a/b", "1", &amd64()).await.unwrap_err();
        assert!(error.is_permanent(), "{what}: {error}");
        assert_eq!(peer.seen().len(), 1, "{what}: {error}");
    }
}

#[tokio::test]
async fn an_index_that_names_itself_ends() {
    let peer = Peer::start(|seen| {
        let digest = Digest::of(seen.path().as_bytes());
        ok(format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{{"mediaType":"{0}","digest":"{digest}","size":1}}]}}"#,
            crate::fixture::INDEX
        ))
    })
    .await;
    // The second index has another digest than it was asked for by, so even this is noticed.
    let error = World::new().registry(&peer).describe("a/b", "1", &amd64()).await.unwrap_err();
    assert!(matches!(error, FetchError::WrongDigest { .. }), "{error}");

    let mut repository = Repository::default();
    let mut inner = repository.image("0", &[]);
    for depth in 1..=6 {
        inner = repository.index(&depth.to_string(), &[("amd64", inner)]);
    }
    let peer = peer_of(&repository).await;
    let registry = World::new().registry(&peer);
    registry.describe("a/b", "3", &amd64()).await.unwrap();
    let error = registry.describe("a/b", "6", &amd64()).await.unwrap_err();
    assert!(error.to_string().contains("nested"), "{error}");
}

#[tokio::test]
async fn layers_are_read_and_foreign_addresses_never_asked() {
    let mut repository = Repository::default();
    let top = Layer::new(&[(
        "usr/lib/python3/site-packages/six-1.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: six\nVersion: 1.0\n\n",
    )]);
    repository.image("1", &[Layer::debian("libc6"), top.clone(), top]);
    let peer = peer_of(&repository).await;
    let inventory = scan(&World::new().registry(&peer), "1").await.unwrap();
    let mut found = names(&inventory);
    found.sort_unstable();
    assert_eq!(found, ["libc6", "six"]);
    assert_eq!(inventory.distro.as_ref().unwrap().ecosystem, "Debian:12");
    let blobs = peer.paths().iter().filter(|p| p.contains("/blobs/")).count();
    assert_eq!(blobs, 3, "a layer named twice is read once, plus the config");
}

#[tokio::test]
async fn blobs_in_object_storage_are_fetched_without_credentials() {
    let mut repository = Repository::default();
    repository.image("1", &[Layer::debian("p")]);
    let (blobs, stored) = (repository.blobs.clone(), repository.clone());
    let storage = Peer::start(move |seen| match blobs.get(seen.path().trim_start_matches('/')) {
        Some(blob) => ok(blob.clone()),
        None => status(404),
    })
    .await;
    let away = storage.url("");
    let peer = Peer::start(move |seen| {
        if seen.authorization().is_none() {
            return answer(401, &[("www-authenticate", "Basic realm=\"r\"")], "");
        }
        match seen.path().strip_prefix("/v2/a/b/blobs/") {
            Some(digest) => redirect(&format!("{away}/{digest}?signature=x")),
            None => stored.answer(seen),
        }
    })
    .await;
    let registry = World::new().registry_as_scanner(&peer);
    assert_eq!(names(&scan(&registry, "1").await.unwrap()), ["p"]);
    assert_eq!(storage.seen().len(), 2);
    assert!(storage.seen().iter().all(|s| s.authorization().is_none()));
}

#[tokio::test]
async fn a_layer_that_breaks_off_is_read_again() {
    let mut repository = Repository::default();
    let layer = Layer::debian("p");
    repository.image("1", std::slice::from_ref(&layer));
    let (path, failed) = (format!("/v2/a/b/blobs/{}", layer.digest()), AtomicUsize::new(0));
    let peer = Peer::start(move |seen| {
        if seen.path() == path && failed.fetch_add(1, Ordering::SeqCst) == 0 {
            return broken_off(layer.blob.len(), layer.blob[..20].to_vec());
        }
        repository.answer(seen)
    })
    .await;
    let world = World::new();
    assert_eq!(names(&scan(&world.registry(&peer), "1").await.unwrap()), ["p"]);
    assert_eq!(world.pauses().len(), 1);
}

#[tokio::test]
async fn a_layer_that_stalls_is_given_up() {
    let mut repository = Repository::default();
    let layer = Layer::debian("p");
    repository.image("1", std::slice::from_ref(&layer));
    let path = format!("/v2/a/b/blobs/{}", layer.digest());
    let peer = Peer::start(move |seen| {
        if seen.path() == path {
            return stalled(layer.blob.len(), layer.blob[..20].to_vec());
        }
        repository.answer(seen)
    })
    .await;
    let mut world = World::new();
    world.options.read_timeout = Duration::from_millis(200);
    world.options.retry.attempts = 2;
    let error = scan(&world.registry(&peer), "1").await.unwrap_err();
    assert!(matches!(error, FetchError::Timeout { .. }), "{error}");
    assert!(!error.is_permanent());
}

#[tokio::test]
async fn bad_layers_are_errors_and_not_clean_results() {
    let layer = Layer::debian("p");
    let mut exchanged = Layer::debian("q").blob;
    exchanged.resize(layer.blob.len(), 0);
    let short = layer.blob[..layer.blob.len() - 1].to_vec();
    let long = [layer.blob.clone(), vec![0]].concat();
    for (served, what) in [(exchanged, "exchanged"), (short, "short"), (long, "long")] {
        let mut repository = Repository::default();
        repository.image("1", std::slice::from_ref(&layer));
        repository.blobs.insert(layer.digest().to_string(), served);
        let peer = peer_of(&repository).await;
        let error = scan(&World::new().registry(&peer), "1").await.unwrap_err();
        assert!(error.to_string().contains(&layer.digest().to_string()), "{what}: {error}");
        let expected = matches!(error, FetchError::WrongSize { .. } | FetchError::Layer { .. });
        assert!(expected, "{what}: {error}");
    }
    let garbage = Layer { blob: b"no archive at all".to_vec(), diff_id: Digest::of(b"x") };
    let mut repository = Repository::default();
    repository.image("1", &[garbage]);
    let peer = peer_of(&repository).await;
    let error = scan(&World::new().registry(&peer), "1").await.unwrap_err();
    assert!(matches!(error, FetchError::Layer { .. }), "{error}");
    assert!(error.is_permanent(), "{error}");
}

/// A cache in memory that counts.
#[derive(Default)]
struct Memory {
    known: Mutex<HashMap<Digest, Arc<LayerContents>>>,
}

impl LayerCache for Memory {
    fn get(&self, layer: &Digest) -> Option<Arc<LayerContents>> {
        self.known.lock().unwrap().get(layer).cloned()
    }

    fn put(&self, layer: &Digest, contents: &Arc<LayerContents>) {
        self.known.lock().unwrap().insert(*layer, Arc::clone(contents));
    }
}

#[tokio::test]
async fn known_layers_are_not_fetched() {
    let (base, first, second) = (Layer::debian("base"), Layer::new(&[("a", "1")]), Layer::new(&[("a", "2")]));
    let mut repository = Repository::default();
    repository.image("1", &[base.clone(), first]);
    repository.image("2", &[base.clone(), second.clone()]);
    let peer = peer_of(&repository).await;
    let registry = World::new().registry(&peer);
    let cache: SharedLayerCache = Arc::new(Memory::default());
    let (amd64, limits) = (amd64(), Limits::default());
    registry.scan("a/b", "1", &amd64, &cache, &limits).await.unwrap();
    let before = peer.seen().len();
    let (_, inventory) = registry.scan("a/b", "2", &amd64, &cache, &limits).await.unwrap();
    assert_eq!(names(&inventory), ["base"]);
    let asked: Vec<String> = peer.paths().split_off(before);
    assert_eq!(asked.iter().filter(|p| p.ends_with(&second.digest().to_string())).count(), 1);
    assert!(asked.iter().all(|p| !p.ends_with(&base.digest().to_string())));
}

#[tokio::test]
async fn an_image_without_layers_has_an_empty_inventory() {
    let mut repository = Repository::default();
    repository.image("1", &[]);
    let peer = peer_of(&repository).await;
    assert!(names(&scan(&World::new().registry(&peer), "1").await.unwrap()).is_empty());
}
