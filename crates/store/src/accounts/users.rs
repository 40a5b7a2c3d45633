//! Users. One is never deleted, because the audit trail names it; it is disabled.

use parapet_model::{Millis, ProjectNo};
use serde::Serialize;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Row, args};
use crate::tx::Tx;

const ALL: &str = "SELECT no, uuid, name, disabled, epoch, home_project, created FROM account ORDER BY no";
const BY_NO: &str =
    "SELECT no, uuid, name, disabled, epoch, home_project, created FROM account WHERE no = $1";
const BY_NAME: &str =
    "SELECT no, uuid, name, disabled, epoch, home_project, created FROM account WHERE name_key = $1";
const PASSWORD_HASH: &str = "SELECT password_hash FROM account WHERE no = $1";
const INSERT: &str = "INSERT INTO account \
     (no, uuid, name, name_key, password_hash, disabled, epoch, home_project, created) \
     VALUES ($1, $2, $3, $4, $5, 0, 0, $6, $7)";
const SET_PASSWORD: &str = "UPDATE account SET password_hash = $1, epoch = epoch + 1 WHERE no = $2";
const SET_DISABLED: &str =
    "UPDATE account SET disabled = $1, epoch = epoch + 1 WHERE no = $2 AND disabled <> $3";

/// Longest name in characters.
const LONGEST_NAME: usize = 128;

/// A user. Without the password's hash, which only [`Session::password_hash`] gives out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// Number, from 1 on; 0 is the local command line.
    pub no: u32,
    /// Id on wires.
    pub uuid: Uuid,
    /// Name as it was given; unique without regard to case.
    pub name: String,
    /// May not sign in, and nothing signed in before holds any more.
    pub disabled: bool,
    /// Raised when every session must end: disabling, a new password.
    pub epoch: u64,
    /// The project that families without a project in their addresses act in.
    pub home_project: ProjectNo,
    /// When it was made, recorded time.
    pub created: Millis,
}

/// A user to be made.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    /// Name: 1 to 128 characters, no control characters, no colon (Basic sign-in ends a name there),
    /// no space at either end.
    pub name: &'a str,
    /// Hash of the password, or empty for none.
    pub password_hash: &'a str,
    /// See [`User::home_project`].
    pub home_project: ProjectNo,
}

fn user(row: &Row) -> Result<User> {
    let mut f = row.fields("account");
    Ok(User {
        no: f.u32("no")?,
        uuid: f.uuid("uuid")?,
        name: f.text()?,
        disabled: f.bool("disabled")?,
        epoch: f.u64("epoch")?,
        home_project: ProjectNo(f.u32("home_project")?),
        created: f.i64()?,
    })
}

/// Names that differ only in case are the same name.
fn name_key(name: &str) -> String {
    name.to_lowercase()
}

fn check_name(name: &str) -> Result<()> {
    let length = name.chars().count();
    let bad = |c: char| c.is_control() || c == ':';
    if length == 0 || length > LONGEST_NAME || name.trim() != name || name.contains(bad) {
        return Err(Error::Invalid(format!(
            "a user name has 1 to {LONGEST_NAME} characters, no colon, no control characters, and no space at its ends"
        )));
    }
    Ok(())
}

impl Session {
    /// All users, by number.
    pub async fn users(&mut self) -> Result<Vec<User>> {
        self.fetch(ALL, args![]).await?.iter().map(user).collect()
    }

    /// A user by number.
    pub async fn user(&mut self, no: u32) -> Result<Option<User>> {
        self.fetch_one(BY_NO, args![no]).await?.as_ref().map(user).transpose()
    }

    /// A user by name, without regard to case.
    pub async fn user_by_name(&mut self, name: &str) -> Result<Option<User>> {
        self.fetch_one(BY_NAME, args![&name_key(name)]).await?.as_ref().map(user).transpose()
    }

    /// The hash of a user's password, empty for none.
    pub async fn password_hash(&mut self, no: u32) -> Result<Option<String>> {
        let row = self.fetch_one(PASSWORD_HASH, args![no]).await?;
        row.map(|row| row.fields("account").text()).transpose()
    }
}

impl Tx {
    /// Makes a user, who may do nothing until a [`Membership`](super::Membership) is set.
    ///
    /// # Errors
    /// [`Error::Taken`] when the name is in use, [`Error::Invalid`] when it is no name.
    pub async fn create_user(&mut self, new: &NewUser<'_>) -> Result<User> {
        check_name(new.name)?;
        if self.user_by_name(new.name).await?.is_some() {
            return Err(Error::Taken { what: "user", name: new.name.to_owned() });
        }
        let created = User {
            no: self.take_number(Counter::Account).await?,
            uuid: self.uuid(),
            name: new.name.to_owned(),
            disabled: false,
            epoch: 0,
            home_project: new.home_project,
            created: self.recorded(),
        };
        self.execute(
            INSERT,
            args![
                created.no,
                &created.uuid,
                &created.name,
                &name_key(new.name),
                new.password_hash,
                created.home_project,
                created.created
            ],
        )
        .await?;
        self.log(Kind::User, created.no);
        Ok(created)
    }

    /// Sets the hash of a user's password and ends all its sessions; whether there is such a user.
    pub async fn set_password(&mut self, no: u32, password_hash: &str) -> Result<bool> {
        let found = self.execute(SET_PASSWORD, args![password_hash, no]).await? > 0;
        if found {
            self.log(Kind::User, no);
        }
        Ok(found)
    }

    /// Disables or enables a user, and ends all its sessions; whether that changed anything.
    pub async fn set_disabled(&mut self, no: u32, disabled: bool) -> Result<bool> {
        let changed = self.execute(SET_DISABLED, args![disabled, no, disabled]).await? > 0;
        if changed {
            self.log(Kind::User, no);
        }
        Ok(changed)
    }
}
