//! How calls come: sign-in, headers, spellings of paths, forms of bodies, echo.

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::world::{World, element};
use crate::http::testing::{Answer, PASSWORD, TestServer};

const LIST: &str = "/api/2.0/fo/compliance/exception/?action=list";

async fn raw(
    server: &TestServer,
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder().method(method).uri(target).header("Host", "pc.example.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[tokio::test]
async fn basic_and_the_header_are_needed_and_every_error_has_code_and_text() {
    let server = TestServer::new().await;
    let (good, bad) = (basic("manager", PASSWORD), basic("manager", "wrong"));
    let with = ("X-Requested-With", "anything at all");
    for (headers, status, code) in [
        (vec![], 401, "2000"),
        (vec![("Authorization", bad.as_str()), with], 401, "2000"),
        (vec![("Authorization", bad.as_str())], 401, "2000"),
        (vec![("Authorization", good.as_str())], 400, "1903"),
        (vec![("Authorization", good.as_str()), with], 200, ""),
    ] {
        let answer = raw(&server, Method::GET, LIST, &headers, "").await;
        assert_eq!((answer.status, element(answer.text(), "CODE")), (status, code), "{}", answer.text());
        assert_eq!(answer.headers["content-type"], "text/xml;charset=utf-8");
        assert!(code.is_empty() || !element(answer.text(), "TEXT").is_empty());
        let system = "SYSTEM \"http://pc.example.test/api/2.0/";
        assert!(answer.text().starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<!DOCTYPE"));
        assert!(answer.text().contains(system), "{}", answer.text());
    }
    let answer = raw(&server, Method::GET, LIST, &[("Authorization", &bad), with], "").await;
    assert_eq!(element(answer.text(), "TEXT"), "Bad Login/Password");
}

#[tokio::test]
async fn a_session_holds_while_it_is_used_and_ends_with_logout_and_password() {
    let server = TestServer::new().await;
    let session = "/api/2.0/fo/session/";
    let with = ("X-Requested-With", "test");
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let login = format!("action=login&username=manager&password={}", PASSWORD.replace(' ', "+"));
    let answer = raw(&server, Method::POST, session, &[with, form], &login).await;
    assert_eq!((answer.status, element(answer.text(), "TEXT")), (200, "Logged in"));
    assert!(!answer.headers.contains_key("x-ratelimit-limit"), "the session call is exempt");
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    let pair = cookie.split(';').next().unwrap().to_owned();
    let id = pair.strip_prefix("QualysSession=").unwrap();
    assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{cookie}");
    assert!(cookie.contains("path=/api") && !cookie.contains("secure"), "{cookie}");

    let call = async |cookie: &str| raw(&server, Method::GET, LIST, &[("Cookie", cookie), with], "").await;
    let minute = 60_000;
    for _ in 0..3 {
        server.clock.advance(59 * minute);
        assert_eq!(call(&format!("a=b; {pair}")).await.status, 200);
    }
    let other = raw(&server, Method::GET, LIST, &[("Cookie", &pair)], "").await;
    assert_eq!(other.error(), (400, 1903));
    let v1 = raw(&server, Method::GET, "/msp/user_list.php", &[("Cookie", &pair)], "").await;
    assert_eq!(v1.status, 401);
    assert!(v1.text().contains("<ERROR number=\"2010\">"), "{}", v1.text());
    let other_family = raw(&server, Method::GET, "/api/v1/assets", &[("X-Auth-Token", id)], "").await;
    assert_eq!(other_family.status, 401, "a session is no token of another family");

    server.clock.advance(61 * minute);
    assert_eq!(call(&pair).await.error(), (401, 2000), "idle for more than an hour");

    let https = [with, form, ("X-Forwarded-Proto", "https")];
    let answer = raw(&server, Method::POST, session, &https, &login).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.ends_with("; secure"), "{cookie}");
    let pair = cookie.split(';').next().unwrap().to_owned();
    let headers = [with, form, ("Cookie", pair.as_str())];
    let out = raw(&server, Method::POST, session, &headers, "action=logout").await;
    assert_eq!((out.status, element(out.text(), "TEXT")), (200, "Logged out"));
    assert_eq!(call(&pair).await.status, 401);

    let wrong =
        raw(&server, Method::POST, session, &[with, form], "action=login&username=manager&password=no").await;
    assert_eq!(wrong.error(), (401, 2000));
    let bare = raw(&server, Method::POST, session, &[form], &login).await;
    assert_eq!(bare.error(), (400, 1903));
    let get = raw(&server, Method::GET, &format!("{session}?{login}"), &[with], "").await;
    assert_eq!(get.error(), (400, 1908));
}

#[tokio::test]
async fn every_spelling_of_a_path_and_every_form_of_parameters_is_taken() {
    let world = World::new().await;
    let auth = basic("manager", PASSWORD);
    let headers = [("Authorization", auth.as_str()), ("X-Requested-With", "t")];
    for target in [
        "/api/2.0/fo/compliance/exception/?action=list",
        "/api/2.0/fo/compliance/exception?action=list",
        "//api/2.0/fo/compliance/exception/?action=list",
        "/api/2.0//fo/compliance//exception/?action=list",
        "/api/3.0/fo/compliance/exception/?action=list",
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = raw(&world.server, method.clone(), target, &headers, "").await;
            assert_eq!(answer.status, 200, "{method} {target}: {}", answer.text());
        }
    }
    let new =
        raw(&world.server, Method::GET, "/api/3.0/fo/compliance/exception/?action=list", &headers, "").await;
    assert!(new.text().contains("/api/3.0/fo/compliance/exception/exception_list_output.dtd"));

    let path = "/api/2.0/fo/compliance/exception/";
    let urlencoded = [headers[0], headers[1], ("Content-Type", "application/x-www-form-urlencoded")];
    let parameters = world.request(0);
    // Everything in the body with raw spaces; as curl -d sends it.
    let answer = raw(&world.server, Method::POST, path, &urlencoded, &parameters).await;
    assert_eq!(element(answer.text(), "TEXT"), "Exception created successfully", "{}", answer.text());
    // Everything in the query, without a body.
    let query = world.request(2).replace(' ', "%20");
    let answer = raw(&world.server, Method::POST, &format!("{path}?{query}"), &headers, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // Mixed: the action in the query, the rest in the body; the body wins.
    let target = format!("{path}?action=update&comments=from+the+query");
    let body = "exception_numbers=1&comments=first&comments=from+the+body";
    let answer = raw(&world.server, Method::POST, &target, &urlencoded, body).await;
    assert_eq!(element(answer.text(), "TEXT"), "Successfully Updated", "{}", answer.text());
    // Multipart.
    let part = |name: &str, value: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = [
        part("action", "update"),
        part("exception_numbers", "1"),
        part("comments", "in parts"),
        "--x--\r\n".into(),
    ];
    let multipart = [headers[0], headers[1], ("Content-Type", "multipart/form-data; boundary=x")];
    let answer = raw(&world.server, Method::POST, path, &multipart, &body.concat()).await;
    assert_eq!(element(answer.text(), "TEXT"), "Successfully Updated", "{}", answer.text());
    let list = world.listed("&exception_number=1").await;
    assert!(list.contains("from the body") && list.contains("in parts"), "{list}");
    assert!(!list.contains("from the query"));
}

#[tokio::test]
async fn what_was_sent_is_echoed_in_its_order_and_no_password_is() {
    let world = World::new().await;
    let body = "echo_request=1&status=approved&action=list&policy_id=7";
    let answer = world.exceptions("manager", body).await;
    let text = answer.text();
    assert_eq!(element(text, "USER_LOGIN"), "manager");
    assert_eq!(element(text, "RESOURCE"), "http://pc.example.test/api/2.0/fo/compliance/exception/");
    let keys: Vec<&str> = text.split("<KEY>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(keys, ["echo_request", "status", "action", "policy_id"]);
    assert!(text.find("<REQUEST>").unwrap() < text.find("<RESPONSE>").unwrap());
    let bare = world.exceptions("manager", "action=list&echo_request=0").await;
    assert!(!bare.text().contains("<REQUEST>"));
    let login = format!("action=login&echo_request=1&username=manager&password={PASSWORD}");
    let answer = world.send("manager", Method::POST, "/api/2.0/fo/session/", &login).await;
    assert!(answer.text().contains("<KEY>password</KEY>") && !answer.text().contains(PASSWORD));
}

#[tokio::test]
async fn headers_never_make_a_client_wait_or_repeat_itself() {
    let world = World::new().await;
    for target in [LIST, "/msp/about.php", "/msp/about.php/"] {
        let answer = world.send("manager", Method::GET, target, "").await;
        assert_eq!(answer.status, 200, "{target}");
        for (name, value) in [
            ("x-ratelimit-limit", "1000000"),
            ("x-ratelimit-window-sec", "3600"),
            ("x-ratelimit-remaining", "999999"),
            ("x-ratelimit-towait-sec", "0"),
            ("x-concurrency-limit-limit", "100"),
            ("x-concurrency-limit-running", "1"),
        ] {
            assert_eq!(answer.headers[name], value, "{target} {name}");
        }
    }
    // Without X-Requested-With: one client asks so when it is made.
    let auth = basic("manager", PASSWORD);
    let about = raw(&world.server, Method::GET, "/msp/about.php", &[("Authorization", &auth)], "").await;
    assert_eq!((about.status, element(about.text(), "API-VERSION")), (200, "2.0"));
}

#[tokio::test]
async fn more_than_a_hundred_at_once_are_told_to_come_again() {
    let server = TestServer::new().await;
    let auth = basic("manager", PASSWORD);
    let headers = [("Authorization", auth.as_str()), ("X-Requested-With", "t")];
    // So that no password has to be verified any more.
    assert_eq!(raw(&server, Method::GET, LIST, &headers, "").await.status, 200);
    // The first poll of each begins the call; none ends before the last has begun.
    let calls = (0..130).map(|_| raw(&server, Method::GET, LIST, &headers, ""));
    let answers = futures_util::future::join_all(calls).await;
    let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert_eq!(refused.len(), 30);
    for answer in refused {
        assert_eq!(answer.error(), (409, 1960));
        assert!(element(answer.text(), "TEXT").starts_with("This API cannot be run again until"));
    }
    assert_eq!(raw(&server, Method::GET, LIST, &headers, "").await.status, 200);
}

#[tokio::test]
async fn addresses_in_answers_are_those_the_client_used() {
    let server = TestServer::new().await;
    let auth = basic("manager", PASSWORD);
    let headers = [
        ("Authorization", auth.as_str()),
        ("X-Requested-With", "t"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "qualys.example.test:8443"),
    ];
    let answer = raw(&server, Method::GET, LIST, &headers, "").await;
    assert!(
        answer.text().contains("SYSTEM \"https://qualys.example.test:8443/api/2.0/"),
        "{}",
        answer.text()
    );
    let hostile = [headers[0], headers[1], ("X-Forwarded-Host", "a\"><!ENTITY")];
    let answer = raw(&server, Method::GET, LIST, &hostile, "").await;
    assert!(answer.text().contains("SYSTEM \"http://pc.example.test/"), "{}", answer.text());
}
