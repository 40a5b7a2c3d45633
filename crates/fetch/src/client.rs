//! The client: options, the address guard, and what every exchange shares.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect;
use url::{Host, Url};

use crate::address::AddressPolicy;
use crate::environment::Environment;
use crate::error::{FetchError, show};
use crate::names::GuardedNames;
use crate::retry::RetryPolicy;
use crate::tls;

/// How the client behaves.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// What it calls itself.
    pub user_agent: String,
    /// Longest wait for a connection, TLS included.
    pub connect_timeout: Duration,
    /// Longest wait for the next byte, of the head or of the body.
    pub read_timeout: Duration,
    /// Longest life of one exchange, body included. Stops a peer that sends a byte now and then.
    pub total_timeout: Duration,
    /// Which addresses may be connected to.
    pub allow: AddressPolicy,
    /// When to try again.
    pub retry: RetryPolicy,
    /// A proxy for everything, or none; never taken from the environment. With a proxy the names
    /// of hosts are resolved by *it*, so the policy sees only its own address and literal ones.
    pub proxy: Option<Url>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            user_agent: concat!("parapet/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(3600),
            allow: AddressPolicy::default(),
            retry: RetryPolicy::default(),
            proxy: None,
        }
    }
}

/// The one HTTP client. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Made when first asked for: reading the machine's authorities takes longer than most commands
    /// do, and few of them connect to anything.
    http: OnceLock<reqwest::Client>,
    options: ClientOptions,
    environment: Environment,
}

impl Client {
    /// A client that trusts the machine's certificate authorities.
    ///
    /// # Errors
    /// [`FetchError::BadOption`] when an option cannot be used.
    pub fn new(options: ClientOptions, environment: Environment) -> Result<Self, FetchError> {
        proxy(&options)?;
        Ok(Self { inner: Arc::new(Inner { http: OnceLock::new(), options, environment }) })
    }

    /// The same client, trusting the authorities in `pem` as well. Connections are not shared.
    ///
    /// # Errors
    /// [`FetchError::BadOption`] when `pem` holds no usable certificate.
    pub fn trusting(&self, pem: &[u8]) -> Result<Self, FetchError> {
        let (options, environment) = (self.inner.options.clone(), self.inner.environment.clone());
        let http = connections(&options, &environment, Some(pem))?.into();
        Ok(Self { inner: Arc::new(Inner { http, options, environment }) })
    }

    /// The options it was made with.
    pub fn options(&self) -> &ClientOptions {
        &self.inner.options
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.inner.environment
    }

    pub(crate) fn http(&self) -> Result<&reqwest::Client, FetchError> {
        let Inner { http, options, environment } = &*self.inner;
        if let Some(http) = http.get() {
            return Ok(http);
        }
        let fresh = connections(options, environment, None)?;
        Ok(http.get_or_init(|| fresh))
    }

    /// Refuses addresses that must never be asked: other schemes, user information inside, literal
    /// forbidden addresses. Names are judged by what they resolve to, when connecting.
    pub(crate) fn check(&self, url: &Url) -> Result<(), FetchError> {
        let bad = |why| Err(FetchError::BadUrl { url: show(url), why });
        if !matches!(url.scheme(), "http" | "https") {
            return bad("only http and https are spoken");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return bad("it contains a user name or password; set credentials as such");
        }
        let address = match url.host() {
            None => return bad("it names no host"),
            Some(Host::Domain(_)) => return Ok(()),
            Some(Host::Ipv4(v4)) => v4.into(),
            Some(Host::Ipv6(v6)) => v6.into(),
        };
        self.inner.options.allow.check(address).map_err(|kind| FetchError::ForbiddenAddress {
            host: url.host_str().unwrap_or_default().to_owned(),
            address,
            kind,
        })
    }
}

/// The proxy of the options.
fn proxy(options: &ClientOptions) -> Result<Option<reqwest::Proxy>, FetchError> {
    let proxy = options.proxy.clone().map(reqwest::Proxy::all).transpose();
    proxy.map_err(|error| FetchError::BadOption { what: "the proxy", why: error.to_string() })
}

/// Trusts the machine's certificate authorities and those in `authorities`.
fn connections(
    options: &ClientOptions,
    environment: &Environment,
    authorities: Option<&[u8]>,
) -> Result<reqwest::Client, FetchError> {
    let names = GuardedNames { names: Arc::clone(&environment.names), policy: options.allow };
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::configuration(authorities)?)
        .dns_resolver(names)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .user_agent(&options.user_agent)
        .connect_timeout(options.connect_timeout)
        .read_timeout(options.read_timeout)
        .timeout(options.total_timeout);
    if let Some(proxy) = proxy(options)? {
        builder = builder.proxy(proxy);
    }
    let bad = |error: reqwest::Error| FetchError::BadOption {
        what: "the client's configuration",
        why: error.to_string(),
    };
    builder.build().map_err(bad)
}
