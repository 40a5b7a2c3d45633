//! Surroundings that a test holds: a clock, pauses that take no time, names.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parapet_fetch::{
    Client, ClientOptions, Credentials, Environment, Names, Pause, Registry, RegistryOptions,
};
use parapet_model::TestClock;

use crate::peer::Peer;

/// Records pauses instead of making them.
#[derive(Debug, Default)]
pub(crate) struct Pauses(Mutex<Vec<Duration>>);

impl Pause for Pauses {
    fn pause(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.0.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }
}

/// A fixed table of names.
#[derive(Debug)]
struct Table(BTreeMap<String, Vec<IpAddr>>);

impl Names for Table {
    fn addresses(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let found = self.0.get(&host).cloned().ok_or_else(|| io::Error::other("no such name"));
        Box::pin(std::future::ready(found))
    }
}

pub(crate) struct World {
    pub(crate) clock: TestClock,
    pauses: Arc<Pauses>,
    names: BTreeMap<String, Vec<IpAddr>>,
    pub(crate) options: ClientOptions,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            clock: TestClock::at(1_700_000_000_000),
            pauses: Arc::default(),
            names: BTreeMap::new(),
            options: ClientOptions::default(),
        }
    }

    pub(crate) fn name(mut self, host: &str, addresses: &[&str]) -> Self {
        self.names.insert(host.to_owned(), addresses.iter().map(|a| a.parse().unwrap()).collect());
        self
    }

    pub(crate) fn client(&self) -> Client {
        let environment = Environment {
            clock: Arc::new(self.clock.clone()),
            pause: Arc::clone(&self.pauses) as Arc<dyn Pause>,
            names: Arc::new(Table(self.names.clone())),
        };
        Client::new(self.options.clone(), environment).unwrap()
    }

    /// How many seconds were paused, pause by pause.
    pub(crate) fn pauses(&self) -> Vec<f64> {
        self.pauses.0.lock().unwrap().iter().map(Duration::as_secs_f64).collect()
    }

    pub(crate) fn registry_with(&self, options: RegistryOptions) -> Registry {
        Registry::new(&self.client(), RegistryOptions { plain_http: true, ..options }).unwrap()
    }

    /// An anonymous registry at a peer.
    pub(crate) fn registry(&self, peer: &Peer) -> Registry {
        self.registry_with(RegistryOptions { endpoint: peer.url(""), ..Default::default() })
    }

    /// A registry at a peer, with credentials `scanner`, `secret`.
    pub(crate) fn registry_as_scanner(&self, peer: &Peer) -> Registry {
        self.registry_with(RegistryOptions {
            endpoint: peer.url(""),
            credentials: Some(scanner()),
            ..Default::default()
        })
    }
}

pub(crate) fn scanner() -> Credentials {
    Credentials { user: "scanner".to_owned(), secret: "secret".to_owned() }
}

/// What `scanner`, `secret` looks like in a header.
pub(crate) const BASIC: &str = "Basic c2Nhbm5lcjpzZWNyZXQ=";
