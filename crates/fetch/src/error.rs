//! What can go wrong outside, said so that somebody can act on it.
//!
//! Addresses in messages are shown without query and without user information: the query of a
//! redirected blob is a signature that gives access.

use std::net::IpAddr;
use std::time::Duration;

use parapet_catalog::layer::LayerError;
use parapet_catalog::oci::OciError;
use parapet_model::Digest;
use reqwest::StatusCode;
use url::Url;

/// Why something could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address cannot be used at all.
    #[error("{url:?} cannot be used: {why}")]
    BadUrl {
        /// As given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An option cannot be used: a user agent, a certificate, a proxy.
    #[error("{what} cannot be used: {why}")]
    BadOption {
        /// Which option.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The address policy forbids the address behind a host.
    #[error("{host} is at {address}, which is {kind}: connecting there is not allowed")]
    ForbiddenAddress {
        /// Host as named.
        host: String,
        /// Address it has.
        address: IpAddr,
        /// What kind of address that is.
        kind: &'static str,
    },
    /// The host's name has no address.
    #[error("the name {host} could not be resolved: {why}")]
    Resolve {
        /// Host as named.
        host: String,
        /// What the resolver said.
        why: String,
    },
    /// No connection could be made.
    #[error("could not connect to {url}: {why}")]
    Connect {
        /// Where.
        url: String,
        /// What the system said.
        why: String,
    },
    /// TLS could not be agreed on: an unknown authority, another name, no TLS at all.
    #[error("no secure connection to {url}: {why}")]
    Tls {
        /// Where.
        url: String,
        /// What is wrong, and what would help.
        why: String,
    },
    /// Nothing came for too long.
    #[error("{url} did not answer in time")]
    Timeout {
        /// Where.
        url: String,
    },
    /// The connection broke before the answer was complete.
    #[error("the answer of {url} broke off: {why}")]
    Interrupted {
        /// Where.
        url: String,
        /// What the connection said.
        why: String,
    },
    /// 401 without credentials.
    #[error("{url} asks for credentials and none are set{detail}")]
    CredentialsNeeded {
        /// Where.
        url: String,
        /// What it said, with `: ` before, or empty.
        detail: String,
    },
    /// 401 with credentials.
    #[error("{url} refused the credentials{detail}")]
    CredentialsRefused {
        /// Where.
        url: String,
        /// What it said, with `: ` before, or empty.
        detail: String,
    },
    /// 403.
    #[error("{url} forbids this to the account used{detail}")]
    Forbidden {
        /// Where.
        url: String,
        /// What it said, with `: ` before, or empty.
        detail: String,
    },
    /// 404.
    #[error("there is no {what}{detail}")]
    NotFound {
        /// What was asked for.
        what: String,
        /// What the other side said, with `: ` before, or empty.
        detail: String,
    },
    /// 429, and waiting within bounds did not help.
    #[error("{url} allows no more requests for now{}", wait(*retry_after))]
    TooManyRequests {
        /// Where.
        url: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// 5xx, and trying again did not help.
    #[error("{url} failed with status {status}{detail}")]
    ServerFailed {
        /// Where.
        url: String,
        /// The status.
        status: StatusCode,
        /// What it said, with `: ` before, or empty.
        detail: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// A status that makes no sense here.
    #[error("{url} answered with the unexpected status {status}{detail}")]
    UnexpectedStatus {
        /// Where.
        url: String,
        /// The status.
        status: StatusCode,
        /// What it said, with `: ` before, or empty.
        detail: String,
    },
    /// A mail relay did not take a message.
    #[error("{host} did not take the message: {why}")]
    Mail {
        /// The relay.
        host: String,
        /// What it said.
        why: String,
        /// Whether it will not take it later either.
        permanent: bool,
    },
    /// Redirects without end.
    #[error("{url} redirects for ever (stopped after {hops})")]
    RedirectsForever {
        /// Where it began.
        url: String,
        /// How many were followed.
        hops: usize,
    },
    /// A redirect that is not followed.
    #[error("{url} redirects to {target}: {why}")]
    BadRedirect {
        /// Where.
        url: String,
        /// Where to.
        target: String,
        /// Why not.
        why: &'static str,
    },
    /// The registry names a token service of another site.
    #[error(
        "{registry} wants the credentials to be sent to {realm}, which is another site; \
         list that host as a token host of the registry if this is right"
    )]
    ForeignTokenService {
        /// The registry.
        registry: String,
        /// The token service's host.
        realm: String,
    },
    /// The registry is reached by TLS but its token service is not.
    #[error("{registry} wants the credentials to be sent to {realm}, which is not a secure connection")]
    InsecureTokenService {
        /// The registry.
        registry: String,
        /// The token service.
        realm: String,
    },
    /// More bytes than allowed.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// Another number of bytes than promised.
    #[error("{what} has {actual} bytes where {expected} were promised")]
    WrongSize {
        /// What.
        what: String,
        /// Bytes promised.
        expected: u64,
        /// Bytes that came, or that came until it was stopped.
        actual: u64,
    },
    /// Other content than promised.
    #[error("the content of {what} has digest {actual}, not {expected}: it was damaged or exchanged")]
    WrongDigest {
        /// What.
        what: String,
        /// Digest promised.
        expected: Digest,
        /// Digest of what came.
        actual: Digest,
    },
    /// A document that cannot be understood.
    #[error("{what} cannot be understood: {why}")]
    Malformed {
        /// What.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// What was found is no image that can be read: a chart, another platform, too many layers.
    #[error("{image}: {why}")]
    Image {
        /// The image as asked for.
        image: String,
        /// What is wrong with it.
        #[source]
        why: Box<OciError>,
    },
    /// A layer that cannot be read.
    #[error("{image}: layer {digest}: {why}")]
    Layer {
        /// The image as asked for.
        image: String,
        /// The layer.
        digest: Digest,
        /// What is wrong with it.
        #[source]
        why: Box<LayerError>,
    },
    /// A bucket.
    #[error("{what} {url}: {why}")]
    Bucket {
        /// What was tried.
        what: &'static str,
        /// Which object.
        url: String,
        /// What the service or the connection said.
        why: String,
        /// Whether it will not mend itself: no such bucket, no rights.
        permanent: bool,
    },
    /// The local disk.
    #[error("the local disk: {0}")]
    Disk(#[from] std::io::Error),
}

impl FetchError {
    /// Whether asking again later, unchanged, is pointless. Jobs retry only what is not permanent.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Bucket { permanent, .. } | Self::Mail { permanent, .. } => *permanent,
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Interrupted { .. }
            | Self::TooManyRequests { .. }
            | Self::ServerFailed { .. }
            | Self::WrongSize { .. }
            | Self::WrongDigest { .. }
            | Self::Disk(_) => false,
            Self::BadUrl { .. }
            | Self::BadOption { .. }
            | Self::ForbiddenAddress { .. }
            | Self::Tls { .. }
            | Self::CredentialsNeeded { .. }
            | Self::CredentialsRefused { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::UnexpectedStatus { .. }
            | Self::RedirectsForever { .. }
            | Self::BadRedirect { .. }
            | Self::ForeignTokenService { .. }
            | Self::InsecureTokenService { .. }
            | Self::TooLarge { .. }
            | Self::Malformed { .. }
            | Self::Image { .. } => true,
            // The right number of bytes came, but they may have been damaged on the way.
            Self::Layer { why, .. } => {
                !matches!(**why, LayerError::Source(_) | LayerError::WrongDigest { .. })
            }
        }
    }

    /// How long the other side asks to wait before the next attempt, when it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests { retry_after, .. } | Self::ServerFailed { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    pub(crate) fn malformed(what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Malformed { what: what.into(), why: why.to_string() }
    }
}

/// An address for people: scheme, host, port and path.
pub(crate) fn show(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // Both fail only for addresses without a host, which have no user information either.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.into()
}

fn wait(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |d| format!("; it asks to wait {} s", d.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_and_passwords_are_not_shown() {
        let url: Url = "https://u:p@host.example:8443/blob?X-Signature=abc#f".parse().unwrap();
        assert_eq!(show(&url), "https://host.example:8443/blob");
    }

    #[test]
    fn what_may_pass_by_itself_is_not_permanent() {
        let busy = FetchError::TooManyRequests {
            url: "https://r.example/v2/".to_owned(),
            retry_after: Some(Duration::from_secs(90)),
        };
        assert!(!busy.is_permanent());
        assert_eq!(
            busy.to_string(),
            "https://r.example/v2/ allows no more requests for now; it asks to wait 90 s"
        );
        assert_eq!(busy.retry_after(), Some(Duration::from_secs(90)));
        let gone = FetchError::NotFound { what: "repository or tag a/b:c".to_owned(), detail: String::new() };
        assert!(gone.is_permanent());
    }
}
