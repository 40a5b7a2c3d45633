//! Rules of the family that one call alone does not show: signing in with Basic, names of headers on
//! the wire, access tokens of registries, and what is not deleted while it runs.

use axum::Router;
use axum::body::Body;
use axum::extract::Request as Asked;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parapet_model::job::JobKind;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::http::testing::{PASSWORD, TestServer};

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

#[tokio::test]
async fn name_and_password_sign_in_beside_a_token() {
    let server = TestServer::new().await;
    for (password, status) in [(PASSWORD, 204), ("wrong", 401)] {
        let request =
            Request::get("/csapi/v1.3/exception").header("Authorization", basic("reader", password));
        let answer = server.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

/// qualysdk looks a header up by its name in capitals, so it must be so on the wire.
#[tokio::test]
async fn names_of_headers_have_capitals_on_the_wire() {
    let server = TestServer::new().await;
    server.image("shop/web:1", &[("glass", "1")]).await;
    server.image("shop/api:1", &[("stone", "1")]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(crate::http::serve(listener, server.app.clone(), None, async {
        let _ = stopped.await;
    }));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let authorization = basic("reader", PASSWORD);
    let request = format!(
        "GET /csapi/v1.3/images/list?limit=1 HTTP/1.1\r\nhost: {address}\r\nauthorization: {authorization}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for name in ["Link: <http://", "Content-Type: ", "X-Ratelimit-Remaining: "] {
        assert!(answer.contains(&format!("\r\n{name}")), "{name}: {answer}");
    }
    drop(stop);
    serving.await.unwrap().unwrap();
}

/// A registry that lets in whoever shows this token, under the name for tokens.
async fn registry_with_token(token: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let answer = move |request: Asked| async move {
        let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match given == Some(basic("_token", token).as_str()) {
            true => r#"{"repositories": [], "tags": []}"#.into_response(),
            false => {
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"r\"")];
                let refused: Response = (StatusCode::UNAUTHORIZED, challenge).into_response();
                refused
            }
        }
    };
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    endpoint
}

#[tokio::test]
async fn an_access_token_goes_as_the_password_of_the_name_for_tokens() {
    let server = TestServer::new().await;
    let uri = registry_with_token("t0ken-of-ours").await;
    for (token, passes) in [("t0ken-of-ours", true), ("another", false)] {
        let body = json!({
            "registryType": "V2_PRIVATE", "registryUri": uri, "credentialType": "Token", "accessToken": token,
        });
        let answer = server.cs("manager", Method::POST, "/registry/validate", Some(&body)).await;
        assert_eq!((answer.status, answer.body), (200, Value::Bool(passes)), "{token}");
    }
}

#[tokio::test]
async fn what_runs_is_neither_deleted_nor_is_its_registry() {
    let server = TestServer::new().await;
    let ask = async |method: Method, path: &str, body: Option<&Value>| {
        server.cs("manager", method, path, body).await
    };
    let registry = async |uri: &str| {
        let body = json!({"registryType": "V2", "registryUri": uri});
        let made = ask(Method::POST, "/registry", Some(&body)).await;
        made.body["registryUuid"].as_str().unwrap().to_owned()
    };
    let (busy, idle) = (registry("https://a.example").await, registry("https://b.example").await);
    let schedules = format!("/registry/{busy}/schedule");
    let wanted = json!({"filters": [{"repoTags": [{"repo": "x", "tag": null}]}], "forceScan": false});
    let made = ask(Method::POST, &schedules, Some(&wanted)).await.body;
    let schedule = format!("{schedules}/{}", made["scheduleUuid"].as_str().unwrap());
    assert!(server.app.store().claim_job("w", &JobKind::ALL, 60_000).await.unwrap().is_some());
    for (method, path, body, status) in [
        (Method::DELETE, schedule.clone(), None, 412),
        (Method::DELETE, format!("/registry/{busy}"), None, 412),
        (Method::DELETE, "/registry".to_owned(), Some(json!([idle, busy])), 412),
        (Method::DELETE, "/registry".to_owned(), Some(json!([idle, "nonsense"])), 404),
        (Method::DELETE, format!("{schedules}/bulk?filter=scheduleUuid:*"), None, 200),
    ] {
        let answer = ask(method, &path, body.as_ref()).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        if status == 412 {
            assert_eq!(answer.body["errorCode"], "412 PRECONDITION FAILED");
        }
    }
    let listed = ask(Method::GET, &schedules, None).await.body;
    assert_eq!(listed["data"][0]["status"], "Running", "in bulk it was passed over");
    assert_eq!(ask(Method::GET, "/registry", None).await.body["count"], json!(2), "all or nothing");
    assert_eq!(ask(Method::DELETE, &format!("/registry?registryIds={idle}"), None).await.status, 200);
    assert_eq!(ask(Method::GET, "/registry", None).await.body["count"], json!(1));
}
