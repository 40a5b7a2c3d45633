//! Docker Hub's list of an organization, against a stub of ours that pages, denies, ends tokens and
//! asks for patience.

use std::sync::atomic::{AtomicUsize, Ordering};

use parapet_fetch::{Credentials, DockerHub, FetchError};
use serde_json::{Value, json};

use crate::peer::{Answer, Peer, Seen, answer, ok, status};
use crate::world::World;

fn robot() -> Option<Credentials> {
    Some(Credentials { user: "robot".to_owned(), secret: "dckr_pat_hush".to_owned() })
}

/// Gives `token-1`, `token-2`, …
fn sign_in(seen: &Seen, given: &AtomicUsize) -> Answer {
    let sent: Value = serde_json::from_str(&seen.body).unwrap();
    if (seen.method.as_str(), &sent) != ("POST", &json!({"identifier": "robot", "secret": "dckr_pat_hush"})) {
        return answer(401, &[], r#"{"message": "incorrect authentication credentials"}"#);
    }
    let number = given.fetch_add(1, Ordering::SeqCst) + 1;
    ok(json!({"access_token": format!("token-{number}")}).to_string())
}

fn page(seen: &Seen) -> Answer {
    assert_eq!(seen.path(), "/v2/namespaces/shop/repositories");
    let page = seen.target.split("page=").nth(1).map_or(1, |n| n.parse::<u32>().unwrap());
    let names = json!([{"name": format!("app{page}"), "namespace": "shop"}, {"name": "Not A Name"}]);
    let next = (page < 3).then(|| {
        format!(
            "http://{}/v2/namespaces/shop/repositories?page_size=100&page={}",
            seen.header("host").unwrap(),
            page + 1
        )
    });
    ok(json!({"count": 6, "next": next, "previous": null, "results": names}).to_string())
}

#[tokio::test]
async fn an_organization_is_listed_page_by_page_though_its_token_ends() {
    let given = AtomicUsize::new(0);
    let peer = Peer::start(move |seen| match seen.path() {
        "/v2/auth/token" => sign_in(seen, &given),
        // The first token is good for the first page only.
        _ => match seen.authorization() {
            Some("Bearer token-1") if !seen.target.contains("&page=") => page(seen),
            Some("Bearer token-2") => page(seen),
            _ => answer(401, &[], r#"{"message": "token is expired"}"#),
        },
    })
    .await;
    let hub = DockerHub::new(&World::new().client(), Some(&peer.url("")), robot()).unwrap();
    assert_eq!(hub.repositories("shop", 10).await.unwrap(), ["shop/app1", "shop/app2", "shop/app3"]);
    let logins = peer.paths().into_iter().filter(|path| path == "/v2/auth/token").count();
    assert_eq!(logins, 2);
    assert!(matches!(hub.repositories("shop", 2).await, Err(FetchError::Malformed { .. })));
}

#[tokio::test]
async fn it_waits_when_it_is_asked_to_and_gives_up_when_that_is_long() {
    let asked = AtomicUsize::new(0);
    let peer = Peer::start(move |seen| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => answer(429, &[("retry-after", "7")], ""),
        // Docker Hub's own header says when, not how long.
        1 => answer(429, &[("x-retry-after", "1700000003")], ""),
        _ => page(seen),
    })
    .await;
    let world = World::new();
    let hub = DockerHub::new(&world.client(), Some(&peer.url("")), None).unwrap();
    assert_eq!(hub.repositories("shop", 10).await.unwrap().len(), 3);
    assert_eq!(world.pauses(), [7.0, 3.0]);
    assert!(peer.seen().iter().all(|seen| seen.authorization().is_none()), "nobody signs in as nobody");

    let busy = Peer::start(|_| answer(429, &[("retry-after", "3600")], "")).await;
    let hub = DockerHub::new(&world.client(), Some(&busy.url("")), None).unwrap();
    let error = hub.repositories("shop", 10).await.unwrap_err();
    assert!(matches!(error, FetchError::TooManyRequests { .. }) && !error.is_permanent(), "{error}");
    assert_eq!(busy.seen().len(), 1);
}

#[tokio::test]
async fn who_is_denied_is_told_so_and_pages_lead_nowhere_else() {
    let given = AtomicUsize::new(0);
    let peer = Peer::start(move |seen| match seen.path() {
        "/v2/auth/token" => sign_in(seen, &given),
        _ => status(403),
    })
    .await;
    let hub = |credentials| DockerHub::new(&World::new().client(), Some(&peer.url("")), credentials).unwrap();
    let wrong = Credentials { user: "robot".to_owned(), secret: "guess".to_owned() };
    let error = hub(Some(wrong)).repositories("shop", 10).await.unwrap_err();
    assert!(matches!(error, FetchError::CredentialsRefused { .. }), "{error}");
    let error = hub(robot()).repositories("shop", 10).await.unwrap_err();
    assert!(matches!(error, FetchError::Forbidden { .. }), "{error}");
    for name in ["", "a/b", "..", "A B"] {
        assert!(
            matches!(hub(None).repositories(name, 10).await, Err(FetchError::Malformed { .. })),
            "{name}"
        );
    }
    let lured =
        Peer::start(|_| ok(json!({"next": "https://elsewhere.example/v2/x", "results": []}).to_string()));
    let lured = lured.await;
    let hub = DockerHub::new(&World::new().client(), Some(&lured.url("")), None).unwrap();
    assert!(matches!(hub.repositories("shop", 10).await, Err(FetchError::Malformed { .. })));
}
