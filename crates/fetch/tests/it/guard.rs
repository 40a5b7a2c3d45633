//! Addresses that must not be connected to, named directly, by a name, by a redirect.

use parapet_fetch::{AddressPolicy, Client, FetchError, Registry, RegistryOptions};

use crate::peer::{Peer, answer, ok, redirect};
use crate::world::World;

fn at(client: &Client, endpoint: &str) -> Result<Registry, FetchError> {
    Registry::new(
        client,
        RegistryOptions { endpoint: endpoint.to_owned(), plain_http: true, ..Default::default() },
    )
}

fn is_forbidden(error: &FetchError) -> bool {
    matches!(error, FetchError::ForbiddenAddress { .. }) && error.is_permanent()
}

#[tokio::test]
async fn the_metadata_service_by_address() {
    let client = World::new().client();
    for endpoint in [
        "169.254.169.254",
        "http://[::ffff:169.254.169.254]",
        "0xa9fea9fe",
        "2852039166",
        "[fe80::1]:5000",
        "0.0.0.0:80",
    ] {
        let error = at(&client, endpoint).unwrap_err();
        assert!(is_forbidden(&error), "{endpoint}: {error}");
    }
}

#[tokio::test]
async fn the_metadata_service_by_name() {
    let world = World::new().name("registry.test", &["169.254.169.254"]);
    let error = at(&world.client(), "registry.test").unwrap().ping().await.unwrap_err();
    assert!(is_forbidden(&error), "{error}");
    assert_eq!(
        error.to_string(),
        "registry.test is at 169.254.169.254, which is a link-local address: connecting there is not allowed"
    );
}

#[tokio::test]
async fn the_metadata_service_by_redirect() {
    let world = World::new().name("innocent.test", &["fd00:ec2::254"]);
    for target in ["http://169.254.169.254/latest/meta-data/", "http://innocent.test/"] {
        let peer = Peer::start(move |_| redirect(target)).await;
        let error = world.registry(&peer).ping().await.unwrap_err();
        assert!(is_forbidden(&error), "{target}: {error}");
    }
}

#[tokio::test]
async fn the_metadata_service_as_token_service_or_next_page() {
    let world = World::new();
    let peer = Peer::start(|seen| match seen.path() {
        "/v2/" => answer(401, &[("www-authenticate", "Bearer realm=\"http://169.254.169.254/token\"")], ""),
        _ => answer(200, &[("link", "<http://169.254.169.254/v2/_catalog>; rel=\"next\"")], "{}"),
    })
    .await;
    let registry = world.registry(&peer);
    assert!(matches!(registry.ping().await.unwrap_err(), FetchError::ForeignTokenService { .. }));
    let error = registry.repositories().all(10).await.unwrap_err();
    assert!(matches!(error, FetchError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn only_allowed_addresses_of_a_name_are_connected_to() {
    let peer = Peer::start(|_| ok("")).await;
    let world = World::new().name("registry.test", &["169.254.169.254", "127.0.0.1"]);
    at(&world.client(), &format!("registry.test:{}", peer.address.port())).unwrap().ping().await.unwrap();
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn loopback_can_be_forbidden() {
    let peer = Peer::start(|_| ok("")).await;
    let mut world = World::new().name("registry.test", &["127.0.0.1"]);
    world.options.allow = AddressPolicy { loopback: false, private: true };
    let client = world.client();
    assert!(is_forbidden(&at(&client, &peer.url("")).unwrap_err()));
    let named = at(&client, &format!("registry.test:{}", peer.address.port())).unwrap();
    assert!(is_forbidden(&named.ping().await.unwrap_err()));
    assert!(peer.seen().is_empty());
}

#[tokio::test]
async fn a_name_without_address_says_so() {
    let error = at(&World::new().client(), "nowhere.test").unwrap().ping().await.unwrap_err();
    assert!(matches!(error, FetchError::Resolve { .. }), "{error}");
    assert!(!error.is_permanent());
}
