//! Connectors: how the registries of a cloud are signed in to, without a password that lasts.
//!
//! | cloud | what it holds | how it signs in (`login`) |
//! |---|---|---|
//! | AWS | a role and an external id | takes the role with the server's own keys, gets ECR's password |
//! | Azure | an application's id and secret, its tenant | with a tenant by the registry's own exchange, else as name and password |
//! | Google | a service account's key | an access token that the key signs for, else the key itself as `_json_key` |
//!
//! A connector's secret goes to its cloud only: whoever may make registries could otherwise have it
//! sent to a place of their own ([`Clouds::check_host`]).

mod clouds;
mod lists;
mod login;

use parapet_model::{Digest, Permission, Principal};
use parapet_store::connectors::{Cloud, Connector, ConnectorSettings};
use parapet_store::seal::Secret;
use uuid::Uuid;

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};

pub use clouds::{AwsIdentity, Clouds};
pub(crate) use login::{Kept, SignIn};

/// Most connectors of a project and cloud.
const MAX_CONNECTORS: u32 = 1_000;
/// Longest text of a connector, in characters.
const LONGEST_TEXT: usize = 500;

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
        if tx.connectors(who.project, settings.cloud, 0, MAX_CONNECTORS).await?.len()
            >= MAX_CONNECTORS as usize
        {
            return Err(Error::Conflict(format!(
                "a project has at most {MAX_CONNECTORS} connectors of a cloud"
            )));
        }
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
        let identity = self.0.clouds.aws.as_ref().ok_or_else(no_identity)?;
        // Ten digits that stay the same, and differ between projects: it tells customers of one
        // account apart and is no secret.
        let Digest(bytes) =
            Digest::of(format!("{} external id {}", identity.account, who.project).as_bytes());
        let number = bytes.iter().take(8).fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        Ok((identity.account.clone(), 1_000_000_000 + number % 9_000_000_000))
    }
}

fn no_identity() -> Error {
    Error::Conflict("this server has no identity at AWS: see serve --aws-account".to_owned())
}

fn check(settings: &ConnectorSettings) -> Result<()> {
    let ConnectorSettings { cloud, name, description, identity, external_id, account_type, tenant } =
        settings;
    let invalid = |why: &str| Err(Error::Invalid(why.to_owned()));
    for text in [name, description, identity, external_id, tenant] {
        if text.chars().count() > LONGEST_TEXT || text.contains(char::is_control) {
            return Err(Error::Invalid(format!(
                "texts have at most {LONGEST_TEXT} characters and no control characters"
            )));
        }
    }
    if tenant.chars().any(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.')) {
        return invalid("tenantId must be the id or the domain of a directory");
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
