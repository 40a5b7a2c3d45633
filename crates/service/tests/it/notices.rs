//! Notices reach a webhook, signed, once, and again when the webhook failed.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use parapet_model::Filter;
use parapet_model::exception::{Asked, TargetKind};
use parapet_model::time::DAY;
use parapet_service::control_exceptions::ExceptionRules;
use parapet_service::exceptions::NewException;
use parapet_service::notices::{AHEAD, MailOptions, NotifyOptions};
use parapet_store::seal::Secret;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::world::World;

#[derive(Default)]
struct Heard {
    calls: Vec<(String, String, Value)>,
    /// How many calls are answered with 500 first.
    failing: usize,
}

async fn hear(State(heard): State<Arc<Mutex<Heard>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut heard = heard.lock().unwrap();
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    heard.calls.push((
        text("x-parapet-delivery"),
        text("x-parapet-signature"),
        serde_json::from_slice(&body).unwrap(),
    ));
    if heard.failing > 0 {
        heard.failing -= 1;
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    StatusCode::NO_CONTENT
}

async fn webhook(failing: usize) -> (NotifyOptions, Arc<Mutex<Heard>>) {
    let heard = Arc::new(Mutex::new(Heard { failing, ..Heard::default() }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", post(hear)).with_state(heard.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (NotifyOptions { webhook: Some((url, Secret::new("key"))), mail: None }, heard)
}

pub(crate) fn new_exception(title: &str, end: Option<i64>) -> NewException {
    NewException {
        title: title.to_owned(),
        reason: "risk_accepted".to_owned(),
        comment: String::new(),
        kind: TargetKind::Dynamic,
        filter: Some(Filter::parse("severity = high").unwrap()),
        assets: Vec::new(),
        vulnerabilities: Vec::new(),
        asked: Asked::default(),
        start: None,
        end,
    }
}

#[tokio::test]
async fn an_end_that_is_near_is_told_once_and_again_after_a_failure() {
    let (notify, heard) = webhook(1).await;
    let world = World::with(ExceptionRules::default(), notify).await;
    let end = world.app.now() + 30 * DAY;
    world.app.exceptions().create(&world.who, &new_exception("legacy", Some(end))).await.unwrap();
    world.app.exceptions().create(&world.who, &new_exception("for ever", None)).await.unwrap();
    assert_eq!(world.app.notices().tell().await.unwrap(), 0, "thirty days are far");
    world.clock.advance(30 * DAY - AHEAD);
    assert_eq!(world.app.notices().tell().await.unwrap(), 1);
    assert_eq!(world.app.notices().tell().await.unwrap(), 0, "told once");
    world.app.run_jobs().await.unwrap();
    world.clock.advance(60_000);
    world.app.run_jobs().await.unwrap();
    let heard = heard.lock().unwrap();
    let calls = &heard.calls;
    assert_eq!(calls.len(), 2, "the first was answered with 500");
    assert_eq!(calls[0].0, calls[1].0, "the same delivery");
    assert!(calls[1].1.starts_with("t=") && calls[1].1.contains(",v1="), "{}", calls[1].1);
    assert_ne!(calls[0].1, calls[1].1, "the instant is signed");
    let event = &calls[1].2;
    assert_eq!(event["event"], "exception.expiring");
    assert_eq!(event["exception"]["title"], "legacy");
    assert_eq!(event["exception"]["kind"], "vulnerability");
}

/// A mail relay that hangs up in the middle of the first text, and takes every later one.
async fn relay() -> (NotifyOptions, Arc<Mutex<Vec<String>>>) {
    let texts = Arc::<Mutex<Vec<String>>>::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = texts.clone();
    tokio::spawn(async move {
        for count in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let (read, mut write) = stream.into_split();
            let (mut lines, mut text) = (BufReader::new(read).lines(), None::<String>);
            write.write_all(b"220 relay\r\n").await.unwrap();
            while let Ok(Some(line)) = lines.next_line().await {
                let answer = match (&mut text, line.as_str()) {
                    (Some(all), ".") => {
                        heard.lock().unwrap().push(std::mem::take(all));
                        text = None;
                        "250 taken"
                    }
                    (Some(_), _) if count == 0 => break,
                    (Some(all), line) => {
                        all.push_str(line);
                        all.push('\n');
                        continue;
                    }
                    (None, "DATA") => {
                        text = Some(String::new());
                        "354 go on"
                    }
                    (None, _) => "250 ok",
                };
                write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
            }
        }
    });
    let url = format!("smtp://{address}?from=parapet@x.example&to=sec@x.example&tls=off");
    let mail = MailOptions { url, password: None, authority: None };
    (NotifyOptions { webhook: None, mail: Some(mail) }, texts)
}

#[tokio::test]
async fn a_relay_that_hangs_up_in_the_middle_gets_the_message_again() {
    let (notify, texts) = relay().await;
    let world = World::with(ExceptionRules::default(), notify).await;
    let end = world.app.now() + DAY;
    world.app.exceptions().create(&world.who, &new_exception("legacy", Some(end))).await.unwrap();
    world.clock.advance(1_000);
    assert_eq!(world.app.notices().tell().await.unwrap(), 1);
    world.app.run_jobs().await.unwrap();
    assert!(texts.lock().unwrap().is_empty());
    world.clock.advance(60_000);
    world.app.run_jobs().await.unwrap();
    assert_eq!(world.app.notices().tell().await.unwrap(), 0, "told once");
    let texts = texts.lock().unwrap();
    assert_eq!(texts.len(), 1);
    assert!(texts[0].contains("legacy") && texts[0].contains("Message-ID: <"), "{}", texts[0]);
}

#[tokio::test]
async fn without_a_channel_nothing_is_told_and_no_job_is_made() {
    let world = World::new().await;
    let end = world.app.now() + DAY;
    world.app.exceptions().create(&world.who, &new_exception("legacy", Some(end))).await.unwrap();
    assert_eq!(world.app.notices().tell().await.unwrap(), 0);
    assert_eq!(world.app.run_jobs().await.unwrap(), 0);
}
