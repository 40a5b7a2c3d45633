//! Signing keys: an access key that travels openly, and a secret both sides know (AK/SK). The
//! secret is needed to check a signature, so it is sealed, not hashed.

use parapet_model::{Millis, ProjectNo};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::log::Kind;
use crate::numbers::Counter;
use crate::seal::{MasterKey, Place, Secret};
use crate::session::Session;
use crate::sql::{Fields, args};
use crate::tx::Tx;

const OF_USER: &str = "SELECT no, access_key, account, project, disabled, created FROM api_key \
     WHERE account = $1 ORDER BY no";
const WITH_SECRET: &str =
    "SELECT no, access_key, account, project, disabled, created, secret FROM api_key WHERE access_key = $1";
const INSERT: &str = "INSERT INTO api_key (no, access_key, secret, account, project, disabled, created) \
     VALUES ($1, $2, $3, $4, $5, 0, $6)";
const SET_DISABLED: &str =
    "UPDATE api_key SET disabled = $1 WHERE access_key = $2 AND disabled <> $3 RETURNING no";
const DELETE: &str = "DELETE FROM api_key WHERE access_key = $1 RETURNING no";

/// Characters of a fresh access key and of its secret.
const ACCESS_KEY_LENGTH: usize = 20;
const SECRET_LENGTH: usize = 40;
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A signing key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    /// Number.
    pub no: u32,
    /// The open half.
    pub access_key: String,
    /// Number of the user it stands for.
    pub user: u32,
    /// The one project it acts in.
    pub project: ProjectNo,
    /// Signs nothing any more.
    pub disabled: bool,
    /// When it was made, recorded time.
    pub created: Millis,
}

/// Both halves, as they are shown once to their owner.
#[derive(Debug, Clone)]
pub struct ApiKeyPair {
    /// The open half: 16 to 64 letters and digits.
    pub access_key: String,
    /// The secret half.
    pub secret: Secret,
}

impl ApiKeyPair {
    /// A fresh pair: 20 and 40 random characters.
    pub fn random() -> Self {
        let access_key = Secret::random(ACCESS_KEY_LENGTH, UPPER).expose().to_owned();
        Self { access_key, secret: Secret::random(SECRET_LENGTH, MIXED) }
    }
}

fn api_key(f: &mut Fields<'_>) -> Result<ApiKey> {
    Ok(ApiKey {
        no: f.u32("no")?,
        access_key: f.text()?,
        user: f.u32("account")?,
        project: ProjectNo(f.u32("project")?),
        disabled: f.bool("disabled")?,
        created: f.i64()?,
    })
}

fn place(no: u32) -> Place {
    Place::new("api_key", no.into(), "secret")
}

impl Session {
    /// The keys of a user, oldest first.
    pub async fn api_keys(&mut self, user: u32) -> Result<Vec<ApiKey>> {
        let rows = self.fetch(OF_USER, args![user]).await?;
        rows.iter().map(|row| api_key(&mut row.fields("api_key"))).collect()
    }

    /// A key with its secret, to check a signature. The caller looks at [`ApiKey::disabled`] and at
    /// the user.
    pub async fn api_key_secret(
        &mut self,
        key: &MasterKey,
        access_key: &str,
    ) -> Result<Option<(ApiKey, Secret)>> {
        let Some(row) = self.fetch_one(WITH_SECRET, args![access_key]).await? else { return Ok(None) };
        let mut f = row.fields("api_key");
        let found = api_key(&mut f)?;
        let secret = key.open(place(found.no), f.blob()?)?;
        Ok(Some((found, secret)))
    }
}

impl Tx {
    /// Keeps a pair for a user in a project.
    ///
    /// # Errors
    /// [`Error::Taken`] when the access key is in use; [`Error::Invalid`] when it is none, or user
    /// or project do not exist.
    pub async fn create_api_key(
        &mut self,
        key: &MasterKey,
        user: u32,
        project: ProjectNo,
        pair: &ApiKeyPair,
    ) -> Result<ApiKey> {
        let access_key = pair.access_key.as_str();
        if !(16..=64).contains(&access_key.len()) || !access_key.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Error::Invalid("an access key has 16 to 64 letters and digits".to_owned()));
        }
        if self.user(user).await?.is_none() || self.project(project).await?.is_none() {
            return Err(Error::Invalid("no such user or project".to_owned()));
        }
        if self.fetch_one(WITH_SECRET, args![access_key]).await?.is_some() {
            return Err(Error::Taken { what: "access key", name: access_key.to_owned() });
        }
        let no = self.take_number(Counter::ApiKey).await?;
        let (sealed, created) = (key.seal(place(no), &pair.secret)?, self.recorded());
        self.execute(INSERT, args![no, access_key, &sealed, user, project, created]).await?;
        self.log(Kind::Key, no);
        Ok(ApiKey { no, access_key: access_key.to_owned(), user, project, disabled: false, created })
    }

    /// Disables or enables a key; whether that changed anything.
    pub async fn set_api_key_disabled(&mut self, access_key: &str, disabled: bool) -> Result<bool> {
        let row = self.write_one(SET_DISABLED, args![disabled, access_key, disabled]).await?;
        self.log_key(row.as_ref())
    }

    /// Deletes a key; whether there was one.
    pub async fn delete_api_key(&mut self, access_key: &str) -> Result<bool> {
        let row = self.write_one(DELETE, args![access_key]).await?;
        self.log_key(row.as_ref())
    }

    fn log_key(&mut self, row: Option<&crate::sql::Row>) -> Result<bool> {
        let Some(row) = row else { return Ok(false) };
        let no = row.fields("api_key").u32("no")?;
        self.log(Kind::Key, no);
        Ok(true)
    }
}
