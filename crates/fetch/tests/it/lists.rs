//! Repositories and tags over several pages.

use parapet_fetch::FetchError;

use crate::peer::{Answer, Peer, answer, ok};
use crate::world::World;

fn page(next: &str, body: &'static str) -> Answer {
    if next.is_empty() {
        ok(body)
    } else {
        answer(200, &[("link", &format!("<{next}>; rel=\"next\""))], body)
    }
}

#[tokio::test]
async fn pages_are_followed_by_relative_and_absolute_links() {
    let peer = Peer::start(|seen| {
        let own = format!("http://{}", seen.header("host").unwrap());
        match seen.target.as_str() {
            "/v2/a/b/tags/list?n=100" => {
                page("/v2/a/b/tags/list?n=100&last=2", r#"{"name":"a/b","tags":["1","2"]}"#)
            }
            "/v2/a/b/tags/list?n=100&last=2" => {
                page(&format!("{own}/v2/a/b/tags/list?last=3"), r#"{"tags":["3"]}"#)
            }
            "/v2/a/b/tags/list?last=3" => page("list?last=none", r#"{"tags":null}"#),
            "/v2/a/b/tags/list?last=none" => page("", r#"{"tags":["4", "-not a tag-", "../x"]}"#),
            other => panic!("{other}"),
        }
    })
    .await;
    let registry = World::new().registry(&peer);
    assert_eq!(registry.tags("a/b").unwrap().all(100).await.unwrap(), ["1", "2", "3", "4"]);

    let mut pages = registry.tags("a/b").unwrap();
    let mut sizes = Vec::new();
    while let Some(names) = pages.next().await.unwrap() {
        sizes.push(names.len());
    }
    assert_eq!(sizes, [2, 1, 0, 1]);
    assert_eq!(pages.unusable(), 2);
}

#[tokio::test]
async fn links_that_name_another_scheme_or_port_still_lead_to_the_registry() {
    let peer = Peer::start(|seen| match seen.target.as_str() {
        "/v2/_catalog?n=100" => page("https://127.0.0.1/v2/_catalog?last=a", r#"{"repositories":["a"]}"#),
        _ => page("", r#"{"repositories":["b/c"]}"#),
    })
    .await;
    let all = World::new().registry(&peer).repositories().all(100).await.unwrap();
    assert_eq!(all, ["a", "b/c"]);
    assert_eq!(peer.seen()[1].target, "/v2/_catalog?last=a");
}

#[tokio::test]
async fn a_path_that_looks_like_a_host_is_a_path() {
    let peer = Peer::start(|seen| match seen.target.as_str() {
        "/v2/_catalog?n=100" => page("/.//elsewhere.test/v2/", r#"{"repositories":["a"]}"#),
        _ => page("", r#"{"repositories":["b"]}"#),
    })
    .await;
    assert_eq!(World::new().registry(&peer).repositories().all(100).await.unwrap(), ["a", "b"]);
    assert_eq!(peer.seen()[1].target, "//elsewhere.test/v2/");
}

#[tokio::test]
async fn circles_elsewhere_and_too_many_are_errors() {
    for next in ["/v2/_catalog?n=100", "http://elsewhere.test/v2/_catalog", "//elsewhere.test/"] {
        let peer = Peer::start(move |_| page(next, r#"{"repositories":["a"]}"#)).await;
        let error = World::new().registry(&peer).repositories().all(1000).await.unwrap_err();
        assert!(matches!(error, FetchError::Malformed { .. }), "{error}");
        assert_eq!(peer.seen().len(), 1, "{error}");
    }
    let peer = Peer::start(|_| ok(r#"{"repositories":["a","b","c"]}"#)).await;
    let error = World::new().registry(&peer).repositories().all(2).await.unwrap_err();
    assert!(error.to_string().contains("more than 2 entries"), "{error}");
}

#[tokio::test]
async fn garbage_and_names_that_are_none_are_errors() {
    let peer = Peer::start(|_| ok("[".repeat(10_000))).await;
    let registry = World::new().registry(&peer);
    let error = registry.tags("a").unwrap().all(10).await.unwrap_err();
    assert!(matches!(error, FetchError::Malformed { .. }), "{error}");
    for name in ["", "../admin", "a/../../b", "A", "a?x", "a/"] {
        assert!(registry.tags(name).is_err(), "{name:?}");
    }
}

#[tokio::test]
async fn a_missing_repository_is_named() {
    let peer = Peer::start(|_| answer(404, &[], "")).await;
    let registry = World::new().registry(&peer);
    let error = registry.tags("a/b").unwrap().all(10).await.unwrap_err();
    assert_eq!(error.to_string(), format!("there is no repository {}/a/b", peer.address));
}
