//! E-mail through a relay of the owner's, over SMTP. The message and the dialogue are the crate
//! `lettre`'s; the connection is ours, so that addresses are checked where they are connected to.
//!
//! What it keeps true: nothing is said in the clear unless the address says `tls=off`, and a password never is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lettre::Message;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use self::encrypted::Encrypted;
use crate::client::Client;
use crate::error::FetchError;
use crate::tls;

mod encrypted;

/// Longest dialogue with a relay.
const LONGEST: Duration = Duration::from_secs(60);
/// Port for submission, and for submission that is encrypted from its first byte.
const SUBMISSION: u16 = 587;
const SUBMISSIONS: u16 = 465;

/// How a connection is encrypted before anything is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tls {
    /// Not at all.
    Off,
    /// By STARTTLS, without which nothing is sent.
    Start,
    /// From the first byte.
    Implicit,
}

/// A file that goes with a message.
#[derive(Debug, Clone)]
pub struct MailFile {
    /// What it is called.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// To whom a message goes, beside whom the relay is configured for.
#[derive(Debug, Clone)]
pub struct Recipients(Vec<Mailbox>);

impl Recipients {
    /// Addresses with commas or semicolons between them, with names or without:
    /// `a@x.example, Nora <n@x.example>`.
    ///
    /// # Errors
    /// What is no address, when there is none or more than `most`.
    pub fn parse(text: &str, most: usize) -> Result<Self, String> {
        let parts = text.split([',', ';']).map(str::trim).filter(|part| !part.is_empty());
        let read = |part: &str| part.parse::<Mailbox>().map_err(|_| format!("{part:?} is no mail address"));
        let found = parts.map(read).collect::<Result<Vec<_>, _>>()?;
        match found.len() {
            0 => Err("no mail address is given".to_owned()),
            many if many > most => Err(format!("{many} mail addresses are given, at most {most} can be")),
            _ => Ok(Self(found)),
        }
    }
}

/// A relay, and between whom.
#[derive(Clone)]
pub struct MailRelay {
    client: Client,
    host: String,
    port: u16,
    credentials: Option<Credentials>,
    tls: Tls,
    /// An authority to trust beside the machine's own, in PEM form.
    authority: Option<Vec<u8>>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl std::fmt::Debug for MailRelay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailRelay")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl MailRelay {
    /// A relay written `smtp://[user@]host[:port]?from=ADDRESS&to=ADDRESS[&to=ADDRESS][&tls=off]`.
    /// Without `tls=off` the relay must offer STARTTLS and show a certificate for its name. `smtps://` is
    /// encrypted from the first byte.
    ///
    /// # Errors
    /// [`FetchError::BadUrl`] for what is written otherwise.
    pub fn new(client: &Client, url: &str, password: Option<&str>) -> Result<Self, FetchError> {
        let bad = |why| FetchError::BadUrl { url: "the mail relay".to_owned(), why };
        let url = Url::parse(url).map_err(|_| bad("it is no address"))?;
        let (mut tls, usual) = match url.scheme() {
            "smtp" => (Tls::Start, SUBMISSION),
            "smtps" => (Tls::Implicit, SUBMISSIONS),
            _ => return Err(bad("it begins with smtp:// or smtps://")),
        };
        let host = url.host_str().ok_or_else(|| bad("it names no host"))?.to_owned();
        if url.password().is_some() {
            return Err(bad("a password is given by file"));
        }
        let (mut from, mut to) = (None, Vec::new());
        let mailbox =
            |text: &str| text.parse::<Mailbox>().map_err(|_| bad("an address of a mailbox is none"));
        for (name, value) in url.query_pairs() {
            match (name.as_ref(), value.as_ref()) {
                ("from", address) => from = Some(mailbox(address)?),
                ("to", address) => to.push(mailbox(address)?),
                ("tls", "off") if tls == Tls::Implicit => return Err(bad("smtps:// is TLS")),
                ("tls", "off") => tls = Tls::Off,
                ("tls", "on") => {}
                _ => return Err(bad("from=, to= and tls=on or off are known")),
            }
        }
        let from = from.ok_or_else(|| bad("from= is missing"))?;
        if to.is_empty() {
            return Err(bad("to= is missing"));
        }
        let credentials = match (url.username(), password) {
            ("", None) => None,
            ("", Some(_)) => return Err(bad("a password without a user")),
            (_, None) => return Err(bad("a user without a password")),
            (user, Some(password)) => {
                let user = percent_decode(user).ok_or_else(|| bad("the user is not UTF-8"))?;
                Some(Credentials::new(user, password.to_owned()))
            }
        };
        if credentials.is_some() && tls == Tls::Off {
            return Err(bad("a password is not sent without TLS"));
        }
        let port = url.port().unwrap_or(usual);
        Ok(Self { client: client.clone(), host, port, credentials, tls, authority: None, from, to })
    }

    /// The same, trusting an authority beside the machine's own.
    ///
    /// # Errors
    /// [`FetchError::BadOption`] when `pem` holds no usable certificate.
    pub fn trusting(mut self, pem: &[u8]) -> Result<Self, FetchError> {
        tls::configuration(Some(pem))?;
        self.authority = Some(pem.to_vec());
        Ok(self)
    }

    /// Sends a text once. `id` names the message, the same however often it is sent.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn send(&self, id: &str, subject: &str, text: &str) -> Result<(), FetchError> {
        self.hand_over(id, &self.to, subject, text, None).await
    }

    /// The same to somebody else, perhaps with a file.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn send_to(
        &self,
        id: &str,
        to: &Recipients,
        subject: &str,
        text: &str,
        file: Option<MailFile>,
    ) -> Result<(), FetchError> {
        self.hand_over(id, &to.0, subject, text, file).await
    }

    async fn hand_over(
        &self,
        id: &str,
        to: &[Mailbox],
        subject: &str,
        text: &str,
        file: Option<MailFile>,
    ) -> Result<(), FetchError> {
        let mut message = Message::builder()
            .from(self.from.clone())
            .message_id(Some(format!("<{id}@parapet>")))
            // A line break in it would begin another header.
            .subject(subject.replace(|c: char| c.is_control(), " "));
        for to in to {
            message = message.to(to.clone());
        }
        let message = match file {
            None => message.header(ContentType::TEXT_PLAIN).body(text.to_owned()),
            Some(MailFile { name, media_type, bytes }) => {
                let kind = ContentType::parse(&media_type).map_err(|error| self.failed(&error, true))?;
                let parts = MultiPart::mixed().singlepart(SinglePart::plain(text.to_owned()));
                message.multipart(parts.singlepart(Attachment::new(name).body(bytes, kind)))
            }
        };
        let message = message.map_err(|error| self.failed(&error, true))?;
        match tokio::time::timeout(LONGEST, self.converse(&message)).await {
            Ok(done) => done,
            Err(_) => Err(FetchError::Timeout { url: format!("smtp://{}", self.host) }),
        }
    }

    async fn converse(&self, message: &Message) -> Result<(), FetchError> {
        let said = |error: lettre::transport::smtp::Error| self.failed(&error, error.is_permanent());
        let stream = self.connect().await?;
        let stream: Box<dyn AsyncTokioStream> = match self.tls {
            Tls::Implicit => Box::new(self.encrypt(stream).await?),
            Tls::Off | Tls::Start => Box::new(stream),
        };
        let own = ClientId::default();
        let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &own).await.map_err(said)?;
        if self.tls == Tls::Start {
            connection.starttls(self.parameters().map_err(said)?, &own).await.map_err(said)?;
        }
        if let Some(credentials) = &self.credentials {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, credentials).await.map_err(said)?;
        }
        connection.send(message.envelope(), &message.formatted()).await.map_err(said)?;
        // It was taken; whether the relay says good-bye does not matter.
        let _ = connection.quit().await;
        Ok(())
    }

    fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// What STARTTLS is to trust.
    fn parameters(&self) -> Result<TlsParameters, lettre::transport::smtp::Error> {
        let mut parameters = TlsParameters::builder(self.bare_host().to_owned());
        if let Some(pem) = &self.authority {
            parameters = parameters.add_root_certificate(Certificate::from_pem(pem)?);
        }
        parameters.build()
    }

    async fn encrypt(&self, stream: TcpStream) -> Result<Encrypted, FetchError> {
        let config = tls::configuration(self.authority.as_deref())?;
        let name = ServerName::try_from(self.bare_host().to_owned());
        let name = name.map_err(|error| self.failed(&error, true))?;
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
        let stream = connecting.await.map_err(|error| self.failed(&error, false))?;
        Ok(Encrypted(stream))
    }

    /// A connection to the first address that is allowed and answers.
    async fn connect(&self) -> Result<TcpStream, FetchError> {
        let host = &self.host;
        let plain = self.bare_host();
        let addresses = match plain.parse() {
            Ok(address) => vec![address],
            Err(_) => {
                let names = &self.client.environment().names;
                let found = names.addresses(plain.to_owned()).await;
                found.map_err(|error| FetchError::Resolve { host: host.clone(), why: error.to_string() })?
            }
        };
        let mut last = FetchError::Resolve { host: host.clone(), why: "it has no address".to_owned() };
        for address in addresses {
            if let Err(kind) = self.client.options().allow.check(address) {
                last = FetchError::ForbiddenAddress { host: host.clone(), address, kind };
                continue;
            }
            let connecting = TcpStream::connect(SocketAddr::new(address, self.port));
            let limit = self.client.options().connect_timeout;
            last = match tokio::time::timeout(limit, connecting).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => {
                    FetchError::Connect { url: format!("smtp://{host}"), why: error.to_string() }
                }
                Err(_) => FetchError::Timeout { url: format!("smtp://{host}") },
            };
        }
        Err(last)
    }

    fn failed(&self, error: &dyn std::fmt::Display, permanent: bool) -> FetchError {
        FetchError::Mail { host: self.host.clone(), why: error.to_string(), permanent }
    }
}

fn percent_decode(text: &str) -> Option<String> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientOptions;
    use crate::environment::Environment;

    fn client() -> Client {
        Client::new(ClientOptions::default(), Environment::system()).unwrap()
    }

    #[test]
    fn one_line_says_everything() {
        let relay = |url: &str, password| MailRelay::new(&client(), url, password);
        assert!(
            relay("smtp://u%40x@mail.example?from=a@x.example&to=b@x.example&to=c@x.example", Some("p"))
                .is_ok()
        );
        for (url, port) in [
            ("smtp://mail.example?from=a@x.example&to=b@x.example", SUBMISSION),
            ("smtps://mail.example?from=a@x.example&to=b@x.example", SUBMISSIONS),
            ("smtps://mail.example:2465?from=a@x.example&to=b@x.example&tls=on", 2465),
        ] {
            let relay = relay(url, None).unwrap();
            assert_eq!(relay.port, port);
            assert!(relay.trusting(b"no certificate").is_err());
        }
        for (url, password) in [
            ("smtp://mail.example?from=a@x.example", None),
            ("smtp://mail.example?to=a@x.example", None),
            ("smtp://mail.example?from=nobody&to=a@x.example", None),
            ("smtp://u@mail.example?from=a@x.example&to=b@x.example", None),
            ("smtp://u:p@mail.example?from=a@x.example&to=b@x.example", None),
            ("smtp://u@mail.example?from=a@x.example&to=b@x.example&tls=off", Some("p")),
            ("smtp://mail.example?from=a@x.example&to=b@x.example&bcc=c@x.example", None),
            ("smtps://mail.example?from=a@x.example&to=b@x.example&tls=off", None),
            ("http://mail.example?from=a@x.example&to=b@x.example", None),
        ] {
            assert!(relay(url, password).is_err(), "{url}");
        }
    }

    #[tokio::test]
    async fn a_file_goes_to_whom_it_is_wished_for() {
        let (port, heard) = relay("250 ok").await;
        let url = format!("smtp://127.0.0.1:{port}?from=parapet@x.example&to=sec@x.example&tls=off");
        let mail = MailRelay::new(&client(), &url, None).unwrap();
        let to = Recipients::parse("a@y.example; Nora <n@y.example>", 2).unwrap();
        let (name, media_type) = ("critical.csv".to_owned(), "text/csv".to_owned());
        let file = MailFile { name, media_type, bytes: b"qid,title\n7,x\n".to_vec() };
        mail.send_to("8", &to, "Weekly\r\nBcc: b@z.example", "The rows", Some(file)).await.unwrap();
        let heard = heard.await.unwrap();
        for part in
            ["RCPT TO:<a@y.example>", "RCPT TO:<n@y.example>", "filename=\"critical.csv\"", "The rows"]
        {
            assert!(heard.contains(part), "{part}: {heard}");
        }
        assert!(!heard.contains("sec@x.example") && !heard.contains("\nBcc:"), "{heard}");
        for wrong in ["", " ; ", "nobody", "a@y.example, b@y.example, c@y.example", "a@y.example\r\nDATA"] {
            assert!(Recipients::parse(wrong, 2).is_err(), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_forbidden_is_not_connected_to() {
        let url = "smtp://169.254.169.254?from=parapet@x.example&to=sec@x.example&tls=off";
        let refused = MailRelay::new(&client(), url, None).unwrap().send("7", "s", "t").await.unwrap_err();
        assert!(matches!(refused, FetchError::ForbiddenAddress { .. }), "{refused}");
    }
}
