//! Azure's exchange of tokens, against a directory and a registry of ours that check every field,
//! deny, let tokens end, and page.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use parapet_fetch::{Acr, AcrOptions, FetchError, Granted, Login, RegistryOptions};
use serde_json::json;

use crate::peer::{Answer, Peer, Seen, answer, ok, status};
use crate::world::World;

const TENANT: &str = "409520d4-0000-4000-8000-72432ddcc120";
/// The clock of the tests in seconds.
const NOW: i64 = 1_700_000_000;

fn form(seen: &Seen) -> BTreeMap<String, String> {
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    url::form_urlencoded::parse(seen.body.as_bytes()).into_owned().collect()
}

fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Knows the application `app` with the secret `hush` and nobody else.
async fn directory() -> Peer {
    Peer::start(|seen| {
        assert_eq!(
            (seen.method.as_str(), seen.path()),
            ("POST", "/409520d4-0000-4000-8000-72432ddcc120/oauth2/v2.0/token")
        );
        let wanted = fields(&[
            ("grant_type", "client_credentials"),
            ("client_id", "app"),
            ("client_secret", "hush"),
            ("scope", "https://containerregistry.azure.net/.default"),
        ]);
        if form(seen) != wanted {
            return answer(401, &[], r#"{"error": "invalid_client"}"#);
        }
        ok(r#"{"token_type": "Bearer", "expires_in": 3599, "access_token": "directory-token"}"#)
    })
    .await
}

/// A refresh token with a number, which ends an hour after the tests began.
fn refresh_token(number: usize) -> String {
    let claims = json!({"exp": NOW + 3600, "grant_type": "refresh_token", "jti": number}).to_string();
    format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims))
}

/// A registry of ours; only the refresh token given out last is good, and only while `alive` says so.
async fn registry(alive: impl Fn(usize) -> bool + Send + Sync + 'static) -> Peer {
    let given = AtomicUsize::new(0);
    let asked = AtomicUsize::new(0);
    Peer::start(move |seen| {
        let host = seen.header("host").unwrap().to_owned();
        let last = refresh_token(given.load(Ordering::SeqCst));
        match seen.path() {
            "/oauth2/exchange" => {
                let wanted = fields(&[
                    ("grant_type", "access_token"),
                    ("service", &host),
                    ("tenant", TENANT),
                    ("access_token", "directory-token"),
                ]);
                if seen.method != "POST" || form(seen) != wanted {
                    return answer(401, &[], r#"{"errors": [{"code": "UNAUTHORIZED"}]}"#);
                }
                let number = given.fetch_add(1, Ordering::SeqCst) + 1;
                ok(json!({"refresh_token": refresh_token(number)}).to_string())
            }
            "/oauth2/token" => {
                let mut sent = form(seen);
                let scope = sent.remove("scope");
                let wanted = fields(&[
                    ("grant_type", "refresh_token"),
                    ("client_id", "parapet"),
                    ("service", &host),
                    ("refresh_token", &last),
                ]);
                if seen.method != "POST" || sent != wanted || !alive(given.load(Ordering::SeqCst)) {
                    return answer(401, &[], r#"{"errors": [{"code": "UNAUTHORIZED"}]}"#);
                }
                ok(json!({"access_token": scope.unwrap_or_default()}).to_string())
            }
            "/v2/_catalog" => page(seen, &host, "registry:catalog:*", asked.fetch_add(1, Ordering::SeqCst)),
            _ => status(404),
        }
    })
    .await
}

/// Two pages, with a challenge before them where there is no token of that scope.
fn page(seen: &Seen, host: &str, scope: &str, asked: usize) -> Answer {
    // The third request is the one for the second page: its token is refused, as one that is over is.
    if seen.authorization() != Some(&format!("Bearer {scope}")) || asked == 2 {
        let challenge =
            format!("Bearer realm=\"http://{host}/oauth2/token\",service=\"{host}\",scope=\"{scope}\"");
        return answer(401, &[("www-authenticate", &challenge)], "");
    }
    match seen.target.contains("last=") {
        false => answer(
            200,
            &[("link", "</v2/_catalog?last=a&n=100>; rel=\"next\"")],
            r#"{"repositories": ["team/a"]}"#,
        ),
        true => ok(r#"{"repositories": ["team/b"]}"#),
    }
}

fn options(registry: &Peer, directory: &Peer) -> AcrOptions {
    AcrOptions {
        registry: registry.url(""),
        tenant: TENANT.to_owned(),
        application: "app".to_owned(),
        secret: "hush".to_owned(),
        directory: Some(directory.url("/")),
    }
}

#[derive(Debug)]
struct Exchange(Acr);

impl Login for Exchange {
    fn credentials(&self, _: bool) -> BoxFuture<'_, Result<Granted, FetchError>> {
        self.0.refresh_token().boxed()
    }
}

fn signed_in(world: &World, registry: &Peer, acr: Acr) -> parapet_fetch::Registry {
    world.registry_with(RegistryOptions {
        endpoint: registry.url(""),
        login: Some(Arc::new(Exchange(acr))),
        ..Default::default()
    })
}

#[tokio::test]
async fn an_application_becomes_a_refresh_token_and_that_a_token_for_each_scope() {
    let (directory, registry) = (directory().await, registry(|_| true).await);
    let world = World::new();
    let acr = Acr::new(&world.client(), options(&registry, &directory)).unwrap();
    let granted = acr.refresh_token().await.unwrap();
    assert_eq!(granted.credentials.user, parapet_fetch::REFRESH_TOKEN_USER);
    assert_eq!(granted.until, (NOW + 3600) * 1000, "its own word of its end is believed");
    let repositories = signed_in(&world, &registry, acr).repositories().all(10).await.unwrap();
    assert_eq!(repositories, ["team/a", "team/b"]);
    let seen = registry.seen();
    assert!(seen.iter().all(|s| !s.target.contains("hush") && !s.body.contains("hush")), "the secret stays");
    assert!(seen.iter().filter(|s| s.path() == "/v2/_catalog").all(|s| s.body.is_empty()));
    assert_eq!(directory.seen().len(), 2);
}

#[tokio::test]
async fn a_refresh_token_that_ends_in_the_middle_is_got_again() {
    // The first refresh token is no longer taken when the second page asks for a token.
    let asked = AtomicUsize::new(0);
    let registry = registry(move |number| number > 1 || asked.fetch_add(1, Ordering::SeqCst) == 0).await;
    let (directory, world) = (directory().await, World::new());
    let acr = Acr::new(&world.client(), options(&registry, &directory)).unwrap();
    let mut pages = signed_in(&world, &registry, acr).repositories();
    assert_eq!(pages.next().await.unwrap().unwrap(), ["team/a"]);
    world.clock.advance(120_000);
    assert_eq!(pages.next().await.unwrap().unwrap(), ["team/b"]);
    let exchanges = registry.paths().into_iter().filter(|path| path == "/oauth2/exchange").count();
    assert_eq!(exchanges, 2);
}

#[tokio::test]
async fn who_is_denied_is_told_so_and_asks_once() {
    let (directory, registry) = (directory().await, registry(|_| false).await);
    let world = World::new();
    let wrong = AcrOptions { secret: "guess".to_owned(), ..options(&registry, &directory) };
    let refused = Acr::new(&world.client(), wrong).unwrap().refresh_token().await.unwrap_err();
    assert!(matches!(refused, FetchError::CredentialsRefused { .. }), "{refused}");
    assert!(registry.seen().is_empty(), "the registry is not asked for who the directory does not know");
    assert!(!refused.to_string().contains("guess"));

    let acr = Acr::new(&world.client(), options(&registry, &directory)).unwrap();
    let refused = signed_in(&world, &registry, acr).repositories().next().await.unwrap_err();
    assert!(matches!(refused, FetchError::CredentialsRefused { .. }), "{refused}");
    let exchanges = registry.paths().into_iter().filter(|path| path == "/oauth2/exchange").count();
    assert_eq!(exchanges, 1, "fresh ones that are refused are wrong, not over");
}

#[tokio::test]
async fn what_cannot_be_a_tenant_goes_nowhere() {
    let (directory, registry) = (directory().await, registry(|_| true).await);
    for tenant in ["", "a/b", "..", "a?b", &"a".repeat(200)] {
        let options = AcrOptions { tenant: tenant.to_owned(), ..options(&registry, &directory) };
        let error = Acr::new(&World::new().client(), options).map(drop).unwrap_err();
        assert!(matches!(error, FetchError::BadUrl { .. }), "{tenant}: {error}");
    }
    assert!(!format!("{:?}", options(&registry, &directory)).contains("hush"));
}
