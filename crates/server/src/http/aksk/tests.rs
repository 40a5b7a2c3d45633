//! Signatures: the contract's vectors, what a changed byte does, and what comes again.

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use parapet_model::time::DAY;
use parapet_store::seal::Secret;
use proptest::prelude::*;
use ring::hmac;
use serde_json::{Value, json};

use super::canonical::{hash_in, strings_to_sign};
use super::header::Signature;
use crate::http::testing::{Answer, Signer, TestServer};

const ACCESS_KEY: &str = "AKTEST0000000000";

fn secret() -> String {
    format!("SKTEST{}", "0".repeat(30))
}

/// A request of the contract's vectors.
fn vector(method: &str, uri: &str, region: Option<&str>, signature: &str) -> Request<()> {
    let names = match region {
        Some(_) => "content-type;host;region;user-agent;x-project-id;x-sdk-date",
        None => "content-type;host;user-agent;x-project-id;x-sdk-date",
    };
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header("Host", "127.0.0.1:8080")
        .header("Content-Type", "application/json")
        .header("User-Agent", "ua/1")
        .header("X-Project-Id", "p1")
        .header("X-Sdk-Date", "20260101T000000Z")
        .header(
            "Authorization",
            format!("SDK-HMAC-SHA256 Access={ACCESS_KEY}, SignedHeaders={names}, Signature={signature}"),
        );
    if let Some(region) = region {
        request = request.header("region", region);
    }
    request.body(()).unwrap()
}

/// The hashes of the canonical requests, and whether any of them carries the signature.
fn verify(request: Request<()>, body: &[u8], secret: &str) -> Result<(Vec<String>, bool), String> {
    let (parts, ()) = request.into_parts();
    let signature = Signature::of(&parts.headers)?;
    let texts = strings_to_sign(&parts, &signature, body)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let right = texts.iter().any(|text| hmac::verify(&key, text.as_bytes(), &signature.value).is_ok());
    Ok((texts.iter().map(|text| hash_in(text).to_owned()).collect(), right))
}

const POLL: &str = "/v5/p1/export-task/t1?enterprise_project_id=all_granted_eps";
const POLL_SIGNATURE: &str = "bb2dff99f32ff763eb781c8676645b9a2a8a370eff3f03511a4d768b0322fa5f";
const EXPORT: &str = "/v5/p1/vul/export?type=linux_vul&repair_priority=Critical,High,Medium,Low&offset=0\
     &handle_status=unhandled&group_name=a%20b%2Bc%2F%C3%A9~%2A&export_size=200000&category=vul";
const EXPORT_BODY: &[u8] = b"{\"export_headers\": [[\"vul_id\", \"Vulnerability ID\"]]}";
const EXPORT_SIGNATURE: &str = "6dd9137399acb8417d3a82059db1ffff2148167e523830f936555f494dc85809";

#[test]
fn the_vectors_of_the_contract_verify() {
    let poll = vector("GET", POLL, None, POLL_SIGNATURE);
    let hash = "177e6d368c1f1d254756382731738903bebd9c4cd1df66d7d97f6d538831d8f2";
    assert_eq!(verify(poll, b"", &secret()).unwrap(), (vec![hash.to_owned()], true));

    // However the client orders and escapes its parameters, they are the same ones.
    let escaped = EXPORT.replace(',', "%2C").replace("~%2A", "%7e*");
    for uri in [EXPORT, &escaped] {
        let export = vector("POST", uri, None, EXPORT_SIGNATURE);
        let hash = "97acce022f6947b8a0ac9daa9abc826e457146e3b44ba36c416f05250ff7f1ba";
        assert_eq!(verify(export, EXPORT_BODY, &secret()).unwrap(), (vec![hash.to_owned()], true), "{uri}");
    }

    let signature = "572655bfc374a9c4cd42fba4c7ce24bf9d2a94ca5cc7dc17cf0f4d5bb5fa23b3";
    let download = vector("GET", "/v5/p1/download/F%2F1%20x", Some("local-1"), signature);
    let (hashes, right) = verify(download, b"", &secret()).unwrap();
    assert_eq!(hashes[0], "cb499ee3158b710c93260d7064e6ab7cf03e579e742e7ba51c9ad561a07c6c05");
    assert!(right && hashes.len() == 2, "an escaped path may be meant in two ways");
}

#[test]
fn a_body_may_be_unsigned_only_by_a_signed_word() {
    let request = |hash: &str, names: &str| {
        let mut request = vector("POST", "/v5/p1/vul/export", None, &"0".repeat(64));
        request.headers_mut().insert("x-sdk-content-sha256", hash.parse().unwrap());
        let value = format!(
            "SDK-HMAC-SHA256 Access={ACCESS_KEY}, SignedHeaders={names}, Signature={}",
            "0".repeat(64)
        );
        request.headers_mut().insert("authorization", value.parse().unwrap());
        request
    };
    let with = "host;x-sdk-content-sha256;x-sdk-date";
    let (unsigned, _) = verify(request("UNSIGNED-PAYLOAD", with), b"a", "").unwrap();
    assert_eq!(unsigned, verify(request("UNSIGNED-PAYLOAD", with), b"b", "").unwrap().0);
    assert!(verify(request("UNSIGNED-PAYLOAD", "host;x-sdk-date"), b"a", "").is_err());
    // The hash of another body than the one that came.
    assert!(verify(request(&"e3b0c442".repeat(8), with), b"a", "").is_err());
}

#[test]
fn what_is_no_signature_is_refused() {
    let headers = |value: &str, date: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", value.parse().unwrap());
        headers.insert("x-sdk-date", date.parse().unwrap());
        headers
    };
    let hex = "ab".repeat(32);
    let good = format!("SDK-HMAC-SHA256 Access=AK1, SignedHeaders=host;x-sdk-date, Signature={hex}");
    let stamp = "20260101T000000Z";
    assert!(Signature::of(&headers(&good, stamp)).is_ok());
    for (from, to) in [
        ("SHA256", "SM3"),
        ("Access=AK1", "Access="),
        ("Access=AK1", "Access=A K"),
        ("host;x-sdk-date", "x-sdk-date"),
        ("host;x-sdk-date", "host"),
        ("host;x-sdk-date", "x-sdk-date;host"),
        ("host;x-sdk-date", "Host;x-sdk-date"),
        ("host;x-sdk-date", "host;host;x-sdk-date"),
        ("host;x-sdk-date", ""),
        (", Signature", ",Signature"),
        ("Signature=ab", "Signature=AB"),
        ("Signature=ab", "Signature="),
        ("Signature=ab", "Signature=zz"),
    ] {
        assert!(Signature::of(&headers(&good.replacen(from, to, 1), stamp)).is_err(), "{to}");
    }
    assert!(Signature::of(&headers(&format!("{good}, More=1"), stamp)).is_err());
    for stamp in ["", "20260101T000000", "2026-01-01T00:00:00Z", "20261301T000000Z", "20260101 000000Z"] {
        assert!(Signature::of(&headers(&good, stamp)).is_err(), "{stamp}");
    }
    let mut token = headers(&good, "20260101T000000Z");
    token.insert("x-security-token", "t".parse().unwrap());
    assert!(Signature::of(&token).is_err(), "the token of a temporary key must be signed");
}

/// Another letter or digit at one place of a text; `None` where there is none.
fn change(text: &str, place: usize, by: u8) -> Option<String> {
    let places: Vec<usize> =
        text.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()).map(|(at, _)| at).collect();
    let at = *places.get(place % places.len().max(1))?;
    let old = text.as_bytes()[at];
    let new = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[usize::from(by) % 62];
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = new;
    (new != old).then(|| String::from_utf8(bytes).ok())?
}

proptest! {
    /// Whichever byte of a signed request is another one, it does not verify.
    #[test]
    fn every_changed_byte_is_refused(part in 0_usize..9, place in 0_usize..200, by: u8) {
        // No escapes, which have two spellings for the same byte.
        let uri = "/v5/p1/vul/export?category=vul&export_size=200000&type=linux_vul";
        let mut request = vector("POST", uri, None, "");
        let (parts, ()) = request.into_parts();
        let mut headers = parts.headers.clone();
        let names = "content-type;host;user-agent;x-project-id;x-sdk-date";
        let authorization = |signature: &str| {
            format!("SDK-HMAC-SHA256 Access={ACCESS_KEY}, SignedHeaders={names}, Signature={signature}")
        };
        headers.insert("authorization", authorization(&"0".repeat(64)).parse().unwrap());
        let signature = Signature::of(&headers).unwrap();
        let texts = strings_to_sign(&parts, &signature, EXPORT_BODY).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret().as_bytes());
        let tag = hmac::sign(&key, texts[0].as_bytes());
        let hex: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        headers.insert("authorization", authorization(&hex).parse().unwrap());

        let (mut uri, mut body) = (uri.to_owned(), String::from_utf8(EXPORT_BODY.to_vec()).unwrap());
        let mut method = "POST".to_owned();
        let header = ["content-type", "host", "user-agent", "x-project-id", "x-sdk-date"];
        let changed = match part {
            0 => change(&uri, place, by).map(|new| uri = new),
            1 => change(&body, place, by).map(|new| body = new),
            2 => change(&method, place, by).map(|new| method = new),
            3 => change(&hex, place, by).map(|new| {
                headers.insert("authorization", authorization(&new).parse().unwrap());
            }),
            4..=8 => {
                let name = header[part - 4];
                let old = headers[name].to_str().unwrap().to_owned();
                change(&old, place, by).map(|new| { headers.insert(name, new.parse().unwrap()); })
            }
            _ => None,
        };
        prop_assume!(changed.is_some());
        request = Request::builder().method(method.as_str()).uri(&uri).body(()).unwrap();
        *request.headers_mut() = headers;
        let verified = verify(request, body.as_bytes(), &secret());
        prop_assert!(!matches!(verified, Ok((_, true))), "{uri} {body}");
    }
}

/// A server, and whoever signs for its manager.
async fn signer(server: &TestServer, user: &str) -> Signer {
    let key = server.app.accounts().create_key(&server.local, user).await.unwrap();
    Signer::new(&key.access_key, key.secret.expose(), &key.project_id)
}

fn export(signer: &Signer) -> String {
    format!("/v5/{}/vul/export?category=vul&export_size=10", signer.project)
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["error_code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_signed_request_acts_as_the_owner_of_the_key() {
    let server = TestServer::new().await;
    let signer = signer(&server, "manager").await;
    let created = server.send(signer.sign(server.clock_now(), Method::POST, &export(&signer), b"{}")).await;
    assert_eq!(created.status, 200, "{}", created.body);
    let task = created.body["task_id"].as_str().unwrap();
    let path = format!("/v5/{}/export-task/{task}", signer.project);
    let poll = server.send(signer.sign(server.clock_now(), Method::GET, &path, b"")).await;
    assert_eq!(poll.body["task_id"], task);
    let projects =
        server.send(signer.sign(server.clock_now(), Method::GET, "/v3/projects?name=cn-1", b"")).await;
    assert_eq!(projects.body["projects"][0]["id"], signer.project.as_str(), "{}", projects.body);
    assert_eq!(projects.body["projects"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_equal_read_passes_and_an_equal_write_is_done_once() {
    let server = TestServer::new().await;
    let signer = signer(&server, "manager").await;
    let request = || signer.sign(server.clock_now(), Method::POST, &export(&signer), b"{}");
    let first = server.send(request()).await;
    assert_eq!(first.status, 200, "{}", first.body);
    let again = server.send(request()).await;
    assert_eq!((again.status, &again.body), (200, &first.body), "the first answer once more");
    let at_once = tokio::join!(server.send(request()), server.send(request()));
    assert_eq!((&at_once.0.body, &at_once.1.body), (&first.body, &first.body));
    assert_eq!(exports(&server).await, 1);

    let path = format!("/v5/{}/export-task/{}", signer.project, first.body["task_id"].as_str().unwrap());
    let read = || signer.sign(server.clock_now(), Method::GET, &path, b"");
    let (one, two) = (server.send(read()).await, server.send(read()).await);
    assert_eq!((one.status, two.status), (200, 200));

    // What was refused is refused again, in the same words.
    let wrong = format!("/v5/{}/vul/export?category=none&export_size=10", signer.project);
    let wrong = || signer.sign(server.clock_now(), Method::POST, &wrong, b"{}");
    let refused = server.send(wrong()).await;
    assert_eq!(code(&refused), (400, "HSS.0001"));
    assert_eq!(server.send(wrong()).await.body, refused.body);

    // A second later it is another request.
    server.clock.advance(1_000);
    let other = server.send(request()).await;
    assert_ne!(other.body["task_id"], first.body["task_id"]);
    assert_eq!(exports(&server).await, 2);
}

async fn exports(server: &TestServer) -> u64 {
    let counts = server.app.job_counts().await.unwrap();
    counts.iter().filter(|(kind, ..)| kind.as_str() == "export").map(|(.., count)| count).sum()
}

#[tokio::test]
async fn a_write_whose_server_ended_in_the_middle_is_not_done_again() {
    let server = TestServer::new().await;
    let signer = signer(&server, "manager").await;
    let request = || signer.sign(server.clock_now(), Method::POST, &export(&signer), b"{}");
    // What a server that was killed leaves: the note that it began.
    let signature = Signature::of(request().headers()).unwrap();
    let mut side = server.app.store().side().await.unwrap();
    let (now, identity) = (server.clock_now(), signature.identity());
    assert!(side.claim_signed_write(&identity, now, now + 1_800_000).await.unwrap());
    side.commit().await.unwrap();
    let answer = server.send(request()).await;
    assert_eq!(code(&answer), (504, "APIGW.0201"));
    assert_eq!(exports(&server).await, 0);
}

#[tokio::test]
async fn refusals_speak_the_gateways_words() {
    let server = TestServer::new().await;
    let signer = signer(&server, "manager").await;
    let path = format!("/v5/{}/export-task/{}", signer.project, "0".repeat(32));
    let now = server.clock_now();
    let say = |answer: &Answer| answer.body["error_msg"].as_str().unwrap_or_default().to_owned();

    for (age, passes) in [(900_000, true), (-900_000, true), (960_000, false), (-960_000, false)] {
        let answer = server.send(signer.sign(now - age, Method::GET, &path, b"")).await;
        assert_eq!(answer.status == 400, passes, "{age}: {}", answer.body);
        if !passes {
            assert_eq!(code(&answer), (401, "APIGW.0301"));
            assert!(say(&answer).contains("signature expired"), "{}", answer.body);
        }
    }
    let unknown = Signer::new("AKUNKNOWN00000000000", "secret", &signer.project);
    let answer = server.send(unknown.sign(now, Method::GET, &path, b"")).await;
    assert_eq!(code(&answer), (401, "APIGW.0301"));
    assert!(say(&answer).ends_with("ak AKUNKNOWN00000000000 not exist"), "{}", answer.body);

    let foreign = format!("/v5/{}/export-task/{}", "f".repeat(32), "0".repeat(32));
    let answer = server.send(signer.sign(now, Method::GET, &foreign, b"")).await;
    assert_eq!(code(&answer), (403, "APIGW.0302"));
    let answer = server.send(signer.sign(now, Method::GET, "/v5/%7Bproject_id%7D/export-task/x", b"")).await;
    assert_eq!(code(&answer), (400, "HSS.0001"), "an SDK without a project id");

    let mut other = signer.sign(now, Method::GET, &path, b"");
    other.headers_mut().insert("authorization", "SDK-HMAC-SM3 Access=a".parse().unwrap());
    assert_eq!(code(&server.send(other).await), (401, "APIGW.0301"));

    let body = vec![b' '; crate::http::body::MAX_BODY + 1];
    let answer = server.send(signer.sign(now, Method::POST, &export(&signer), &body)).await;
    assert_eq!(code(&answer), (413, "APIGW.0201"));

    let wrong = Signer::new(&signer.access_key, "another secret", &signer.project);
    for _ in 0..6 {
        let answer = server.send(wrong.sign(now, Method::GET, &path, b"")).await;
        assert!(say(&answer).ends_with("verify aksk signature fail"), "{}", answer.body);
    }
    let answer = server.send(signer.sign(now, Method::GET, &path, b"")).await;
    assert!(say(&answer).ends_with("AK access failed to reach the limit,forbidden"), "{}", answer.body);
    server.clock.advance(300_000);
    let answer = server.send(signer.sign(server.clock_now(), Method::GET, &path, b"")).await;
    assert_eq!(code(&answer), (400, "HSS.0011"));
}

#[tokio::test]
async fn keys_end_with_their_user_and_know_no_more_than_its_role() {
    let server = TestServer::new().await;
    let sensor = signer(&server, "sensor").await;
    let answer = server.send(sensor.sign(server.clock_now(), Method::POST, &export(&sensor), b"{}")).await;
    assert_eq!(code(&answer), (403, "APIGW.0302"));
    let reader = signer(&server, "reader").await;
    let now = server.clock_now();
    let answer = server.send(reader.sign(now, Method::POST, &export(&reader), b"{}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    server.app.accounts().set_disabled(&server.local, "reader", true).await.unwrap();
    let answer = server.send(reader.sign(now + 1_000, Method::POST, &export(&reader), b"{}")).await;
    assert_eq!(code(&answer), (401, "APIGW.0301"));
}

#[tokio::test]
async fn temporary_keys_work_with_their_security_token() {
    let server = TestServer::new().await;
    let accounts = server.app.accounts();
    let reader = accounts.sign_in("reader", Secret::new(crate::http::testing::PASSWORD)).await.unwrap();
    let project = reader.project.clone().unwrap().id;
    let key = accounts.issue_temporary_key(&reader.principal, 900).await.unwrap();
    let signer = Signer::new(&key.access_key, key.secret.expose(), &project);
    let path = format!("/v5/{project}/export-task/{}", "0".repeat(32));
    let with = |token: &str| signer.with_token(token).sign(server.clock_now(), Method::GET, &path, b"");
    assert_eq!(code(&server.send(with(key.security_token.expose())).await), (400, "HSS.0011"));
    let without = server.send(signer.sign(server.clock_now(), Method::GET, &path, b"")).await;
    assert_eq!(code(&without), (401, "APIGW.0301"));
    let other = accounts.issue_temporary_key(&reader.principal, 900).await.unwrap();
    assert_eq!(code(&server.send(with(other.security_token.expose())).await), (401, "APIGW.0301"));
    server.clock.advance(900_000);
    assert_eq!(code(&server.send(with(key.security_token.expose())).await), (401, "APIGW.0301"));
    let key = accounts.issue_temporary_key(&reader.principal, DAY / 1000).await.unwrap();
    accounts.set_password(&server.local, "reader", Secret::new("another good password")).await.unwrap();
    let signer = Signer::new(&key.access_key, key.secret.expose(), &project);
    let signer = signer.with_token(key.security_token.expose());
    let answer = server.send(signer.sign(server.clock_now(), Method::GET, &path, b"")).await;
    assert_eq!(code(&answer), (401, "APIGW.0301"), "a changed password ends it");
    assert!(accounts.issue_temporary_key(&reader.principal, 60).await.is_err());
}

#[tokio::test]
async fn a_dummy_authorization_leaves_the_token_to_decide() {
    let server = TestServer::new().await;
    let accounts = server.app.accounts();
    let signed_in = accounts.sign_in("reader", Secret::new(crate::http::testing::PASSWORD)).await.unwrap();
    let (token, _) =
        accounts.issue_token(&signed_in, &parapet_service::TokenScope::HomeProject).await.unwrap();
    let project = signed_in.project.unwrap().id;
    let request = Request::post(format!("/v5/{project}/vul/export?category=vul&export_size=1"))
        .header("X-Auth-Token", token.expose())
        .header("Authorization", "x");
    let answer = server.send(request.body(Body::from(json!({}).to_string())).unwrap()).await;
    assert_eq!((answer.status, answer.body["error_code"].clone()), (200, Value::Null));
}
