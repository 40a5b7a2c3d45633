//! Image registries of a project: where they are, how to sign in, what to read.
//!
//! The secret goes in and stays in: only [`Session::registry_credentials`] gives it out, for the
//! one who is about to talk to the registry.

use parapet_model::{Millis, Scope};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::log::Kind;
use crate::numbers::Counter;
use crate::seal::{MasterKey, Place, Secret};
use crate::session::Session;
use crate::sql::{Row, args, to_json};
use crate::tx::Tx;

const LIST: &str = "SELECT no, uuid, name, kind, endpoint, username, ca_pem, plain_http, token_hosts, \
     selection, platform, source, created, updated FROM registry WHERE project = $1 AND no > $2 ORDER BY no LIMIT $3";
const BY_UUID: &str = "SELECT no, uuid, name, kind, endpoint, username, ca_pem, plain_http, token_hosts, \
     selection, platform, source, created, updated FROM registry WHERE project = $1 AND uuid = $2";
const BY_NAME: &str = "SELECT no, uuid, name, kind, endpoint, username, ca_pem, plain_http, token_hosts, \
     selection, platform, source, created, updated FROM registry WHERE project = $1 AND name = $2";
const CREDENTIALS: &str = "SELECT no, username, secret FROM registry WHERE project = $1 AND uuid = $2";
const INSERT: &str = "INSERT INTO registry (no, uuid, project, name, kind, endpoint, username, secret, \
     ca_pem, plain_http, token_hosts, selection, platform, source, created, updated) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)";
const UPDATE: &str = "UPDATE registry SET name = $1, kind = $2, endpoint = $3, username = $4, ca_pem = $5, \
     plain_http = $6, token_hosts = $7, selection = $8, platform = $9, source = $10, updated = $11 WHERE no = $12";
const SET_SECRET: &str = "UPDATE registry SET secret = $1 WHERE no = $2";
const DELETE: &str = "DELETE FROM registry WHERE no = $1";
const DELETE_SCHEDULES: &str = "DELETE FROM schedule WHERE registry = $1";

/// Longest name in characters.
const LONGEST_NAME: usize = 128;

/// How a registry is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum RegistryKind {
    /// The OCI distribution protocol and nothing else.
    #[default]
    V2 = 0,
    /// The same, for those who tell open and private registries apart.
    V2Private = 1,
    /// Docker Hub.
    DockerHub = 2,
    /// Amazon's Elastic Container Registry.
    Aws = 3,
    /// Azure's Container Registry.
    Azure = 4,
    /// Google's Container Registry.
    Gcp = 5,
    /// Google's Artifact Registry.
    GoogleArtifact = 6,
}

impl RegistryKind {
    /// All kinds by number.
    pub const ALL: [Self; 7] =
        [Self::V2, Self::V2Private, Self::DockerHub, Self::Aws, Self::Azure, Self::Gcp, Self::GoogleArtifact];

    /// The kind stored as `number`.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// Names wanted: those that match a glob of `include` (all, when it is empty) and none of `exclude`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Globs {
    /// Wanted.
    #[serde(default)]
    pub include: Vec<String>,
    /// Not wanted.
    #[serde(default)]
    pub exclude: Vec<String>,
}

/// Which images of a registry are read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Selection {
    /// Repositories.
    #[serde(default)]
    pub repositories: Globs,
    /// Tags.
    #[serde(default)]
    pub tags: Globs,
}

/// What a cloud's or hub's registry needs beside its address; empty where it does not apply.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RegistrySource {
    /// Organization at Docker Hub.
    pub organization: String,
    /// The connector that signs in.
    pub connector: Option<Uuid>,
    /// Account at AWS.
    pub account: String,
    /// Region at AWS, location at Google.
    pub region: String,
    /// `Global` or `US_Gov`, at AWS.
    pub account_type: String,
    /// Project at Google.
    pub cloud_project: String,
    /// Repository of the Artifact Registry.
    pub repository: String,
}

/// What the owner says of a registry, without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RegistrySettings {
    /// Name, unique in the project: 1 to 128 characters.
    pub name: String,
    /// How it is spoken to.
    pub kind: RegistryKind,
    /// Address: `https://host[:port]`, checked by the caller.
    pub endpoint: String,
    /// User name, or empty for anonymous.
    pub username: String,
    /// Certificates (PEM) of its own authority, or empty for the system's.
    pub ca_pem: String,
    /// May be spoken to without TLS.
    pub plain_http: bool,
    /// Hosts on other sites that may issue its tokens.
    pub token_hosts: Vec<String>,
    /// What is read.
    pub selection: Selection,
    /// Platform chosen from an index: `os/architecture[/variant]`.
    pub platform: String,
    /// What the kind needs.
    #[serde(default)]
    pub source: RegistrySource,
}

/// A registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Registry {
    /// Number.
    pub no: u32,
    /// Id for people and wires.
    pub uuid: Uuid,
    /// What the owner says.
    #[serde(flatten)]
    pub settings: RegistrySettings,
    /// When it was made, recorded time.
    pub created: Millis,
    /// When it was last changed, recorded time.
    pub updated: Millis,
}

/// How to sign in.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// User name, or empty for anonymous.
    pub username: String,
    /// Password or token; empty for none.
    pub secret: Secret,
}

fn registry(row: &Row) -> Result<Registry> {
    let mut f = row.fields("registry");
    let (no, uuid) = (f.u32("no")?, f.uuid("uuid")?);
    let settings = RegistrySettings {
        name: f.text()?,
        kind: f.word("kind", RegistryKind::from_number)?,
        endpoint: f.text()?,
        username: f.text()?,
        ca_pem: f.text()?,
        plain_http: f.bool("plain_http")?,
        token_hosts: f.str()?.lines().map(str::to_owned).collect(),
        selection: f.json("selection")?,
        platform: f.text()?,
        source: f.json("source")?,
    };
    Ok(Registry { no, uuid, settings, created: f.i64()?, updated: f.i64()? })
}

fn place(no: u32) -> Place {
    Place::new("registry", no.into(), "secret")
}

fn check(settings: &RegistrySettings) -> Result<()> {
    let name = settings.name.as_str();
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME || name.trim() != name || name.contains(char::is_control) {
        return Err(Error::Invalid(format!(
            "a registry name has 1 to {LONGEST_NAME} characters, no control characters, and no space at its ends"
        )));
    }
    if settings.token_hosts.iter().any(|host| host.is_empty() || host.contains(char::is_whitespace)) {
        return Err(Error::Invalid("a token host is a host name without spaces".to_owned()));
    }
    Ok(())
}

impl Session {
    /// The registries of the project, by number, at most `limit` after number `after`.
    pub async fn registries(&mut self, scope: &Scope, after: u32, limit: u32) -> Result<Vec<Registry>> {
        self.fetch(LIST, args![scope.project(), after, limit]).await?.iter().map(registry).collect()
    }

    /// A registry of the project.
    pub async fn registry(&mut self, scope: &Scope, uuid: &Uuid) -> Result<Option<Registry>> {
        self.fetch_one(BY_UUID, args![scope.project(), uuid]).await?.as_ref().map(registry).transpose()
    }

    /// A registry of the project by name.
    pub async fn registry_by_name(&mut self, scope: &Scope, name: &str) -> Result<Option<Registry>> {
        self.fetch_one(BY_NAME, args![scope.project(), name]).await?.as_ref().map(registry).transpose()
    }

    /// How to sign in at a registry of the project.
    ///
    /// # Errors
    /// [`Error::Seal`] when the secret does not open.
    pub async fn registry_credentials(
        &mut self,
        scope: &Scope,
        uuid: &Uuid,
        key: &MasterKey,
    ) -> Result<Option<Credentials>> {
        let Some(row) = self.fetch_one(CREDENTIALS, args![scope.project(), uuid]).await? else {
            return Ok(None);
        };
        let mut f = row.fields("registry");
        let (no, username) = (f.u32("no")?, f.text()?);
        let secret = key.open_optional(place(no), f.blob()?)?;
        Ok(Some(Credentials { username, secret }))
    }
}

impl Tx {
    /// Adds a registry.
    ///
    /// # Errors
    /// [`Error::Taken`] when the project has one of that name; [`Error::Invalid`] for bad settings.
    pub async fn create_registry(
        &mut self,
        scope: &Scope,
        key: &MasterKey,
        settings: &RegistrySettings,
        secret: &Secret,
    ) -> Result<Registry> {
        check(settings)?;
        self.refuse_taken(scope, settings, None).await?;
        let (no, uuid, now) = (self.take_number(Counter::Registry).await?, self.uuid(), self.recorded());
        let sealed = key.seal_optional(place(no), secret)?;
        let (hosts, selection) = (settings.token_hosts.join("\n"), to_json(&settings.selection)?);
        let source = to_json(&settings.source)?;
        self.execute(
            INSERT,
            args![
                no,
                &uuid,
                scope.project(),
                &settings.name,
                settings.kind as u8,
                &settings.endpoint,
                &settings.username,
                &sealed,
                &settings.ca_pem,
                settings.plain_http,
                &hosts,
                &selection,
                &settings.platform,
                &source,
                now
            ],
        )
        .await?;
        self.log(Kind::Registry, no);
        Ok(Registry { no, uuid, settings: settings.clone(), created: now, updated: now })
    }

    /// Sets what the owner says of a registry; `secret` when it is given, else it stays. `None` when
    /// the project has no such registry.
    ///
    /// # Errors
    /// Like [`Tx::create_registry`].
    pub async fn update_registry(
        &mut self,
        scope: &Scope,
        key: &MasterKey,
        uuid: &Uuid,
        settings: &RegistrySettings,
        secret: Option<&Secret>,
    ) -> Result<Option<Registry>> {
        check(settings)?;
        let Some(old) = self.registry(scope, uuid).await? else { return Ok(None) };
        self.refuse_taken(scope, settings, Some(old.no)).await?;
        let now = self.recorded();
        let (hosts, selection) = (settings.token_hosts.join("\n"), to_json(&settings.selection)?);
        let source = to_json(&settings.source)?;
        self.execute(
            UPDATE,
            args![
                &settings.name,
                settings.kind as u8,
                &settings.endpoint,
                &settings.username,
                &settings.ca_pem,
                settings.plain_http,
                &hosts,
                &selection,
                &settings.platform,
                &source,
                now,
                old.no
            ],
        )
        .await?;
        if let Some(secret) = secret {
            let sealed = key.seal_optional(place(old.no), secret)?;
            self.execute(SET_SECRET, args![&sealed, old.no]).await?;
        }
        self.log(Kind::Registry, old.no);
        Ok(Some(Registry { settings: settings.clone(), updated: now, ..old }))
    }

    /// Deletes a registry and its schedules; whether the project had it.
    pub async fn delete_registry(&mut self, scope: &Scope, uuid: &Uuid) -> Result<bool> {
        let Some(Registry { no, .. }) = self.registry(scope, uuid).await? else {
            return Ok(false);
        };
        self.execute(DELETE_SCHEDULES, args![no]).await?;
        self.execute(DELETE, args![no]).await?;
        self.log(Kind::Registry, no);
        Ok(true)
    }

    async fn refuse_taken(
        &mut self,
        scope: &Scope,
        settings: &RegistrySettings,
        own: Option<u32>,
    ) -> Result<()> {
        match self.registry_by_name(scope, &settings.name).await? {
            Some(other) if Some(other.no) != own => {
                Err(Error::Taken { what: "registry", name: settings.name.clone() })
            }
            _ => Ok(()),
        }
    }
}
