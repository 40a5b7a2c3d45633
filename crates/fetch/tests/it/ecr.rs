//! Amazon's side of a registry: a role that is given or denied, passwords that end, lists in pages.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parapet_fetch::{AwsKeys, Ecr, EcrOptions, FetchError};
use parapet_model::TestClock;
use serde_json::{Value, json};

use crate::peer::{Answer, Peer, Seen, answer, ok, redirect};
use crate::world::World;

thread_local! {
    /// What a peer of the same thread moves on.
    static CLOCK: RefCell<TestClock> = RefCell::new(TestClock::at(0));
}

const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

fn options(endpoint: String) -> EcrOptions {
    EcrOptions {
        keys: AwsKeys {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: None,
        },
        role: ROLE.to_owned(),
        external_id: "42".to_owned(),
        region: "eu-central-1".to_owned(),
        account: "123456789012".to_owned(),
        endpoint: Some(endpoint),
    }
}

const GIVEN: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
     <Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role+secret/key</SecretAccessKey>\
     <SessionToken>FwoG/token==</SessionToken><Expiration>2026-11-02T01:00:00Z</Expiration></Credentials>\
     </AssumeRoleResult></AssumeRoleResponse>";

/// What a script of ours answers to ECR's calls.
fn action(seen: &Seen) -> &str {
    seen.header("x-amz-target").and_then(|t| t.rsplit_once('.')).map_or("AssumeRole", |(_, action)| action)
}

#[tokio::test]
async fn a_role_is_taken_and_gives_the_password_and_all_pages_of_repositories() {
    let password = STANDARD.encode("AWS:a password");
    let peer = Peer::start(move |seen| match action(seen) {
        "AssumeRole" => ok(GIVEN),
        "GetAuthorizationToken" => ok(json!({"authorizationData": [{
            "authorizationToken": password, "expiresAt": 1_700_043_200.5, "proxyEndpoint": "https://x"}]})
        .to_string()),
        _ => {
            let asked: Value = serde_json::from_str(&seen.body).unwrap();
            let page = asked["nextToken"].as_str().map_or(0, |token| token.parse::<u32>().unwrap());
            let mut body = json!({"repositories": [{"repositoryName": format!("team/r{page}")}]});
            if page < 2 {
                body["nextToken"] = Value::from((page + 1).to_string());
            }
            ok(body.to_string())
        }
    })
    .await;
    let client = World::new().client();
    let ecr = Ecr::assume(&client, options(peer.url("/"))).await.unwrap();
    let token = ecr.token().await.unwrap();
    assert_eq!((token.credentials.user.as_str(), token.credentials.secret.as_str()), ("AWS", "a password"));
    assert_eq!(token.until, 1_700_043_200_500);
    assert_eq!(ecr.repositories(10).await.unwrap(), ["team/r0", "team/r1", "team/r2"]);
    assert!(matches!(ecr.repositories(2).await, Err(FetchError::Malformed { .. })));

    let seen = peer.seen();
    let role = &seen[0];
    assert!(role.body.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Freader"), "{}", role.body);
    assert!(role.body.contains("ExternalId=42"));
    let signed = role.authorization().unwrap();
    assert!(
        signed.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/eu-central-1/sts/aws4_request")
    );
    let later = &seen[1];
    assert!(later.authorization().unwrap().contains("Credential=ASIAROLE/20231114/eu-central-1/ecr/"));
    assert_eq!(later.header("x-amz-security-token"), Some("FwoG/token=="));
    assert!(seen.iter().all(|s| !s.body.contains("EXAMPLEKEY") && !s.body.contains("role+secret")));
}

async fn refusal(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> FetchError {
    let peer = Peer::start(answer).await;
    match Ecr::assume(&World::new().client(), options(peer.url("/"))).await {
        Ok(ecr) => ecr.token().await.map(drop).unwrap_err(),
        Err(error) => error,
    }
}

#[tokio::test]
async fn what_is_denied_or_over_is_an_error_that_says_so() {
    let denied = refusal(|_| answer(403, &[], "<Error><Code>AccessDenied</Code></Error>")).await;
    assert!(matches!(denied, FetchError::Forbidden { .. }), "{denied}");
    let over = refusal(|seen| match action(seen) {
        "AssumeRole" => ok(GIVEN),
        _ => answer(400, &[], r#"{"__type": "ExpiredTokenException", "message": "the token is over"}"#),
    })
    .await;
    assert!(matches!(over, FetchError::UnexpectedStatus { .. }) && over.is_permanent(), "{over}");
    for nonsense in ["", "<AccessKeyId>x</AccessKeyId>", "\u{1}"] {
        let error = refusal(move |_| ok(nonsense)).await;
        assert!(matches!(error, FetchError::Malformed { .. }), "{error}");
    }
    let garbled = refusal(|_| ok(GIVEN)).await;
    assert!(matches!(garbled, FetchError::Malformed { .. }) && !garbled.to_string().contains("role+secret"));
}

/// A form with a signature is sent to nobody else, and never to a metadata service.
#[tokio::test]
async fn nothing_is_sent_elsewhere() {
    let other = Peer::start(|_| ok(GIVEN)).await;
    let target = other.url("/");
    let error = refusal(move |_| redirect(&target)).await;
    assert!(matches!(error, FetchError::BadRedirect { .. }), "{error}");
    assert!(other.seen().is_empty());
    let client = World::new().client();
    for (endpoint, region) in
        [("http://169.254.169.254/", "eu-central-1"), ("http://127.0.0.1:1/", "eu/../x")]
    {
        let options = EcrOptions { region: region.to_owned(), ..options(endpoint.to_owned()) };
        let error = Ecr::assume(&client, options).await.unwrap_err();
        assert!(matches!(error, FetchError::ForbiddenAddress { .. } | FetchError::BadUrl { .. }), "{error}");
    }
}

/// A role that ends while a long list is read is taken again, and the list goes on where it was.
#[tokio::test]
async fn a_session_that_ends_in_the_middle_of_a_list_is_renewed() {
    let taken = AtomicUsize::new(0);
    let peer = Peer::start(move |seen| match action(seen) {
        "AssumeRole" => {
            let number = taken.fetch_add(1, Ordering::SeqCst) + 1;
            let given = GIVEN.replace("ASIAROLE", &format!("ASIAROLE{number}"));
            let until = if number < 3 { "2023-11-14T23:13:20Z" } else { "2023-11-15T23:13:20Z" };
            ok(given.replace("2026-11-02T01:00:00Z", until))
        }
        _ => {
            let asked: Value = serde_json::from_str(&seen.body).unwrap();
            let page = asked["nextToken"].as_str().map_or(0, |token| token.parse::<u32>().unwrap());
            // The second page's session ends before its time; the fourth's when it said it would.
            let session = seen.authorization().unwrap();
            let needed = 1 + page / 2;
            if page == 2 && session.contains("ASIAROLE1/") {
                return answer(400, &[], r#"{"__type": "ExpiredTokenException", "message": "over"}"#);
            }
            assert!(page < 2 || session.contains(&format!("ASIAROLE{needed}/")), "{page}: {session}");
            let mut body = json!({"repositories": [{"repositoryName": format!("team/r{page}")}]});
            if page < 5 {
                body["nextToken"] = Value::from((page + 1).to_string());
            }
            CLOCK.with_borrow(
                |clock| if page == 3 { clock.advance(3_600_000) } else { clock.advance(70_000) },
            );
            ok(body.to_string())
        }
    })
    .await;
    let world = World::new();
    CLOCK.with_borrow_mut(|clock| *clock = world.clock.clone());
    let ecr = Ecr::assume(&world.client(), options(peer.url("/"))).await.unwrap();
    let all = ecr.repositories(10).await.unwrap();
    assert_eq!(all, ["team/r0", "team/r1", "team/r2", "team/r3", "team/r4", "team/r5"]);
    let roles = peer.seen().iter().filter(|seen| action(seen) == "AssumeRole").count();
    assert_eq!(roles, 3);
}

/// An emulator that takes any credential: it shows the shapes of the answers, not the signatures.
#[tokio::test]
async fn the_emulators_answers_are_understood() {
    let Ok(endpoint) = std::env::var("PARAPET_S3") else {
        assert!(std::env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "PARAPET_S3 is needed for ECR");
        eprintln!("left out: ECR and STS of an emulator, set PARAPET_S3");
        return;
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let names: Vec<String> = (0..3).map(|n| format!("parapet/r{n}")).collect();
    for name in &names {
        let signed = "AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/ecr/aws4_request, SignedHeaders=host, Signature=0";
        let made = http
            .post(&endpoint)
            .header("x-amz-target", "AmazonEC2ContainerRegistry_V20150921.CreateRepository")
            .header("content-type", "application/x-amz-json-1.1")
            .header("authorization", signed)
            .body(json!({"repositoryName": name}).to_string());
        // It may be there from a run before.
        made.send().await.unwrap();
    }
    let client = World::new().client();
    let ecr = Ecr::assume(&client, EcrOptions { account: String::new(), ..options(endpoint) }).await.unwrap();
    let token = ecr.token().await.unwrap();
    assert_eq!(token.credentials.user, "AWS");
    // The emulator's password was over long ago, always at the same instant.
    assert!(!token.credentials.secret.is_empty() && token.until > 0);
    let all = ecr.repositories(1000).await.unwrap();
    assert!(names.iter().all(|name| all.contains(name)), "{all:?}");
}
