//! Basic, Bearer, and where credentials go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parapet_fetch::{FetchError, RegistryOptions};

use crate::peer::{Answer, Peer, Seen, answer, ok};
use crate::world::{BASIC, World, scanner};

fn ask_for_basic() -> Answer {
    answer(401, &[("www-authenticate", "Basic realm=\"r\"")], "")
}

fn ask_for_token(seen: &Seen, realm: &str) -> Answer {
    let scope = match seen.path() {
        "/v2/" => String::new(),
        _ => ",scope=\"repository:a/b:pull,push\"".to_owned(),
    };
    let challenge = format!("Bearer realm=\"{realm}\",service=\"the registry\"{scope}");
    answer(401, &[("www-authenticate", &challenge)], "")
}

/// A token service that gives out `token-1`, `token-2`, … for a minute each.
async fn token_service() -> Peer {
    let given = AtomicUsize::new(0);
    Peer::start(move |_| {
        let number = given.fetch_add(1, Ordering::SeqCst) + 1;
        ok(format!(r#"{{"access_token":"token-{number}","expires_in":60}}"#))
    })
    .await
}

/// A registry that wants any token of `realm` but `revoked`.
async fn token_registry(realm: String, revoked: &'static str) -> Peer {
    Peer::start(move |seen| match seen.authorization() {
        Some(token) if token.starts_with("Bearer ") && token != revoked => ok(r#"{"tags":["1"]}"#),
        _ => ask_for_token(seen, &realm),
    })
    .await
}

async fn tags(registry: &parapet_fetch::Registry) -> Result<Vec<String>, FetchError> {
    registry.tags("a/b")?.all(10).await
}

#[tokio::test]
async fn basic_is_sent_after_it_was_asked_for_and_then_at_once() {
    let peer = Peer::start(|seen| match seen.authorization() {
        Some(BASIC) => ok("{}"),
        _ => ask_for_basic(),
    })
    .await;
    let registry = World::new().registry_as_scanner(&peer);
    registry.ping().await.unwrap();
    registry.ping().await.unwrap();
    let sent: Vec<_> = peer.seen().iter().map(|s| s.authorization().map(str::to_owned)).collect();
    assert_eq!(sent, [None, Some(BASIC.to_owned()), Some(BASIC.to_owned())]);
}

#[tokio::test]
async fn refused_credentials_are_told_from_missing_ones() {
    let peer = Peer::start(|_| ask_for_basic()).await;
    let world = World::new();
    let refused = world.registry_as_scanner(&peer).ping().await.unwrap_err();
    assert!(matches!(refused, FetchError::CredentialsRefused { .. }), "{refused}");
    assert!(refused.to_string().contains("refused the credentials"));
    assert_eq!(peer.seen().len(), 2, "not tried over and over");
    let missing = world.registry(&peer).ping().await.unwrap_err();
    assert!(matches!(missing, FetchError::CredentialsNeeded { .. }), "{missing}");
}

#[tokio::test]
async fn a_token_is_fetched_used_again_and_renewed_when_it_ends() {
    let service = token_service().await;
    let registry_peer = token_registry(service.url("/token?account=x"), "").await;
    let world = World::new();
    let registry = world.registry_as_scanner(&registry_peer);
    assert_eq!(tags(&registry).await.unwrap(), ["1"]);
    assert_eq!(tags(&registry).await.unwrap(), ["1"]);
    assert_eq!(service.seen().len(), 1);
    let asked = &service.seen()[0];
    assert_eq!(asked.target, "/token?account=x&service=the+registry&scope=repository%3Aa%2Fb%3Apull");
    assert_eq!(asked.authorization(), Some(BASIC));

    world.clock.advance(60_000);
    assert_eq!(tags(&registry).await.unwrap(), ["1"]);
    assert_eq!(service.seen().len(), 2);
    assert_eq!(registry_peer.seen().last().unwrap().authorization(), Some("Bearer token-2"));
    assert!(
        registry_peer.seen().iter().all(|s| s.authorization() != Some(BASIC)),
        "the password goes to the token service only"
    );
}

#[tokio::test]
async fn a_token_refused_before_its_time_is_renewed_once() {
    let service = token_service().await;
    let peer = token_registry(service.url("/token"), "Bearer token-1").await;
    let world = World::new();
    let registry = world.registry(&peer);
    let error = tags(&registry).await.unwrap_err();
    assert!(matches!(error, FetchError::CredentialsNeeded { .. }), "{error}");
    assert_eq!(tags(&registry).await.unwrap(), ["1"]);
    assert_eq!(service.seen().len(), 2);
    assert_eq!(service.seen()[0].authorization(), None, "anonymous tokens are asked for without credentials");
}

#[tokio::test]
async fn tokens_are_kept_by_repository() {
    let service = token_service().await;
    let peer = token_registry(service.url("/token"), "").await;
    let registry = World::new().registry(&peer);
    tags(&registry).await.unwrap();
    registry.tags("c/d").unwrap().all(10).await.unwrap();
    tags(&registry).await.unwrap();
    assert_eq!(service.seen().len(), 2);
    assert!(service.seen()[1].target.ends_with("scope=repository%3Ac%2Fd%3Apull"));
}

#[tokio::test]
async fn a_token_service_elsewhere_gets_nothing_unless_listed() {
    let service = Arc::new(token_service().await);
    let port = service.address.port();
    let peer = token_registry(format!("http://tokens.test:{port}/"), "").await;
    let world = World::new().name("tokens.test", &["127.0.0.1"]);
    let error = world.registry_as_scanner(&peer).ping().await.unwrap_err();
    assert!(matches!(error, FetchError::ForeignTokenService { .. }), "{error}");
    assert!(error.to_string().contains("tokens.test"), "{error}");
    assert!(service.seen().is_empty());

    let listed = world.registry_with(RegistryOptions {
        endpoint: peer.url(""),
        credentials: Some(scanner()),
        token_hosts: vec!["tokens.test".to_owned()],
        ..Default::default()
    });
    listed.ping().await.unwrap();
    assert_eq!(service.seen()[0].authorization(), Some(BASIC));
}

#[tokio::test]
async fn a_token_service_that_refuses_or_babbles_is_named() {
    for (answer_of_service, expected) in [
        (401, "refused the credentials"),
        (200, "its answer is not a token"),
        (404, "there is no token service at"),
    ] {
        let service = Peer::start(move |_| answer(answer_of_service, &[], "<html>")).await;
        let peer = token_registry(service.url("/token"), "").await;
        let error = World::new().registry_as_scanner(&peer).ping().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.to_string().contains("/token"), "{error}");
        assert!(!error.to_string().contains("service="), "{error}");
    }
}
