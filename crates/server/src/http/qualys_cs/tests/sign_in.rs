//! Signing in, and what is refused how (contract 1.1 to 1.3).

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use parapet_store::seal::Secret;
use serde_json::{Value, json};

use crate::http::testing::{Answer, PASSWORD, TestServer};

async fn with_token(server: &TestServer, authorization: &str) -> Answer {
    let request = Request::get("/csapi/v1.3/exception").header("Authorization", authorization);
    server.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_token_is_bare_text_with_status_201_and_has_the_claims_clients_look_for() {
    let server = TestServer::new().await;
    let form =
        format!("username=reader&password={}&token=true&permissions=true", PASSWORD.replace(' ', "%20"));
    for path in ["/auth", "/csapi/v1.3/auth"] {
        let request = Request::post(path).header("Content-Type", "application/x-www-form-urlencoded");
        let answer = server.send(request.body(Body::from(form.clone())).unwrap()).await;
        assert_eq!((answer.status, &answer.headers["content-type"]), (201, &"text/plain".parse().unwrap()));
        let token = answer.body.as_str().unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(parts.len(), 3);
        // The Jenkins plugin's decoder knows neither - nor _.
        let payload = STANDARD_NO_PAD.decode(parts[1]).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(claims["modulesAllowed"], json!(["CS"]));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 4 * 3600);
    }
}

#[tokio::test]
async fn the_halves_of_a_key_sign_in_as_an_oauth_client() {
    let server = TestServer::new().await;
    let key = server.app.accounts().create_key(&server.local, "reader").await.unwrap();
    let request = |id: &str, secret: &str| {
        let headers = Request::post("/auth/oidc").header("clientId", id).header("clientSecret", secret);
        headers.body(Body::empty()).unwrap()
    };
    let answer = server.send(request(&key.access_key, key.secret.expose())).await;
    assert_eq!(answer.status, 201);
    let bearer = format!("Bearer {}", answer.body.as_str().unwrap());
    assert_eq!(with_token(&server, &bearer).await.status, 204);
    for (id, secret) in [(key.access_key.as_str(), "wrong"), ("NOSUCHKEYATALL00", key.secret.expose())] {
        assert_eq!(server.send(request(id, secret)).await.status, 401);
    }
}

#[tokio::test]
async fn forged_expired_and_outdated_tokens_are_refused() {
    let server = TestServer::new().await;
    let jwt = server.jwt("manager").await;
    let good = format!("Bearer {jwt}");
    assert_eq!(with_token(&server, &good).await.status, 204);
    assert_eq!(with_token(&server, &format!("bearer {jwt}")).await.status, 204);

    let parts: Vec<&str> = jwt.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let other_audience = URL_SAFE_NO_PAD.encode(claims.replace("csapi", "other"));
    let key = jsonwebtoken_of_another_key(&claims);
    for forged in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{other_audience}.{}", parts[0], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], key),
        "x.y.z".to_owned(),
        "nonsense".to_owned(),
    ] {
        let answer = with_token(&server, &format!("Bearer {forged}")).await;
        assert_eq!((answer.status, &answer.body["message"]), (401, &json!("JWT is not valid")), "{forged}");
        assert_eq!(answer.body["errorCode"], "401 UNAUTHORIZED");
        assert!(answer.body["timestamp"].is_i64());
    }
    assert_eq!(with_token(&server, "Bearer").await.status, 401);

    // The Jenkins plugin signs in again when it reads these words.
    server.clock.advance(4 * 3600 * 1000);
    let answer = with_token(&server, &good).await;
    assert_eq!((answer.status, &answer.body["message"]), (401, &json!("JWT expired")));

    let fresh = format!("Bearer {}", server.jwt("manager").await);
    server
        .app
        .accounts()
        .set_password(&server.local, "manager", Secret::new("another password"))
        .await
        .unwrap();
    assert_eq!(with_token(&server, &fresh).await.status, 401, "a new password ends every token");
}

/// The signature another server would make.
fn jsonwebtoken_of_another_key(claims: &str) -> String {
    use sha2::Digest as _;
    URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(claims))
}

#[tokio::test]
async fn a_missing_right_is_named_with_the_login() {
    let server = TestServer::new().await;
    let answer = server.cs("reader", Method::POST, "/exception", Some(&json!({}))).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.body["errorCode"], "403 FORBIDDEN");
    assert_eq!(
        answer.body["message"],
        "The reader user does not have the CS.EXCEPTION.CREATE permission to perform this operation. \
         Ensure that required permissions are assigned to the user"
    );
}

#[tokio::test]
async fn unknown_paths_wrong_methods_and_broken_bodies_have_the_familys_shape() {
    let server = TestServer::new().await;
    for (method, path) in [(Method::GET, "/nothing"), (Method::PATCH, "/exception")] {
        let answer = server.cs("manager", method, path, None).await;
        assert_eq!((answer.status, &answer.body["errorCode"]), (404, &json!("404 NOT FOUND")), "{path}");
    }
    let jwt = server.jwt("manager").await;
    for (body, status) in [
        (Vec::new(), 400),
        (b"not json".to_vec(), 400),
        (b"[]".to_vec(), 400),
        ("{\"name\":".repeat(10_000).into_bytes(), 400),
        (vec![b' '; 13 << 20], 413),
    ] {
        let request = Request::post("/csapi/v1.3/exception").header("Authorization", format!("Bearer {jwt}"));
        let answer = server.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, status);
        assert!(
            answer.body["message"].is_string() && answer.body["errorCode"].is_string(),
            "{}",
            answer.body
        );
    }
}
