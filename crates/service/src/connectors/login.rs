//! Signing in at a registry: with what was stored, or by a connector, whose passwords are kept while
//! they are good, so that a thousand images of one registry ask their cloud once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use parapet_fetch::{Acr, AcrOptions, Client, Ecr, EcrOptions, FetchError, Granted, Login, ServiceAccount};
use parapet_model::{Clock, FOREVER, ProjectNo};
use parapet_store::connectors::{Cloud, Connector};
use parapet_store::registries::{Credentials, RegistrySettings};
use parapet_store::seal::Secret;
use uuid::Uuid;

use super::{Connectors, no_identity};
use crate::error::{Error, Result};

/// Most passwords kept.
const MAX_KEPT: usize = 1_000;

/// Passwords while they are good, by connector and what they are for.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<HashMap<(Uuid, String), Granted>>);

/// How a registry is signed in to.
#[derive(Debug)]
pub(crate) enum SignIn {
    /// With these, or as nobody.
    Stored(Credentials),
    /// With what a connector gives, again and again.
    By(Arc<dyn Login>),
}

impl SignIn {
    /// As nobody.
    pub(crate) fn nobody() -> Self {
        Self::Stored(Credentials { username: String::new(), secret: Secret::default() })
    }

    /// A client's credentials for now; `None` for nobody.
    pub(crate) async fn now(&self) -> Result<Option<parapet_fetch::Credentials>> {
        match self {
            Self::Stored(Credentials { username, .. }) if username.is_empty() => Ok(None),
            Self::Stored(Credentials { username, secret }) => Ok(Some(parapet_fetch::Credentials {
                user: username.clone(),
                secret: secret.expose().to_owned(),
            })),
            Self::By(login) => Ok(Some(login.credentials(false).await?.credentials)),
        }
    }
}

/// One connector's way into one registry.
#[derive(Debug)]
struct ConnectorLogin {
    /// What its passwords are kept under.
    key: (Uuid, String),
    way: Way,
    client: Client,
    clock: Arc<dyn Clock>,
    kept: Arc<Kept>,
}

#[derive(Debug)]
enum Way {
    Ecr(EcrOptions),
    Acr(Acr),
    Google(ServiceAccount, Option<String>),
    /// Name and password, as they are.
    Lasting(parapet_fetch::Credentials),
}

impl Way {
    async fn ask(&self, client: &Client) -> Result<Granted, FetchError> {
        match self {
            Self::Ecr(options) => Ecr::assume(client, options.clone()).await?.token().await,
            Self::Acr(acr) => acr.refresh_token().await,
            Self::Google(account, token_url) => account.access_token(client, token_url.as_deref()).await,
            Self::Lasting(credentials) => Ok(Granted { credentials: credentials.clone(), until: FOREVER }),
        }
    }
}

impl ConnectorLogin {
    fn kept(&self) -> Option<Granted> {
        let kept = self.kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&self.key).filter(|granted| granted.is_good(self.clock.now())).cloned()
    }

    fn keep(&self, granted: &Granted) {
        let mut kept = self.kept.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            let now = self.clock.now();
            kept.retain(|_, granted| granted.is_good(now));
        }
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(self.key.clone(), granted.clone());
    }
}

impl Login for ConnectorLogin {
    fn credentials(&self, anew: bool) -> BoxFuture<'_, Result<Granted, FetchError>> {
        async move {
            if let Some(granted) = self.kept().filter(|_| !anew) {
                return Ok(granted);
            }
            let granted = self.way.ask(&self.client).await?;
            self.keep(&granted);
            Ok(granted)
        }
        .boxed()
    }
}

impl Connectors<'_> {
    /// What signs in at a registry whose settings name a connector.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the connector is gone or the server has no identity at its cloud;
    /// [`Error::Invalid`] when the registry is not of its cloud.
    pub(crate) async fn sign_in(
        &self,
        project: ProjectNo,
        id: Uuid,
        settings: &RegistrySettings,
    ) -> Result<SignIn> {
        let mut session = self.0.store.read().await?;
        let gone = || Error::Conflict("the connector of the registry does not exist any more".to_owned());
        let connector = session.connector(project, &id).await?.ok_or_else(gone)?;
        let secret = session.connector_secret(project, &id, &self.0.key).await?.ok_or_else(gone)?;
        drop(session);
        self.0.clouds.check_host(connector.settings.cloud, &settings.endpoint)?;
        let (purpose, way) = self.way(&connector, &secret, settings)?;
        Ok(SignIn::By(Arc::new(ConnectorLogin {
            key: (connector.uuid, purpose),
            way,
            client: self.0.client.clone(),
            clock: self.0.clock.clone(),
            kept: self.0.kept_passwords.clone(),
        })))
    }

    /// The way, and what tells its passwords from others of the same connector.
    fn way(
        &self,
        connector: &Connector,
        secret: &Secret,
        settings: &RegistrySettings,
    ) -> Result<(String, Way)> {
        let plain = |user: &str| {
            let secret = secret.expose().to_owned();
            Way::Lasting(parapet_fetch::Credentials { user: user.to_owned(), secret })
        };
        let of = &connector.settings;
        Ok(match of.cloud {
            Cloud::Aws => (settings.source.region.clone(), Way::Ecr(self.ecr(connector, settings)?)),
            Cloud::Azure if of.tenant.is_empty() => (String::new(), plain(&of.identity)),
            Cloud::Azure => {
                let options = AcrOptions {
                    registry: settings.endpoint.clone(),
                    tenant: of.tenant.clone(),
                    application: of.identity.clone(),
                    secret: secret.expose().to_owned(),
                    directory: self.0.clouds.azure_login.clone(),
                };
                (settings.endpoint.clone(), Way::Acr(Acr::new(&self.0.client, options)?))
            }
            Cloud::Google => match ServiceAccount::parse(secret.expose()) {
                Some(account) => (String::new(), Way::Google(account, self.0.clouds.google_token.clone())),
                None => (String::new(), plain("_json_key")),
            },
        })
    }

    pub(super) fn ecr(&self, connector: &Connector, settings: &RegistrySettings) -> Result<EcrOptions> {
        let identity = self.0.clouds.aws.clone().ok_or_else(no_identity)?;
        Ok(EcrOptions {
            keys: identity.keys,
            role: connector.settings.identity.clone(),
            external_id: connector.settings.external_id.clone(),
            region: settings.source.region.clone(),
            account: settings.source.account.clone(),
            endpoint: identity.endpoint,
        })
    }
}
