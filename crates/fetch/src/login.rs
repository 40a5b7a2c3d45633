//! Credentials that end: how a registry's client gets them, and gets them again while it works.
//!
//! A cloud gives a password for some hours at most, and a long listing may take longer. So a client
//! asks its [`Login`] before they end, and once more when the registry no longer takes them.

use std::fmt;

use futures_util::future::BoxFuture;
use parapet_model::Millis;

use crate::error::FetchError;
use crate::registry::Credentials;

/// With this name the secret is a refresh token, which is exchanged at the registry's token service
/// instead of being sent as a password. Azure's registry made it the custom.
pub const REFRESH_TOKEN_USER: &str = "00000000-0000-0000-0000-000000000000";

/// How long before their end credentials are no longer used.
pub(crate) const MARGIN: Millis = 300_000;

/// Credentials, and until when they are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// What the registry takes.
    pub credentials: Credentials,
    /// End of their life.
    pub until: Millis,
}

impl Granted {
    /// Whether they may still be used at an instant.
    pub fn is_good(&self, now: Millis) -> bool {
        now < self.until.saturating_sub(MARGIN)
    }
}

/// Gives credentials for a registry, as often as it is asked.
pub trait Login: fmt::Debug + Send + Sync {
    /// Credentials that are good now; with `anew` none that were given out before, for the registry
    /// does not take those.
    fn credentials(&self, anew: bool) -> BoxFuture<'_, Result<Granted, FetchError>>;
}
