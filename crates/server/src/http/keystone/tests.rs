//! The identity family over the wire.

use axum::body::Body;
use axum::http::{Method, Request};
use parapet_model::time::DAY;
use serde_json::{Value, json};

use crate::http::testing::{Answer, PASSWORD, Signer, TestServer};

async fn ask(server: &TestServer, method: Method, path: &str, token: &str, subject: Option<&str>) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("Host", "parapet.example:8080")
        .header("X-Auth-Token", token);
    if let Some(subject) = subject {
        request = request.header("X-Subject-Token", subject);
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

/// Signs in over the wire; the token and the answer.
async fn sign_in(server: &TestServer, scope: &Value, query: &str) -> (String, Answer) {
    let body = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": "reader", "password": PASSWORD, "domain": {"name": "default"},
        }}},
        "scope": scope,
    }});
    let request = Request::post(format!("/v3/auth/tokens{query}")).header("Host", "parapet.example:8080");
    // An SDK signs even this call; nobody looks.
    let request =
        request.header("Authorization", "SDK-HMAC-SHA256 Access=x, SignedHeaders=host, Signature=0");
    let answer = server.send(request.body(Body::from(body.to_string())).unwrap()).await;
    let token = answer.headers.get("x-subject-token").map(|t| t.to_str().unwrap().to_owned());
    (token.unwrap_or_default(), answer)
}

#[tokio::test]
async fn a_token_has_a_scope_an_end_and_can_be_revoked() {
    let server = TestServer::new().await;
    let (token, answer) = sign_in(&server, &json!({"project": {"name": "default"}}), "").await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let document = &answer.body["token"];
    let project = document["project"]["id"].as_str().unwrap().to_owned();
    assert_eq!(document["user"]["domain"], json!({"id": "default", "name": "default"}));
    assert_eq!(document["issued_at"], "2026-11-02T00:00:00.000000Z");
    assert_eq!(document["expires_at"], "2026-11-03T00:00:00.000000Z");
    let addresses: Vec<&str> = document["catalog"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| service["endpoints"][0]["url"].as_str().unwrap())
        .collect();
    assert_eq!(
        addresses,
        ["http://parapet.example:8080/v3".to_owned(), format!("http://parapet.example:8080/v5/{project}")]
    );

    let (of_domain, answer) = sign_in(&server, &json!({"domain": {"name": "default"}}), "?nocatalog=1").await;
    assert_eq!(answer.body["token"]["domain"]["id"], "default");
    assert_eq!((&answer.body["token"]["catalog"], answer.body["token"].get("project")), (&json!([]), None));
    let path = format!("/v5/{project}/export-task/{}", "0".repeat(32));
    let code = |answer: Answer| answer.body["error_code"].as_str().unwrap_or_default().to_owned();
    assert_eq!(code(ask(&server, Method::GET, &path, &of_domain, None).await), "HSS.0011");

    for (scope, status) in [
        (json!({"project": {"name": "none"}}), 401),
        (json!({"domain": {"name": "other"}}), 401),
        (json!({"project": {}}), 400),
        (json!({"project": {"id": project}, "domain": {"id": "default"}}), 400),
        (Value::Null, 201),
        (json!({"project": {"id": project}}), 201),
    ] {
        let (_, answer) = sign_in(&server, &scope, "").await;
        assert_eq!(answer.status, status, "{scope}: {}", answer.body);
        if status != 201 {
            assert_eq!(answer.body["error"]["code"], status);
        }
    }

    let shown = ask(&server, Method::GET, "/v3/auth/tokens", &token, Some(&token)).await;
    assert_eq!((shown.status, shown.headers["x-subject-token"].to_str().unwrap()), (200, token.as_str()));
    let (analyst, _) = server.token("analyst").await;
    for method in [Method::GET, Method::DELETE] {
        let foreign = ask(&server, method.clone(), "/v3/auth/tokens", &analyst, Some(&token)).await;
        assert!(matches!(foreign.status, 403 | 404), "{method}: another user's token");
    }
    assert_eq!(ask(&server, Method::DELETE, "/v3/auth/tokens", &token, None).await.status, 400);
    assert_eq!(ask(&server, Method::DELETE, "/v3/auth/tokens", &token, Some(&token)).await.status, 204);
    assert_eq!(code(ask(&server, Method::GET, &path, &token, None).await), "APIGW.0301");
    let (manager, _) = server.token("manager").await;
    assert_eq!(ask(&server, Method::DELETE, "/v3/auth/tokens", &manager, Some(&of_domain)).await.status, 204);

    server.clock.advance(DAY);
    assert_eq!(ask(&server, Method::GET, "/v3/auth/projects", &manager, None).await.status, 401);
}

#[tokio::test]
async fn the_calls_that_sdks_make_are_answered() {
    let server = TestServer::new().await;
    let (token, project) = server.token("reader").await;
    let get = async |path: &str| ask(&server, Method::GET, path, &token, None).await;
    for path in
        ["/v3/projects", "/v3/projects?name=default", "/v3/projects?name=cn-north-4", "/v3/auth/projects"]
    {
        let answer = get(path).await;
        assert_eq!(answer.body["projects"].as_array().unwrap().len(), 1, "{path}");
        assert_eq!(answer.body["projects"][0]["id"], project.as_str(), "{path}");
    }
    assert_eq!(get(&format!("/v3/projects/{project}")).await.body["project"]["name"], "default");
    assert_eq!(get("/v3/projects/none").await.status, 404);
    for path in ["/v3/auth/domains", "/v3/domains"] {
        assert_eq!(get(path).await.body["domains"][0]["id"], "default");
    }
    assert_eq!(get("/v3/auth/catalog").await.body["catalog"][1]["type"], "host-security");
    assert_eq!(get("/v3/regions").await.body["regions"][0]["id"], "default");
    assert_eq!(get("/v3/regions/default").await.body["region"]["type"], "public");
    assert_eq!(get("/v3/regions/none").await.status, 404);
    assert_eq!(get("/v3/services").await.body["services"][1]["name"], "hss");
    assert_eq!(get("/v3/endpoints").await.body["endpoints"][0]["service_id"], "iam");
    assert_eq!(get("/v5/caller-identity").await.body["account_id"], "default");
    assert_eq!(get("/v3/none").await.body["error"]["title"], "Not Found");
}

#[tokio::test]
async fn a_token_makes_a_temporary_key_and_a_key_makes_none() {
    let server = TestServer::new().await;
    let (token, project) = server.token("reader").await;
    let body = |seconds: i64| {
        json!({"auth": {"identity": {"methods": ["token"], "token": {"duration_seconds": seconds}}}})
            .to_string()
    };
    let path = "/v3.0/OS-CREDENTIAL/securitytokens";
    let make = async |seconds: i64| {
        let request = Request::post(path).header("X-Auth-Token", &token);
        server.send(request.body(Body::from(body(seconds))).unwrap()).await
    };
    let made = make(900).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let part = |name: &str| made.body["credential"][name].as_str().unwrap().to_owned();
    assert_eq!(part("expires_at"), "2026-11-02T00:15:00.000000Z");
    let signer = Signer::new(&part("access"), &part("secret"), &project).with_token(&part("securitytoken"));
    let task = format!("/v5/{project}/export-task/{}", "0".repeat(32));
    let answer = server.send(signer.sign(server.clock_now(), Method::GET, &task, b"")).await;
    assert_eq!(answer.body["error_code"], "HSS.0011");
    assert_eq!(make(60).await.status, 400);
    let signed = signer.sign(server.clock_now(), Method::POST, path, body(900).as_bytes());
    assert_eq!(server.send(signed).await.status, 400);
}
