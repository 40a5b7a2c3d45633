//! Registries: their settings, and the jobs that list and scan them.

mod address;
mod holdings;
pub(crate) mod listing;
pub(crate) mod walk;
pub(crate) mod wanted;

use parapet_fetch::{Registry as Remote, RegistryOptions};
use parapet_model::job::JobKind;
use parapet_model::{Permission, Principal, ProjectNo, Scope};
use parapet_store::connectors::Cloud;
use parapet_store::registries::{Credentials, Registry, RegistryKind, RegistrySettings};
use parapet_store::seal::Secret;
use uuid::Uuid;

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::connectors::SignIn;
use crate::error::{Error, Result};
use crate::jobs::payload::{ListRegistryJob, Payload};

pub use holdings::{Holdings, ImageCounts};

/// Use cases around registries.
#[derive(Debug, Clone, Copy)]
pub struct Registries<'a>(pub(crate) &'a App);

/// Whose connectors sign in at registries of a kind.
const fn cloud_of(kind: RegistryKind) -> Option<Cloud> {
    match kind {
        RegistryKind::V2 | RegistryKind::V2Private | RegistryKind::DockerHub => None,
        RegistryKind::Aws => Some(Cloud::Aws),
        RegistryKind::Azure => Some(Cloud::Azure),
        RegistryKind::Gcp | RegistryKind::GoogleArtifact => Some(Cloud::Google),
    }
}

/// A registry that is about to be asked.
#[derive(Debug)]
pub(crate) struct Connected {
    /// Its client.
    pub(crate) remote: Remote,
    /// What references call it.
    pub(crate) name: String,
    /// What its owner says.
    pub(crate) settings: RegistrySettings,
    /// How it is signed in to.
    pub(crate) sign_in: SignIn,
}

impl Registries<'_> {
    /// The project's registries after number `after`.
    pub async fn list(&self, who: &Principal, after: u32, limit: u32) -> Result<Vec<Registry>> {
        require(who, Permission::RegistriesRead)?;
        Ok(self.0.store.read().await?.registries(&who.scope(), after, limit).await?)
    }

    /// One registry.
    pub async fn get(&self, who: &Principal, id: Uuid) -> Result<Registry> {
        require(who, Permission::RegistriesRead)?;
        let found = self.0.store.read().await?.registry(&who.scope(), &id).await?;
        found.ok_or_else(|| Error::NotFound(format!("registry {id}")))
    }

    /// Whether a registry with these settings is there and accepts who asks: asks it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for settings that cannot be; [`Error::Fetch`] for what it answered.
    pub async fn probe(&self, who: &Principal, settings: &RegistrySettings, secret: &Secret) -> Result<()> {
        require(who, Permission::RegistriesWrite)?;
        self.check(settings).await?;
        let stored =
            Credentials { username: settings.username.clone(), secret: Secret::new(secret.expose()) };
        let sign_in = self.sign_in(who.project, settings, stored).await?;
        Ok(self.remote(settings, &sign_in)?.ping().await?)
    }

    /// Whether a registry is there and accepts what it is signed in to with: asks it.
    ///
    /// # Errors
    /// [`Error::Fetch`] for what it answered.
    pub async fn ping(&self, who: &Principal, id: Uuid) -> Result<()> {
        require(who, Permission::RegistriesWrite)?;
        Ok(self.connect(&who.scope(), id).await?.remote.ping().await?)
    }

    /// Changes a registry; without `secret` the one it has stays.
    pub async fn update(
        &self,
        who: &Principal,
        id: Uuid,
        settings: &RegistrySettings,
        secret: Option<&Secret>,
    ) -> Result<Registry> {
        require(who, Permission::RegistriesWrite)?;
        self.check(settings).await?;
        let gone = || Error::NotFound(format!("registry {id}"));
        let mut tx = self.0.store.begin().await?;
        let before = tx.registry(&who.scope(), &id).await?.ok_or_else(gone)?;
        let updated = tx.update_registry(&who.scope(), &self.0.key, &id, settings, secret).await?;
        let updated = updated.ok_or_else(gone)?;
        let before = serde_json::to_value(&before).map_err(Error::internal)?;
        let after = serde_json::to_value(&updated).map_err(Error::internal)?;
        audit::event(&mut tx, who, "update", "registry", &id.to_string(), Some(before), Some(after)).await?;
        tx.commit().await?;
        Ok(updated)
    }

    /// Makes a registry; the secret is sealed and never comes back.
    pub async fn create(
        &self,
        who: &Principal,
        settings: RegistrySettings,
        secret: Secret,
    ) -> Result<Registry> {
        require(who, Permission::RegistriesWrite)?;
        self.check(&settings).await?;
        let mut tx = self.0.store.begin().await?;
        let registry = tx.create_registry(&who.scope(), &self.0.key, &settings, &secret).await?;
        let after = serde_json::to_value(&registry).map_err(Error::internal)?;
        let id = registry.uuid.to_string();
        audit::event(&mut tx, who, "create", "registry", &id, audit::NONE, Some(after)).await?;
        tx.commit().await?;
        Ok(registry)
    }

    /// Deletes registries and their schedules, all or none. Assets that were read from them stay.
    ///
    /// # Errors
    /// [`Error::Conflict`] while a schedule of one is running.
    pub async fn delete_all(&self, who: &Principal, ids: &[Uuid]) -> Result<()> {
        require(who, Permission::RegistriesWrite)?;
        let mut tx = self.0.store.begin().await?;
        for id in ids {
            let gone = || Error::NotFound(format!("registry {id}"));
            let registry = tx.registry(&who.scope(), id).await?.ok_or_else(gone)?;
            crate::schedules::refuse_running(&mut tx, who.project, registry.no).await?;
            if !tx.delete_registry(&who.scope(), id).await? {
                return Err(gone());
            }
            let before = serde_json::to_value(&registry).map_err(Error::internal)?;
            audit::event(&mut tx, who, "delete", "registry", &id.to_string(), Some(before), audit::NONE)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Deletes one; see [`Self::delete_all`].
    pub async fn delete(&self, who: &Principal, id: Uuid) -> Result<()> {
        self.delete_all(who, &[id]).await
    }

    /// Starts a job that lists the registry and scans what its selection takes.
    pub async fn scan_job(&self, who: &Principal, id: Uuid, force: bool) -> Result<Uuid> {
        require(who, Permission::AssetsWrite)?;
        let found = self.0.store.read().await?.registry(&who.scope(), &id).await?;
        found.ok_or_else(|| Error::NotFound("registry".to_owned()))?;
        let mut tx = self.0.store.begin().await?;
        let jobs = self.0.jobs();
        let payload = Payload::ListRegistry(ListRegistryJob { registry: id, force, plan: None });
        let key = id.to_string();
        let uuid = jobs.enqueue_scan(&mut tx, who, JobKind::ListRegistry, &payload, &key, Some(id)).await?;
        tx.commit().await?;
        jobs.wake();
        Ok(uuid)
    }

    /// A client for a registry of the scope.
    pub(crate) async fn connect(&self, scope: &Scope, id: Uuid) -> Result<Connected> {
        let connected = self.prepare(scope, id).await?;
        address::check(self.0, &connected.remote).await?;
        Ok(connected)
    }

    /// The same for whoever asks the registry instead of this server, from a network of its own.
    pub(crate) async fn prepare(&self, scope: &Scope, id: Uuid) -> Result<Connected> {
        let mut session = self.0.store.read().await?;
        let registry = session.registry(scope, &id).await?;
        let registry = registry.ok_or_else(|| Error::NotFound("registry".to_owned()))?;
        let credentials = session.registry_credentials(scope, &id, &self.0.key).await?;
        let credentials = credentials.ok_or_else(|| Error::NotFound("registry".to_owned()))?;
        drop(session);
        let settings = registry.settings;
        let sign_in = self.sign_in(scope.project(), &settings, credentials).await?;
        let remote = self.remote(&settings, &sign_in)?;
        let name = remote.name().to_owned();
        Ok(Connected { remote, name, settings, sign_in })
    }

    /// What references call a registry with these settings.
    pub(crate) fn name_of(&self, settings: &RegistrySettings) -> Result<String> {
        Ok(self.anonymous(settings)?.name().to_owned())
    }

    /// What a registry can be: an address that may be asked, a platform.
    async fn check(&self, settings: &RegistrySettings) -> Result<()> {
        if let (Some(_), Some(cloud)) = (settings.source.connector, cloud_of(settings.kind)) {
            self.0.clouds.check_host(cloud, &settings.endpoint)?;
        }
        address::check(self.0, &self.anonymous(settings)?).await?;
        super::scan::parse_platform(&settings.platform).map(drop)
    }

    /// A client that knows no credentials.
    fn anonymous(&self, settings: &RegistrySettings) -> Result<Remote> {
        match self.remote(settings, &SignIn::nobody()) {
            // The address is the asker's input.
            Err(Error::Fetch(error)) => Err(Error::Invalid(error.to_string())),
            other => other,
        }
    }

    /// What signs in: what was stored, or what the connector gives.
    async fn sign_in(
        &self,
        project: ProjectNo,
        settings: &RegistrySettings,
        stored: Credentials,
    ) -> Result<SignIn> {
        match settings.source.connector {
            Some(connector) => self.0.connectors().sign_in(project, connector, settings).await,
            None => Ok(SignIn::Stored(stored)),
        }
    }

    fn remote(&self, settings: &RegistrySettings, sign_in: &SignIn) -> Result<Remote> {
        let (stored, login) = match sign_in {
            SignIn::Stored(stored) => (Some(stored).filter(|stored| !stored.username.is_empty()), None),
            SignIn::By(login) => (None, Some(login.clone())),
        };
        let options = RegistryOptions {
            endpoint: settings.endpoint.clone(),
            plain_http: settings.plain_http,
            authority: Some(settings.ca_pem.clone().into_bytes()).filter(|pem| !pem.is_empty()),
            credentials: stored.map(|stored| parapet_fetch::Credentials {
                user: stored.username.clone(),
                secret: stored.secret.expose().to_owned(),
            }),
            login,
            token_hosts: settings.token_hosts.clone(),
        };
        Ok(Remote::new(&self.0.client, options)?)
    }
}
