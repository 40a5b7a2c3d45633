//! Peers that are busy, broken, slow or rude.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parapet_fetch::FetchError;

use crate::peer::{Peer, answer, ok, status};
use crate::world::World;

#[tokio::test]
async fn statuses_become_errors_that_say_what_to_do() {
    for (code, expected) in [
        (401, "asks for credentials and none are set: authentication required"),
        (403, "forbids this to the account used: authentication required"),
        (404, "there is no registry at http"),
        (418, "answered with the unexpected status 418"),
    ] {
        let body = r#"{"errors":[{"code":"X","message":"authentication required"}]}"#;
        let peer = Peer::start(move |_| answer(code, &[], body)).await;
        let error = World::new().registry(&peer).ping().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{code}: {error}");
        assert!(error.is_permanent(), "{code}");
        assert_eq!(peer.seen().len(), 1, "{code} is not tried again");
    }
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let calls = AtomicUsize::new(0);
    let peer = Peer::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => answer(429, &[("retry-after", "7")], ""),
        // Seven seconds after the test's clock.
        1 => answer(503, &[("retry-after", "Tue, 14 Nov 2023 22:13:22 GMT")], ""),
        _ => ok(""),
    })
    .await;
    let world = World::new();
    world.registry(&peer).ping().await.unwrap();
    assert_eq!(world.pauses(), [7.0, 2.0]);
}

#[tokio::test]
async fn a_long_retry_after_is_left_to_the_caller() {
    let peer = Peer::start(|_| answer(429, &[("retry-after", "3600")], "")).await;
    let world = World::new();
    let error = world.registry(&peer).ping().await.unwrap_err();
    assert!(matches!(error, FetchError::TooManyRequests { .. }), "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert!(!error.is_permanent());
    assert!(world.pauses().is_empty());
}

#[tokio::test]
async fn server_failures_are_tried_again_with_growing_waits() {
    let peer = Peer::start(|_| status(500)).await;
    let world = World::new();
    let error = world.registry(&peer).ping().await.unwrap_err();
    assert!(matches!(&error, FetchError::ServerFailed { status, .. } if status.as_u16() == 500), "{error}");
    assert!(!error.is_permanent());
    assert_eq!(peer.seen().len(), 4);
    assert_eq!(world.pauses(), [0.5, 1.0, 2.0]);
}

#[tokio::test]
async fn a_peer_that_never_answers_is_given_up() {
    let peer = Peer::start(|_| None).await;
    let mut world = World::new();
    world.options.read_timeout = Duration::from_millis(50);
    world.options.retry.attempts = 2;
    let error = world.registry(&peer).ping().await.unwrap_err();
    assert!(matches!(error, FetchError::Timeout { .. }), "{error}");
    assert!(!error.is_permanent());
    assert_eq!(world.pauses().len(), 1);
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_an_error() {
    let port = {
        let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        unused.local_addr().unwrap().port()
    };
    let world = World::new();
    let registry = world.registry_with(parapet_fetch::RegistryOptions {
        endpoint: format!("127.0.0.1:{port}"),
        ..Default::default()
    });
    let error = registry.ping().await.unwrap_err();
    assert!(matches!(error, FetchError::Connect { .. }), "{error}");
    assert!(!error.is_permanent());
}
