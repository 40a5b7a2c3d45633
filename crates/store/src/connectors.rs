//! Connectors: how the registries of a cloud are signed in to. The secret goes in and stays in, like
//! that of a registry.

use parapet_model::{Millis, ProjectNo};
use serde::Serialize;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::numbers::Counter;
use crate::seal::{MasterKey, Place, Secret};
use crate::session::Session;
use crate::sql::{Row, args};
use crate::tx::Tx;

const LIST: &str = "SELECT no, uuid, cloud, name, description, identity, external_id, account_type, tenant, \
     created, updated FROM connector WHERE project = $1 AND cloud = $2 AND no > $3 ORDER BY no LIMIT $4";
const BY_UUID: &str = "SELECT no, uuid, cloud, name, description, identity, external_id, account_type, \
     tenant, created, updated FROM connector WHERE project = $1 AND uuid = $2";
const SECRET: &str = "SELECT no, secret FROM connector WHERE project = $1 AND uuid = $2";
const TAKEN: &str =
    "SELECT no FROM connector WHERE project = $1 AND cloud = $2 AND identity = $3 ORDER BY no LIMIT 1";
const INSERT: &str = "INSERT INTO connector (no, uuid, project, cloud, name, description, identity, \
     external_id, account_type, tenant, secret, created, updated) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)";
const DELETE: &str = "DELETE FROM connector WHERE no = $1";

/// Whose registries a connector is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Cloud {
    /// Amazon.
    Aws = 1,
    /// Microsoft.
    Azure = 2,
    /// Google.
    Google = 3,
}

impl Cloud {
    fn from_number(number: u8) -> Option<Self> {
        [Self::Aws, Self::Azure, Self::Google].into_iter().find(|cloud| *cloud as u8 == number)
    }
}

/// What its owner says of a connector, without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectorSettings {
    /// Whose registries it is for.
    pub cloud: Cloud,
    /// Name for people.
    pub name: String,
    /// Longer text, or empty.
    pub description: String,
    /// ARN of a role, id of an application, mail address of a service account; each once a project.
    pub identity: String,
    /// What the role's owner asks for to trust us, at AWS.
    pub external_id: String,
    /// `Global` or `US_Gov`, at AWS.
    pub account_type: String,
    /// The directory that knows the application, at Azure; empty when it was not said.
    pub tenant: String,
}

/// A connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Connector {
    /// Number.
    pub no: u32,
    /// Id on wires.
    pub uuid: Uuid,
    /// What its owner says.
    #[serde(flatten)]
    pub settings: ConnectorSettings,
    /// When it was made, recorded time.
    pub created: Millis,
    /// When it was last changed, recorded time.
    pub updated: Millis,
}

fn connector(row: &Row) -> Result<Connector> {
    let mut f = row.fields("connector");
    Ok(Connector {
        no: f.u32("no")?,
        uuid: f.uuid("uuid")?,
        settings: ConnectorSettings {
            cloud: f.word("cloud", Cloud::from_number)?,
            name: f.text()?,
            description: f.text()?,
            identity: f.text()?,
            external_id: f.text()?,
            account_type: f.text()?,
            tenant: f.text()?,
        },
        created: f.i64()?,
        updated: f.i64()?,
    })
}

fn place(no: u32) -> Place {
    Place::new("connector", no.into(), "secret")
}

impl Session {
    /// At most `limit` connectors of a project and cloud with numbers above `after`, ascending.
    pub async fn connectors(
        &mut self,
        project: ProjectNo,
        cloud: Cloud,
        after: u32,
        limit: u32,
    ) -> Result<Vec<Connector>> {
        self.fetch(LIST, args![project, cloud as u8, after, limit]).await?.iter().map(connector).collect()
    }

    /// A connector of a project.
    pub async fn connector(&mut self, project: ProjectNo, uuid: &Uuid) -> Result<Option<Connector>> {
        self.fetch_one(BY_UUID, args![project, uuid]).await?.as_ref().map(connector).transpose()
    }

    /// The secret of a connector, for the one who is about to use it.
    ///
    /// # Errors
    /// [`Error::Seal`] when it does not open.
    pub async fn connector_secret(
        &mut self,
        project: ProjectNo,
        uuid: &Uuid,
        key: &MasterKey,
    ) -> Result<Option<Secret>> {
        let Some(row) = self.fetch_one(SECRET, args![project, uuid]).await? else { return Ok(None) };
        let mut f = row.fields("connector");
        let no = f.u32("no")?;
        key.open_optional(place(no), f.blob()?).map(Some)
    }
}

impl Tx {
    /// Makes a connector.
    ///
    /// # Errors
    /// [`Error::Taken`] when the project has one with that identity.
    pub async fn create_connector(
        &mut self,
        project: ProjectNo,
        key: &MasterKey,
        settings: &ConnectorSettings,
        secret: &Secret,
    ) -> Result<Connector> {
        let ConnectorSettings { cloud, name, description, identity, external_id, account_type, tenant } =
            settings;
        let cloud = *cloud as u8;
        if self.fetch_one(TAKEN, args![project, cloud, identity]).await?.is_some() {
            return Err(Error::Taken { what: "connector", name: identity.clone() });
        }
        let (no, uuid, now) = (self.take_number(Counter::Connector).await?, self.uuid(), self.recorded());
        let sealed = key.seal_optional(place(no), secret)?;
        self.execute(
            INSERT,
            args![
                no,
                &uuid,
                project,
                cloud,
                name,
                description,
                identity,
                external_id,
                account_type,
                tenant,
                &sealed,
                now
            ],
        )
        .await?;
        Ok(Connector { no, uuid, settings: settings.clone(), created: now, updated: now })
    }

    /// Deletes a connector.
    pub async fn delete_connector(&mut self, connector: &Connector) -> Result<()> {
        self.execute(DELETE, args![connector.no]).await?;
        Ok(())
    }
}
