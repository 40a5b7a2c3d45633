//! Keys of Google's service accounts, against a token service of ours that verifies the signature and
//! every claim.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parapet_fetch::{FetchError, ServiceAccount};
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::peer::{Answer, Peer, Seen, answer, ok};
use crate::world::World;

/// Made for these tests, and good for nothing else.
const KEY: &str = include_str!("service_account.pem");
const TOKEN_URI: &str = "https://oauth2.example/token";

fn file() -> Value {
    json!({
        "type": "service_account", "project_id": "p", "private_key_id": "k1", "private_key": KEY,
        "client_email": "robot@p.iam.example", "token_uri": TOKEN_URI,
    })
}

fn part(text: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// Gives a token for a statement that is signed by the key and says what it must.
fn exchange(seen: &Seen) -> Answer {
    let form: BTreeMap<String, String> =
        url::form_urlencoded::parse(seen.body.as_bytes()).into_owned().collect();
    assert_eq!(seen.method, "POST");
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (signed, signature) = form["assertion"].rsplit_once('.').unwrap();
    let der = PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    assert_eq!(part(header), json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    assert_eq!(
        part(claims),
        json!({
            "iss": "robot@p.iam.example", "aud": TOKEN_URI, "iat": 1_700_000_000, "exp": 1_700_003_600,
            "scope": "https://www.googleapis.com/auth/cloud-platform.read-only",
        })
    );
    ok(r#"{"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"}"#)
}

#[tokio::test]
async fn a_signed_statement_becomes_an_access_token_and_the_key_stays() {
    let peer = Peer::start(exchange).await;
    let account = ServiceAccount::parse(&file().to_string()).unwrap();
    let granted = account.access_token(&World::new().client(), Some(&peer.url("/token"))).await.unwrap();
    assert_eq!(
        (granted.credentials.user.as_str(), granted.credentials.secret.as_str()),
        ("oauth2accesstoken", "ya29.token")
    );
    assert_eq!(granted.until, 1_700_003_599_000);
    assert!(!peer.seen()[0].body.contains("PRIVATE"));
    assert!(!format!("{account:?}").contains("PRIVATE"));
}

#[tokio::test]
async fn a_key_that_is_denied_is_told_so() {
    for code in [400, 401] {
        let peer = Peer::start(move |_| answer(code, &[], r#"{"error": "invalid_grant"}"#)).await;
        let account = ServiceAccount::parse(&file().to_string()).unwrap();
        let url = peer.url("/token");
        let error = account.access_token(&World::new().client(), Some(&url)).await.unwrap_err();
        assert!(matches!(error, FetchError::CredentialsRefused { .. }), "{error}");
    }
    let peer = Peer::start(|_| ok(r#"{"id_token": "secret words"}"#)).await;
    let account = ServiceAccount::parse(&file().to_string()).unwrap();
    let error = account.access_token(&World::new().client(), Some(&peer.url("/"))).await.unwrap_err();
    assert!(!error.to_string().contains("secret words"), "{error}");
}

#[test]
fn only_files_that_can_sign_and_say_where_are_exchanged() {
    let with = |name: &str, value: Value| {
        let mut file = file();
        file[name] = value;
        ServiceAccount::parse(&file.to_string()).is_some()
    };
    assert!(with("project_id", json!("q")));
    assert!(!with("private_key", json!("hunter22")));
    assert!(!with("private_key", json!("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")));
    assert!(!with("token_uri", Value::Null));
    assert!(!with("token_uri", json!("http://oauth2.example/token")), "nothing goes there in the open");
    assert!(ServiceAccount::parse("not a file").is_none());
}
