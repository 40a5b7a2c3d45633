//! Redirects: how many, where to, and what goes along.

use parapet_fetch::{FetchError, RegistryOptions};

use crate::peer::{Peer, answer, ok, redirect, status};
use crate::world::{BASIC, World, scanner};

#[tokio::test]
async fn for_ever_is_stopped() {
    let peer = Peer::start(|_| redirect("/v2/")).await;
    let error = World::new().registry(&peer).ping().await.unwrap_err();
    assert!(matches!(error, FetchError::RedirectsForever { .. }), "{error}");
    assert!(error.is_permanent());
    assert_eq!(peer.seen().len(), 6);
}

#[tokio::test]
async fn five_are_followed() {
    let peer = Peer::start(|seen| match seen.path() {
        "/v2/" => redirect("/1"),
        "/1" => redirect("/2"),
        "/2" => redirect("/3"),
        "/3" => redirect("/4"),
        "/4" => redirect("/end"),
        _ => ok(""),
    })
    .await;
    World::new().registry(&peer).ping().await.unwrap();
}

#[tokio::test]
async fn credentials_stay_with_the_origin() {
    let elsewhere = Peer::start(|_| ok("")).await;
    let away = elsewhere.url("/bucket?signature=x");
    let peer = Peer::start(move |seen| match (seen.path(), seen.authorization()) {
        (_, None) => answer(401, &[("www-authenticate", "Basic realm=\"r\"")], ""),
        ("/v2/", _) => redirect("/within"),
        _ => redirect(&away),
    })
    .await;
    World::new().registry_as_scanner(&peer).ping().await.unwrap();
    let within: Vec<_> = peer.seen().iter().filter(|s| s.path() == "/within").cloned().collect();
    assert_eq!(within[0].authorization(), Some(BASIC), "the same origin keeps the credentials");
    assert_eq!(elsewhere.seen().len(), 1);
    assert_eq!(elsewhere.seen()[0].authorization(), None, "another port is another origin");
}

#[tokio::test]
async fn a_challenge_from_elsewhere_is_not_answered() {
    let elsewhere = Peer::start(|_| answer(401, &[("www-authenticate", "Basic realm=\"r\"")], "")).await;
    let away = elsewhere.url("/");
    let peer = Peer::start(move |_| redirect(&away)).await;
    let error = World::new().registry_as_scanner(&peer).ping().await.unwrap_err();
    assert!(matches!(error, FetchError::CredentialsNeeded { .. }), "{error}");
    assert!(elsewhere.seen().iter().all(|s| s.authorization().is_none()));
}

#[tokio::test]
async fn targets_that_make_no_sense_are_errors() {
    for (location, what) in
        [("", ""), ("ftp://127.0.0.1/x", "ftp"), ("http://user:pw@127.0.0.1/", "userinfo")]
    {
        let peer =
            Peer::start(move |_| if location.is_empty() { status(302) } else { redirect(location) }).await;
        let error = World::new().registry(&peer).ping().await.unwrap_err();
        let expected = matches!(error, FetchError::BadRedirect { .. } | FetchError::BadUrl { .. });
        assert!(expected && error.is_permanent(), "{what}: {error}");
        assert!(!error.to_string().contains("pw"), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_is_used_only_when_configured() {
    let proxy = Peer::start(|_| ok("")).await;
    let mut world = World::new();
    world.options.proxy = Some(proxy.url("/").parse().unwrap());
    let options = RegistryOptions {
        endpoint: "registry.example:5000".to_owned(),
        credentials: Some(scanner()),
        ..Default::default()
    };
    world.registry_with(options).ping().await.unwrap();
    assert_eq!(proxy.seen()[0].target, "http://registry.example:5000/v2/");
}
