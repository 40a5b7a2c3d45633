//! Sessions and forms, as a browser and as somebody who means harm would send them.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use parapet_store::seal::Secret;
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::{COOKIE, csrf_of};
use crate::cli::StoreOptions;

const PASSWORD: &str = "a password for tests";

/// A server with one manager.
async fn served() -> (Router, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let (app, local) = StoreOptions::embedded(dir.path()).open().await.unwrap();
    let roles = ["manager".to_owned()];
    app.accounts().create_user(&local, "ann", Secret::new(PASSWORD), &roles).await.unwrap();
    (crate::http::router(app), dir)
}

async fn ask(router: &Router, request: Request<Body>) -> (StatusCode, String, Response<String>) {
    let answer = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    let location = parts.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap()).to_owned();
    (parts.status, location, Response::from_parts(parts, text))
}

fn form(path: &str) -> axum::http::request::Builder {
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::HOST, "parapet.example")
}

async fn session(router: &Router) -> String {
    let body = "name=ann&password=a+password+for+tests&to=%2Ffindings%3Fwhere%3Dkev";
    let (status, location, answer) = ask(router, form("/sign-in").body(body.into()).unwrap()).await;
    assert_eq!((status, location.as_str()), (StatusCode::SEE_OTHER, "/findings?where=kev"));
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    cookie.split_once(';').unwrap().0.split_once('=').unwrap().1.to_owned()
}

#[tokio::test]
async fn a_person_is_sent_to_the_form_and_back() {
    let (router, _dir) = served().await;
    let request = Request::get("/findings?where=kev").header(header::ACCEPT, "text/html,*/*");
    let (status, location, _) = ask(&router, request.body(Body::empty()).unwrap()).await;
    assert_eq!((status, location.as_str()), (StatusCode::SEE_OTHER, "/sign-in?to=%2Ffindings%3Fwhere%3Dkev"));
    session(&router).await;
}

#[tokio::test]
async fn every_answer_binds_the_browser() {
    let (router, _dir) = served().await;
    let session = session(&router).await;
    for path in ["/sign-in", "/findings", "/nowhere"] {
        let request = Request::get(path).header(header::ACCEPT, "text/html");
        let request = request.header(header::COOKIE, format!("{COOKIE}={session}"));
        let (_, _, answer) = ask(&router, request.body(Body::empty()).unwrap()).await;
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert!(answer.body().contains("<!doctype html>"), "{path} is no page");
    }
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let (router, _dir) = served().await;
    let session = session(&router).await;
    let token = csrf_of(&session);
    let cookie = format!("{COOKIE}={session}");
    let tries = [
        ("csrf=", "Sec-Fetch-Site", "same-origin"),
        ("csrf=0000", "Sec-Fetch-Site", "same-origin"),
        ("", "Origin", "http://parapet.example"),
        (&format!("csrf={token}"), "Sec-Fetch-Site", "cross-site"),
        (&format!("csrf={token}"), "Sec-Fetch-Site", "same-site"),
        (&format!("csrf={token}"), "Origin", "http://evil.example"),
    ];
    for (body, name, value) in tries {
        let request = form("/sign-out").header(header::COOKIE, &cookie).header(name, value);
        let (status, ..) = ask(&router, request.body(body.to_owned().into()).unwrap()).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{body} {name}: {value}");
    }
    let looks = || Request::get("/findings").header(header::COOKIE, &cookie).body(Body::empty()).unwrap();
    assert_eq!(ask(&router, looks()).await.0, StatusCode::OK, "the session still holds");
    let body = format!("csrf={token}");
    let request =
        form("/sign-out").header(header::COOKIE, &cookie).header("Origin", "http://parapet.example");
    let (status, location, _) = ask(&router, request.body(body.into()).unwrap()).await;
    assert_eq!((status, location.as_str()), (StatusCode::SEE_OTHER, "/sign-in"));
    assert_eq!(ask(&router, looks()).await.0, StatusCode::UNAUTHORIZED, "the session is over");
}

#[tokio::test]
async fn a_wrong_password_says_so_and_gives_no_session() {
    let (router, _dir) = served().await;
    for (body, expected) in [
        ("name=ann&password=wrong", StatusCode::UNAUTHORIZED),
        ("name=nobody&password=wrong", StatusCode::UNAUTHORIZED),
        ("name=&password=", StatusCode::BAD_REQUEST),
    ] {
        let (status, _, answer) = ask(&router, form("/sign-in").body(body.into()).unwrap()).await;
        assert_eq!(status, expected, "{body}");
        assert!(!answer.headers().contains_key(header::SET_COOKIE), "{body}");
        assert!(!answer.body().contains("wrong"), "a password is never shown");
    }
}
