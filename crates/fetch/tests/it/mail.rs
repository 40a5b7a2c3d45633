//! E-mail against a relay of our own: in the clear, by STARTTLS, under TLS from the first byte, with a
//! password; one that refuses, one that puts off, one that goes away in the middle.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parapet_fetch::{FetchError, MailFile, MailRelay, Recipients};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::secure::authority;
use crate::world::World;

/// How a relay behaves.
#[derive(Clone, Default)]
struct Manners {
    /// With STARTTLS, or TLS from the first byte.
    tls: Option<(TlsAcceptor, bool)>,
    /// User and password that are known.
    account: Option<(&'static str, &'static str)>,
    /// The answer to a receiver, or to the text.
    refuses: Option<(&'static str, &'static str)>,
    /// After which command the connection ends without an answer; `.` is the end of the text.
    drops: Option<&'static str>,
}

/// What a relay heard, a dialogue at a time.
#[derive(Default)]
struct Heard {
    lines: Vec<String>,
    encrypted: Vec<String>,
    texts: Vec<String>,
}

struct Relay {
    port: u16,
    heard: Arc<Mutex<Heard>>,
}

impl Relay {
    async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::<Mutex<Heard>>::default();
        let relay = Self { port, heard: heard.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (manners, heard) = (manners.clone(), heard.clone());
                tokio::spawn(async move {
                    match manners.tls.clone() {
                        Some((acceptor, true)) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                Dialogue { manners, heard, encrypted: true }.run(stream, true).await;
                            }
                        }
                        Some((acceptor, false)) => {
                            let mut dialogue = Dialogue { manners, heard, encrypted: false };
                            let Some(stream) = dialogue.run(stream, true).await else { return };
                            if let Ok(stream) = acceptor.accept(stream).await {
                                dialogue.encrypted = true;
                                dialogue.run(stream, false).await;
                            }
                        }
                        None => {
                            Dialogue { manners, heard, encrypted: false }.run(stream, true).await;
                        }
                    }
                });
            }
        });
        relay
    }

    fn mail(&self, scheme: &str, user: &str, more: &str, password: Option<&str>) -> MailRelay {
        let url = format!(
            "{scheme}://{user}mail.example.test:{}?from=parapet@x.example&to=sec@x.example{more}",
            self.port
        );
        let world = World::new().name("mail.example.test", &["127.0.0.1"]);
        MailRelay::new(&world.client(), &url, password).unwrap()
    }

    fn heard<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        look(&self.heard.lock().unwrap())
    }
}

struct Dialogue {
    manners: Manners,
    heard: Arc<Mutex<Heard>>,
    encrypted: bool,
}

impl Dialogue {
    /// Talks until the other side is done; gives the stream back for STARTTLS.
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: S, greet: bool) -> Option<S> {
        let mut stream = BufReader::new(stream);
        if greet {
            stream.write_all(b"220 relay\r\n").await.ok()?;
        }
        loop {
            let line = read_line(&mut stream).await?;
            self.note(&line);
            let command = line.split([' ', ':']).next().unwrap_or_default().to_owned();
            if self.manners.drops == Some(command.as_str()) {
                return None;
            }
            let answer = match command.as_str() {
                "EHLO" => self.greeting(),
                "STARTTLS" => {
                    stream.write_all(b"220 go on\r\n").await.ok()?;
                    return Some(stream.into_inner());
                }
                "AUTH" if self.knows(&line) => "235 welcome".to_owned(),
                "AUTH" => "535 who are you".to_owned(),
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await.ok()?;
                    self.text(&mut stream).await?;
                    if self.manners.drops == Some(".") {
                        return None;
                    }
                    self.said_of("DATA")
                }
                "QUIT" => "221 bye".to_owned(),
                _ => self.said_of(&command),
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        }
    }

    fn note(&self, line: &str) {
        let mut heard = self.heard.lock().unwrap();
        let lines = if self.encrypted { &mut heard.encrypted } else { &mut heard.lines };
        lines.push(line.to_owned());
    }

    fn greeting(&self) -> String {
        let mut lines = vec!["relay"];
        if matches!(self.manners.tls, Some((_, false))) && !self.encrypted {
            lines.push("STARTTLS");
        }
        if self.manners.account.is_some() {
            lines.push("AUTH PLAIN LOGIN");
        }
        let last = lines.len() - 1;
        let line = |(at, line): (usize, &&str)| format!("250{}{line}", if at == last { ' ' } else { '-' });
        lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\r\n")
    }

    fn knows(&self, line: &str) -> bool {
        let Some((user, password)) = self.manners.account else { return false };
        line == format!("AUTH PLAIN {}", STANDARD.encode(format!("\0{user}\0{password}")))
    }

    fn said_of(&self, command: &str) -> String {
        let refused = self.manners.refuses.filter(|(what, _)| *what == command);
        refused.map_or("250 ok", |(_, answer)| answer).to_owned()
    }

    async fn text<S: AsyncRead + Unpin>(&self, stream: &mut BufReader<S>) -> Option<()> {
        let mut text = String::new();
        loop {
            let line = read_line(stream).await?;
            if line == "." {
                self.heard.lock().unwrap().texts.push(text);
                return Some(());
            }
            text.push_str(&line);
            text.push('\n');
        }
    }
}

async fn read_line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    match tokio::io::AsyncBufReadExt::read_line(stream, &mut line).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim_end().to_owned()),
    }
}

fn why(refused: Result<(), FetchError>, permanent: bool) -> String {
    let error = refused.unwrap_err();
    assert_eq!(error.is_permanent(), permanent, "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_message_is_handed_over_in_the_clear_when_that_is_said() {
    let relay = Relay::start(Manners::default()).await;
    let mail = relay.mail("smtp", "", "&to=ops@x.example&tls=off", None);
    mail.send("7", "Exception 7 is reopened: Zürich", "Zürich\n.\nend").await.unwrap();
    mail.send("8", "again", "again").await.unwrap();
    relay.heard(|heard| {
        for line in
            ["MAIL FROM:<parapet@x.example>", "RCPT TO:<sec@x.example>", "RCPT TO:<ops@x.example>", "QUIT"]
        {
            assert!(heard.lines.iter().any(|heard| heard.starts_with(line)), "{line}: {:?}", heard.lines);
        }
        let [first, second] = &heard.texts[..] else { panic!("{:?}", heard.texts) };
        assert!(first.contains("Message-ID: <7@parapet>") && second.contains("Message-ID: <8@parapet>"));
        assert!(first.contains("From: parapet@x.example") && first.contains("Subject: "));
        assert!(first.is_ascii(), "what is not ASCII is encoded: {first}");
    });
}

#[tokio::test]
async fn starttls_hides_everything_but_the_greeting() {
    let (pem, acceptor) = authority("mail.example.test");
    let account = Some(("ops@x.example", "pa ss"));
    let relay = Relay::start(Manners { tls: Some((acceptor, false)), account, ..Manners::default() }).await;
    let mail = relay.mail("smtp", "ops%40x.example@", "", Some("pa ss")).trusting(pem.as_bytes()).unwrap();
    mail.send("7", "subject", "text").await.unwrap();
    relay.heard(|heard| {
        assert!(
            heard.lines.iter().all(|line| line.starts_with("EHLO") || line == "STARTTLS"),
            "{:?}",
            heard.lines
        );
        assert!(heard.encrypted.iter().any(|line| line.starts_with("AUTH PLAIN")));
        assert_eq!(heard.texts.len(), 1);
    });
    let wrong = relay.mail("smtp", "ops%40x.example@", "", Some("wrong")).trusting(pem.as_bytes()).unwrap();
    let said = why(wrong.send("7", "s", "t").await, true);
    assert!(said.contains("who are you"), "{said}");
    // A certificate of nobody's, or of another host's, gets neither password nor text.
    let unknown = relay.mail("smtp", "ops%40x.example@", "", Some("pa ss"));
    assert!(unknown.send("7", "s", "t").await.is_err());
    let (pem, acceptor) = authority("other.example.test");
    let relay = Relay::start(Manners { tls: Some((acceptor, false)), account, ..Manners::default() }).await;
    let other = relay.mail("smtp", "ops%40x.example@", "", Some("pa ss")).trusting(pem.as_bytes()).unwrap();
    assert!(other.send("7", "s", "t").await.is_err());
    relay.heard(|heard| assert!(heard.texts.is_empty() && heard.encrypted.is_empty()));
}

#[tokio::test]
async fn smtps_is_encrypted_from_the_first_byte() {
    let (pem, acceptor) = authority("mail.example.test");
    let account = Some(("ops", "secret"));
    let relay = Relay::start(Manners { tls: Some((acceptor, true)), account, ..Manners::default() }).await;
    let mail = relay.mail("smtps", "ops@", "", Some("secret")).trusting(pem.as_bytes()).unwrap();
    mail.send("7", "subject", &"a long line ".repeat(2_000)).await.unwrap();
    relay.heard(|heard| {
        assert!(heard.lines.is_empty() && heard.texts.len() == 1);
        assert!(heard.texts[0].len() > 20_000 && heard.encrypted.iter().any(|line| line == "QUIT"));
    });
    assert!(relay.mail("smtps", "ops@", "", Some("secret")).send("7", "s", "t").await.is_err());
    // A relay that speaks in the clear is not spoken to.
    let plain = Relay::start(Manners::default()).await;
    assert!(plain.mail("smtps", "", "", None).send("7", "s", "secret").await.is_err());
    plain.heard(|heard| assert!(heard.texts.is_empty()));
}

#[tokio::test]
async fn what_a_relay_refuses_and_what_it_puts_off_are_told_apart() {
    for (what, answer, permanent) in [
        ("RCPT", "550 nobody here", true),
        ("RCPT", "451 later", false),
        ("MAIL", "530 not you", true),
        ("DATA", "554 spam", true),
        ("DATA", "452 full", false),
    ] {
        let relay = Relay::start(Manners { refuses: Some((what, answer)), ..Manners::default() }).await;
        let said = why(relay.mail("smtp", "", "&tls=off", None).send("7", "s", "t").await, permanent);
        assert!(said.contains(&answer[4..]), "{answer}: {said}");
    }
    // Without STARTTLS nothing is said when TLS is wanted.
    let relay = Relay::start(Manners::default()).await;
    assert!(relay.mail("smtp", "", "", None).send("7", "s", "secret").await.is_err());
    relay
        .heard(|heard| assert!(heard.texts.is_empty() && heard.lines.iter().all(|l| !l.starts_with("MAIL"))));
}

#[tokio::test]
async fn a_relay_that_goes_away_may_be_asked_again() {
    for after in ["EHLO", "MAIL", "RCPT", "DATA", "."] {
        let relay = Relay::start(Manners { drops: Some(after), ..Manners::default() }).await;
        why(relay.mail("smtp", "", "&tls=off", None).send("7", "s", "t").await, false);
        relay.heard(|heard| assert_eq!(heard.texts.len(), usize::from(after == "."), "{after}"));
    }
    let gone = Relay::start(Manners::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = Relay { port: listener.local_addr().unwrap().port(), heard: gone.heard.clone() };
    drop(listener);
    why(nobody.mail("smtp", "", "&tls=off", None).send("7", "s", "t").await, false);
}

#[tokio::test]
async fn a_file_goes_to_whom_it_is_wished_for() {
    let relay = Relay::start(Manners::default()).await;
    let mail = relay.mail("smtp", "", "&tls=off", None);
    let to = Recipients::parse("a@y.example; Nora <n@y.example>", 2).unwrap();
    let (name, media_type) = ("critical.csv".to_owned(), "text/csv".to_owned());
    let file = MailFile { name, media_type, bytes: b"qid,title\n7,x\n".to_vec() };
    mail.send_to("8", &to, "Weekly\r\nBcc: b@z.example", "The rows", Some(file)).await.unwrap();
    relay.heard(|heard| {
        let receivers: Vec<&str> =
            heard.lines.iter().filter_map(|line| line.strip_prefix("RCPT TO:")).collect();
        assert_eq!(receivers, ["<a@y.example>", "<n@y.example>"]);
        let [text] = &heard.texts[..] else { panic!("{:?}", heard.texts) };
        assert!(text.contains("filename=\"critical.csv\"") && text.contains("The rows"), "{text}");
        assert!(!text.contains("\nBcc:"), "{text}");
    });
    for wrong in ["", " ; ", "nobody", "a@y.example, b@y.example, c@y.example", "a@y.example\r\nDATA"] {
        assert!(Recipients::parse(wrong, 2).is_err(), "{wrong:?}");
    }
}
