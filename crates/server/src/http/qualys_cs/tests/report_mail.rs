//! Reports that are mailed when they are finished, through a relay of the test's own.

use std::sync::{Arc, Mutex};

use parapet_model::time::DAY;
use parapet_service::notices::{MailOptions, NotifyOptions};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::reports::Estate;
use crate::http::testing::TestServer;

/// What was said to the relay for each message that it took.
type Heard = Arc<Mutex<Vec<String>>>;

/// A relay that refuses the first `refused` recipients for now and takes everything after that.
async fn relay(refused: usize) -> (NotifyOptions, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let (log, left) = (heard.clone(), Arc::new(Mutex::new(refused)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            converse(stream, &left, &log).await;
        }
    });
    let url = format!("smtp://127.0.0.1:{port}?from=parapet@x.example&to=security@x.example&tls=off");
    let mail = MailOptions { url, password: None, authority: None };
    (NotifyOptions { webhook: None, mail: Some(mail) }, heard)
}

async fn converse(stream: TcpStream, refused: &Mutex<usize>, taken: &Heard) {
    let (read, mut write) = stream.into_split();
    let (mut lines, mut said, mut data) = (BufReader::new(read).lines(), String::new(), false);
    write.write_all(b"220 relay\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        said.push_str(&line);
        said.push('\n');
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "." if data => {
                data = false;
                taken.lock().unwrap().push(said.clone());
                "250 taken"
            }
            _ if data => continue,
            "EHLO" => "250 relay",
            "RCPT" => {
                let mut refused = refused.lock().unwrap();
                let later = *refused > 0;
                *refused = refused.saturating_sub(1);
                if later { "451 later" } else { "250 ok" }
            }
            "DATA" => {
                data = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        if line == "QUIT" {
            break;
        }
    }
}

async fn estate(notify: NotifyOptions) -> Estate {
    Estate::on(TestServer::with(|options| options.notify = notify).await).await
}

fn taken(heard: &Heard) -> Vec<String> {
    heard.lock().unwrap().clone()
}

#[tokio::test]
async fn a_report_of_a_schedule_is_mailed_once_with_its_file_when_it_is_finished() {
    let (notify, heard) = relay(1).await;
    let estate = estate(notify).await;
    let wish = json!({
        "emailNotification": 1, "sendAsAttachment": 1, "recipient": "nora@y.example, sec@y.example",
        "emailSubject": "Every day", "customMessage": "What is open",
    });
    estate.schedule(wish).await;
    estate.server.clock.advance(DAY);
    estate.tick().await;
    assert_eq!(taken(&heard).len(), 0, "the relay had no time");
    estate.server.clock.advance(60_000);
    estate.server.app.run_jobs().await.unwrap();
    let messages = taken(&heard);
    assert_eq!(messages.len(), 1, "{messages:?}");
    for part in [
        "RCPT TO:<nora@y.example>",
        "RCPT TO:<sec@y.example>",
        "Subject: Every day",
        "What is open",
        "Report: weekly",
        "/csapi/v1.3/reports/",
        "Content-Disposition: attachment",
        "text/csv",
    ] {
        assert!(messages[0].contains(part), "{part}: {}", messages[0]);
    }
    assert!(!messages[0].contains("security@x.example"), "notices' own receivers get no reports");
    estate.server.app.run_jobs().await.unwrap();
    assert_eq!(taken(&heard).len(), 1, "once");
}

#[tokio::test]
async fn a_report_somebody_asked_for_is_mailed_too_and_without_a_wish_none_is() {
    let (notify, heard) = relay(0).await;
    let estate = estate(notify).await;
    estate.create(json!({"recipient": "nora@y.example"})).await;
    estate.create(json!({"name": "critical", "emailNotification": 1, "recipient": "nora@y.example"})).await;
    estate.server.app.run_jobs().await.unwrap();
    let messages = taken(&heard);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].contains("Subject: Report critical"), "{}", messages[0]);
    assert!(!messages[0].contains("attachment"), "{}", messages[0]);
    for wrong in ["nobody", "a@y.example, b", "a@y.example\r\nRCPT TO:<b@y.example>"] {
        let answer = estate.ask(json!({"emailNotification": 1, "recipient": wrong})).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
    }
}

#[tokio::test]
async fn without_a_relay_a_report_is_made_and_nothing_is_mailed() {
    let estate = estate(NotifyOptions::default()).await;
    estate.create(json!({"emailNotification": 1, "recipient": "nora@y.example"})).await;
    assert_eq!(estate.server.app.run_jobs().await.unwrap(), 1, "the report alone");
}
