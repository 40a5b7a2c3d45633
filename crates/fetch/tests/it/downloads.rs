//! Feed downloads.

use std::sync::atomic::{AtomicUsize, Ordering};

use parapet_fetch::{Download, FetchError, Validators, download};
use parapet_model::Digest;
use url::Url;

use crate::peer::{Peer, answer, broken_off, ok, status};
use crate::world::World;

fn url(peer: &Peer) -> Url {
    peer.url("/feed.zip").parse().unwrap()
}

fn entries(directory: &tempfile::TempDir) -> usize {
    std::fs::read_dir(directory.path()).unwrap().count()
}

#[tokio::test]
async fn a_feed_is_stored_and_not_loaded_again_while_it_is_the_same() {
    let peer = Peer::start(|seen| match seen.header("if-none-match") {
        Some("\"v1\"") => status(304),
        _ => {
            answer(200, &[("etag", "\"v1\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")], "PK bytes")
        }
    })
    .await;
    let (client, directory) = (World::new().client(), tempfile::tempdir().unwrap());
    let first = download(&client, &url(&peer), &Validators::default(), directory.path(), 1000).await.unwrap();
    let Download::File(first) = first else { panic!("{first:?}") };
    assert_eq!(std::fs::read(first.file.path()).unwrap(), b"PK bytes");
    assert_eq!(first.bytes, 8);
    assert_eq!(first.sha256, Digest::of(b"PK bytes"));
    assert_eq!(first.validators.etag.as_deref(), Some("\"v1\""));

    let again = download(&client, &url(&peer), &first.validators, directory.path(), 1000).await.unwrap();
    assert!(matches!(again, Download::NotModified));
    assert_eq!(peer.seen()[1].header("if-modified-since"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(peer.seen()[1].header("accept-encoding"), Some("identity"));
    drop(first);
    assert_eq!(entries(&directory), 0);
}

#[tokio::test]
async fn bytes_are_stored_as_sent() {
    let peer = Peer::start(|_| answer(200, &[("content-encoding", "gzip")], vec![0x1f, 0x8b, 1, 2])).await;
    let (client, directory) = (World::new().client(), tempfile::tempdir().unwrap());
    let file = download(&client, &url(&peer), &Validators::default(), directory.path(), 1000).await.unwrap();
    let Download::File(file) = file else { panic!("{file:?}") };
    assert_eq!(std::fs::read(file.file.path()).unwrap(), [0x1f, 0x8b, 1, 2]);
}

#[tokio::test]
async fn a_broken_transfer_is_started_again() {
    let calls = AtomicUsize::new(0);
    let peer = Peer::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => broken_off(100, vec![b'x'; 40]),
        _ => ok("whole"),
    })
    .await;
    let (world, directory) = (World::new(), tempfile::tempdir().unwrap());
    let file =
        download(&world.client(), &url(&peer), &Validators::default(), directory.path(), 1000).await.unwrap();
    let Download::File(file) = file else { panic!("{file:?}") };
    assert_eq!(std::fs::read(file.file.path()).unwrap(), b"whole");
    assert_eq!(world.pauses().len(), 1);
    assert_eq!(entries(&directory), 1);
}

#[tokio::test]
async fn nothing_is_left_after_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let client = World::new().client();
    let unbounded = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0_u8; 1000]));
    let unbounded = std::sync::Mutex::new(Some(unbounded));
    let endless = Peer::start(move |_| {
        let body = unbounded.lock().unwrap().take().unwrap();
        answer(200, &[], axum::body::Body::from_stream(body))
    })
    .await;
    let honest = Peer::start(|_| ok(vec![0_u8; 5001])).await;
    for peer in [&endless, &honest] {
        let error =
            download(&client, &url(peer), &Validators::default(), directory.path(), 5000).await.unwrap_err();
        assert!(matches!(error, FetchError::TooLarge { limit: 5000, .. }), "{error}");
        assert!(error.is_permanent());
    }
    let missing = Peer::start(|_| status(404)).await;
    let error =
        download(&client, &url(&missing), &Validators::default(), directory.path(), 5000).await.unwrap_err();
    assert!(matches!(error, FetchError::NotFound { .. }), "{error}");
    assert_eq!(entries(&directory), 0);
}

#[tokio::test]
async fn not_modified_without_a_question_is_an_error() {
    let peer = Peer::start(|_| status(304)).await;
    let (client, directory) = (World::new().client(), tempfile::tempdir().unwrap());
    let error =
        download(&client, &url(&peer), &Validators::default(), directory.path(), 10).await.unwrap_err();
    assert!(matches!(error, FetchError::UnexpectedStatus { .. }), "{error}");
}
