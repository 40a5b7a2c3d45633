//! Connectors: how the registries of a cloud are signed in to, without a password that lasts.
//!
//! | cloud | what it holds | how it signs in |
//! |---|---|---|
//! | AWS | a role and an external id | takes the role with the server's own keys, gets ECR's password |
//! | Azure | an application's id and secret | the registry's token service takes them |
//! | Google | a service account's key | the registry's token service takes it as `_json_key` |

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use parapet_fetch::{AwsKeys, Ecr, EcrOptions, EcrToken};
use parapet_model::{Digest, Millis, Permission, Principal, ProjectNo};
use parapet_store::connectors::{Cloud, Connector, ConnectorSettings};
use parapet_store::registries::{Credentials, RegistrySettings};
use parapet_store::seal::Secret;
use uuid::Uuid;

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};

/// Most connectors of a project and cloud.
const MAX_CONNECTORS: u32 = 1_000;
/// How long before its end a password is no longer used, in milliseconds.
const MARGIN: Millis = 300_000;
/// Most passwords kept.
const MAX_TOKENS: usize = 1_000;
/// Longest text of a connector, in characters.
const LONGEST_TEXT: usize = 500;

/// Who the server is at AWS, before it takes a role.
#[derive(Debug, Clone)]
pub struct AwsIdentity {
    /// Its keys.
    pub keys: AwsKeys,
    /// Its account: 12 digits, which role owners trust.
    pub account: String,
    /// `http(s)://host[:port]` that stands for all of Amazon's services; `None` for Amazon itself.
    pub endpoint: Option<String>,
}

/// Passwords of Amazon's registries while they are good, by connector and region.
#[derive(Debug, Default)]
pub(crate) struct EcrTokens(Mutex<HashMap<(Uuid, String), EcrToken>>);

/// Use cases around connectors.
#[derive(Debug, Clone, Copy)]
pub struct Connectors<'a>(pub(crate) &'a App);

impl Connectors<'_> {
    /// The project's connectors of a cloud, oldest first.
    pub async fn list(&self, who: &Principal, cloud: Cloud) -> Result<Vec<Connector>> {
        require(who, Permission::RegistriesRead)?;
        Ok(self.0.store.read().await?.connectors(who.project, cloud, 0, MAX_CONNECTORS).await?)
    }

    /// Makes a connector; the secret is sealed and never comes back.
    ///
    /// # Errors
    /// [`Error::Invalid`]; `Taken` when the project has one with that identity.
    pub async fn create(
        &self,
        who: &Principal,
        settings: &ConnectorSettings,
        secret: &Secret,
    ) -> Result<Connector> {
        require(who, Permission::RegistriesWrite)?;
        check(settings)?;
        let mut tx = self.0.store.begin().await?;
        let made = tx.create_connector(who.project, &self.0.key, settings, secret).await?;
        let after = serde_json::to_value(&made.settings).map_err(Error::internal)?;
        audit::event(&mut tx, who, "create", "connector", &made.uuid.to_string(), audit::NONE, Some(after))
            .await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Deletes the connector of a cloud with that id or identity.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] while a registry uses it.
    pub async fn delete(&self, who: &Principal, cloud: Cloud, named: &str) -> Result<()> {
        require(who, Permission::RegistriesWrite)?;
        let mut tx = self.0.store.begin().await?;
        let all = tx.connectors(who.project, cloud, 0, MAX_CONNECTORS).await?;
        let id = Uuid::try_parse(named).ok();
        let found = all.into_iter().find(|c| Some(c.uuid) == id || c.settings.identity == named);
        let found = found.ok_or_else(|| Error::NotFound(format!("connector {named}")))?;
        let registries = tx.registries(&who.scope(), 0, u32::MAX).await?;
        if let Some(user) = registries.iter().find(|r| r.settings.source.connector == Some(found.uuid)) {
            return Err(Error::Conflict(format!(
                "the connector is associated with the registry {:?} and cannot be deleted",
                user.settings.name
            )));
        }
        tx.delete_connector(&found).await?;
        let before = serde_json::to_value(&found.settings).map_err(Error::internal)?;
        audit::event(&mut tx, who, "delete", "connector", &found.uuid.to_string(), Some(before), audit::NONE)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// What a role's owner must trust: the server's account at AWS and the project's external id.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the server has no identity at AWS.
    pub fn aws_base(&self, who: &Principal) -> Result<(String, u64)> {
        require(who, Permission::RegistriesRead)?;
        let identity = self.0.aws.as_ref().ok_or_else(no_identity)?;
        // Ten digits that stay the same, and differ between projects: it tells customers of one
        // account apart and is no secret.
        let Digest(bytes) =
            Digest::of(format!("{} external id {}", identity.account, who.project).as_bytes());
        let number = bytes.iter().take(8).fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        Ok((identity.account.clone(), 1_000_000_000 + number % 9_000_000_000))
    }

    /// What signs in at a registry whose settings name a connector.
    pub(crate) async fn sign_in(
        &self,
        project: ProjectNo,
        id: Uuid,
        settings: &RegistrySettings,
    ) -> Result<Credentials> {
        let mut session = self.0.store.read().await?;
        let gone = || Error::Conflict("the connector of the registry does not exist any more".to_owned());
        let connector = session.connector(project, &id).await?.ok_or_else(gone)?;
        let secret = session.connector_secret(project, &id, &self.0.key).await?.ok_or_else(gone)?;
        drop(session);
        match connector.settings.cloud {
            Cloud::Aws => self.ecr_password(&connector, settings).await,
            Cloud::Azure => Ok(Credentials { username: connector.settings.identity, secret }),
            Cloud::Google => Ok(Credentials { username: "_json_key".to_owned(), secret }),
        }
    }

    async fn ecr_password(&self, connector: &Connector, settings: &RegistrySettings) -> Result<Credentials> {
        let key = (connector.uuid, settings.source.region.clone());
        let kept = |tokens: &EcrTokens| {
            let tokens = tokens.0.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.get(&key).filter(|token| self.0.now() < token.until - MARGIN).cloned()
        };
        let token = match kept(&self.0.ecr_tokens) {
            Some(token) => token,
            None => {
                let token = self.assume(connector, settings).await?.token().await?;
                let mut tokens = self.0.ecr_tokens.0.lock().unwrap_or_else(PoisonError::into_inner);
                if tokens.len() >= MAX_TOKENS {
                    tokens.clear();
                }
                tokens.insert(key, token.clone());
                token
            }
        };
        let parapet_fetch::Credentials { user, secret } = token.credentials;
        Ok(Credentials { username: user, secret: Secret::new(secret) })
    }

    /// Takes the role of a connector.
    async fn assume(&self, connector: &Connector, settings: &RegistrySettings) -> Result<Ecr> {
        let identity = self.0.aws.clone().ok_or_else(no_identity)?;
        let options = EcrOptions {
            keys: identity.keys,
            role: connector.settings.identity.clone(),
            external_id: connector.settings.external_id.clone(),
            region: settings.source.region.clone(),
            account: settings.source.account.clone(),
            endpoint: identity.endpoint,
        };
        Ok(Ecr::assume(&self.0.client, options).await?)
    }

    /// The repositories of a registry at Amazon, by its own list; `None` for any other.
    pub(crate) async fn ecr_repositories(
        &self,
        project: ProjectNo,
        settings: &RegistrySettings,
        limit: usize,
    ) -> Result<Option<Vec<String>>> {
        let Some(id) = settings.source.connector else { return Ok(None) };
        let connector = self.0.store.read().await?.connector(project, &id).await?;
        match connector.filter(|connector| connector.settings.cloud == Cloud::Aws) {
            Some(connector) => Ok(Some(self.assume(&connector, settings).await?.repositories(limit).await?)),
            None => Ok(None),
        }
    }
}

fn no_identity() -> Error {
    Error::Conflict("this server has no identity at AWS: see serve --aws-account".to_owned())
}

fn check(settings: &ConnectorSettings) -> Result<()> {
    let ConnectorSettings { cloud, name, description, identity, external_id, account_type } = settings;
    let invalid = |why: &str| Err(Error::Invalid(why.to_owned()));
    for text in [name, description, identity, external_id] {
        if text.chars().count() > LONGEST_TEXT || text.contains(char::is_control) {
            return Err(Error::Invalid(format!(
                "texts have at most {LONGEST_TEXT} characters and no control characters"
            )));
        }
    }
    if *cloud != Cloud::Aws {
        return if identity.is_empty() { invalid("whom to sign in as is missing") } else { Ok(()) };
    }
    let partition = match account_type.as_str() {
        "Global" => "aws",
        "US_Gov" => "aws-us-gov",
        _ => return invalid("accountType must be Global or US_Gov"),
    };
    let rest = identity.strip_prefix(&format!("arn:{partition}:iam::"));
    let role = rest.and_then(|rest| rest.split_once(":role/"));
    match role {
        Some((account, role))
            if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && !role.is_empty() =>
        {
            Ok(())
        }
        _ => Err(Error::Invalid(format!(
            "arn must be that of a role: arn:{partition}:iam::123456789012:role/NAME"
        ))),
    }
}
