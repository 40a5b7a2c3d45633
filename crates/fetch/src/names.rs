//! Names to addresses, with the address policy applied to what is really connected to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::AddressPolicy;

/// A source of addresses for names.
pub trait Names: Send + Sync + std::fmt::Debug {
    /// The addresses of `host`, best first.
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(
            async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|socket| socket.ip()).collect()) },
        )
    }
}

/// A name all of whose addresses are forbidden. Travels through the HTTP client as a source.
#[derive(Debug, thiserror::Error)]
#[error("{host} is at {address}, which is {kind}")]
pub(crate) struct AddressRefused {
    pub(crate) host: String,
    pub(crate) address: IpAddr,
    pub(crate) kind: &'static str,
}

/// A name that has no address. Travels through the HTTP client as a source.
#[derive(Debug, thiserror::Error)]
#[error("{host}: {why}")]
pub(crate) struct NotResolved {
    pub(crate) host: String,
    pub(crate) why: String,
}

/// The resolver the HTTP client is built with: it hands out allowed addresses only, and those are
/// the ones connected to, so there is no gap between check and use.
#[derive(Debug, Clone)]
pub(crate) struct GuardedNames {
    pub(crate) names: Arc<dyn Names>,
    pub(crate) policy: AddressPolicy,
}

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, policy) = (name.as_str().to_owned(), self.policy);
        let lookup = self.names.addresses(host.clone());
        Box::pin(async move {
            let found = match lookup.await {
                Ok(found) => found,
                Err(error) => return Err(NotResolved { host, why: error.to_string() }.into()),
            };
            let mut refused = None;
            let mut allowed = Vec::with_capacity(found.len());
            for address in found {
                match policy.check(address) {
                    Ok(()) => allowed.push(SocketAddr::new(address, 0)),
                    Err(kind) => refused = Some((address, kind)),
                }
            }
            match (allowed.is_empty(), refused) {
                (false, _) => Ok(Box::new(allowed.into_iter()) as Addrs),
                (true, Some((address, kind))) => Err(AddressRefused { host, address, kind }.into()),
                (true, None) => Err(NotResolved { host, why: "it has no address".to_owned() }.into()),
            }
        })
    }
}
