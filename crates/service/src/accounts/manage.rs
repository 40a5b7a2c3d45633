//! Making and changing users, roles and keys. Every change is an audit event; no event holds a
//! secret. Nobody changes a user beyond their own rights and enterprise projects (`within.rs`).

use std::collections::BTreeSet;

use parapet_model::{Permission, Principal, ProjectNo, Role};
use parapet_store::accounts::{ApiKey, ApiKeyPair, Membership, NewUser, User};
use parapet_store::seal::Secret;
use serde_json::json;

use super::Accounts;
use super::within::{Changeable, changeable, here_within, roles_within, user_within};
use crate::audit;
use crate::error::{Error, Result};
use crate::password::Passwords;

/// A key pair as it is shown once.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The open half.
    pub access_key: String,
    /// The secret half.
    pub secret: Secret,
    /// Id of the project it acts in.
    pub project_id: String,
}

impl Accounts<'_> {
    /// Makes the manager account `admin` when the store has no user yet; says whether it did.
    pub async fn bootstrap(&self, password: Secret) -> Result<bool> {
        let app = self.0;
        if !app.store.read().await?.users().await?.is_empty() {
            return Ok(false);
        }
        let local = app.local_principal().await?;
        self.create_user(&local, "admin", password, &["manager".to_owned()]).await?;
        Ok(true)
    }

    /// All users.
    pub async fn users(&self, who: &Principal) -> Result<Vec<User>> {
        require(who, Permission::UsersWrite)?;
        Ok(self.0.store.read().await?.users().await?)
    }

    /// One user, with what they may do in the asker's project.
    pub async fn user(&self, who: &Principal, name: &str) -> Result<(User, Option<Membership>)> {
        require(who, Permission::UsersWrite)?;
        let mut session = self.0.store.read().await?;
        let user = named(session.user_by_name(name).await?, name)?;
        let memberships = session.memberships_of(user.no).await?;
        Ok((user, memberships.into_iter().find(|membership| membership.project == who.project)))
    }

    /// What the asker may change of a user.
    pub async fn changeable(&self, who: &Principal, name: &str) -> Result<Changeable> {
        require(who, Permission::UsersWrite)?;
        let mut session = self.0.store.read().await?;
        let user = named(session.user_by_name(name).await?, name)?;
        changeable(&mut session, who, &user).await
    }

    /// The roles that the asker may give: those without a right that they do not hold themselves.
    pub async fn roles_to_give(&self, who: &Principal) -> Result<Vec<Role>> {
        let mut roles = self.roles(who).await?;
        roles.retain(|role| role.permissions.iter().all(|right| who.may(*right)));
        Ok(roles)
    }

    /// All roles.
    pub async fn roles(&self, who: &Principal) -> Result<Vec<Role>> {
        require(who, Permission::UsersWrite)?;
        Ok(self.0.store.read().await?.roles().await?)
    }

    /// Makes a user with roles in the asker's project, good on the enterprise projects of the asker.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a role with a right that the asker does not hold.
    pub async fn create_user(
        &self,
        who: &Principal,
        name: &str,
        password: Secret,
        roles: &[String],
    ) -> Result<User> {
        require(who, Permission::UsersWrite)?;
        Passwords::acceptable(password.expose())?;
        if roles.is_empty() {
            return Err(Error::Invalid("a user needs at least one role".to_owned()));
        }
        let roles: BTreeSet<String> = roles.iter().cloned().collect();
        let hash = self.0.sign_ins.passwords().hash(password).await?;
        let mut tx = self.0.store.begin().await?;
        roles_within(&mut tx, who, &roles).await?;
        let user = tx.create_user(&NewUser { name, password_hash: &hash, home_project: who.project }).await?;
        let after = json!({"name": user.name, "roles": roles});
        tx.set_membership(&Membership {
            user: user.no,
            project: who.project,
            roles,
            enterprise_projects: who.enterprise_projects.clone(),
        })
        .await?;
        audit::event(&mut tx, who, "create", "user", &user.uuid.to_string(), audit::NONE, Some(after))
            .await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Sets a password; everything the user signed in with before ends.
    ///
    /// # Errors
    /// [`Error::Forbidden`] or [`Error::EnterpriseProject`] for a user who may do or sees more than the
    /// asker.
    pub async fn set_password(&self, who: &Principal, name: &str, password: Secret) -> Result<()> {
        require(who, Permission::UsersWrite)?;
        Passwords::acceptable(password.expose())?;
        let hash = self.0.sign_ins.passwords().hash(password).await?;
        let mut tx = self.0.store.begin().await?;
        let user = named(tx.user_by_name(name).await?, name)?;
        user_within(&mut tx, who, &user).await?;
        tx.set_password(user.no, &hash).await?;
        audit::event(&mut tx, who, "password", "user", &user.uuid.to_string(), audit::NONE, audit::NONE)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sets the asker's own password; everything they signed in with ends, this session too.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the present password is another one, or the new one is not acceptable;
    /// [`Error::Throttled`] after too many attempts.
    pub async fn change_password(&self, who: &Principal, present: Secret, password: Secret) -> Result<()> {
        let user = self.0.store.read().await?.user(who.user).await?;
        let user =
            user.ok_or_else(|| Error::Conflict("who works at the machine has no password".to_owned()))?;
        Passwords::acceptable(password.expose())?;
        match self.sign_in(&user.name, present).await {
            Ok(_) => {}
            Err(Error::Unauthenticated) => {
                return Err(Error::Invalid("the present password is another one".to_owned()));
            }
            Err(error) => return Err(error),
        }
        let hash = self.0.sign_ins.passwords().hash(password).await?;
        let mut tx = self.0.store.begin().await?;
        tx.set_password(user.no, &hash).await?;
        audit::event(&mut tx, who, "password", "user", &user.uuid.to_string(), audit::NONE, audit::NONE)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives a user these roles in the asker's project, in place of those they had. The enterprise
    /// projects granted stay.
    ///
    /// # Errors
    /// [`Error::Conflict`] for one's own roles: nobody locks themselves out. [`Error::Forbidden`] for a
    /// role with a right that the asker does not hold, and like [`Accounts::set_password`].
    pub async fn set_roles(&self, who: &Principal, name: &str, roles: &[String]) -> Result<()> {
        require(who, Permission::UsersWrite)?;
        let mut tx = self.0.store.begin().await?;
        let user = named(tx.user_by_name(name).await?, name)?;
        not_oneself(who, &user)?;
        if roles.is_empty() {
            return Err(Error::Invalid("a user needs at least one role".to_owned()));
        }
        let old = here_within(&mut tx, who, &user).await?;
        let before = json!({"roles": old.as_ref().map(|old| &old.roles)});
        let roles: BTreeSet<String> = roles.iter().cloned().collect();
        roles_within(&mut tx, who, &roles).await?;
        let after = json!({"roles": roles});
        let enterprise_projects = match old {
            Some(old) => old.enterprise_projects,
            None => who.enterprise_projects.clone(),
        };
        tx.set_membership(&Membership { user: user.no, project: who.project, roles, enterprise_projects })
            .await?;
        let id = user.uuid.to_string();
        audit::event(&mut tx, who, "roles", "user", &id, Some(before), Some(after)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Switches a user off or on.
    ///
    /// # Errors
    /// [`Error::Conflict`] for oneself: nobody locks themselves out. Else like
    /// [`Accounts::set_password`].
    pub async fn set_disabled(&self, who: &Principal, name: &str, disabled: bool) -> Result<()> {
        require(who, Permission::UsersWrite)?;
        let mut tx = self.0.store.begin().await?;
        let user = named(tx.user_by_name(name).await?, name)?;
        not_oneself(who, &user)?;
        user_within(&mut tx, who, &user).await?;
        if tx.set_disabled(user.no, disabled).await? {
            let (before, after) = (json!({"disabled": user.disabled}), json!({"disabled": disabled}));
            let id = user.uuid.to_string();
            audit::event(&mut tx, who, "disable", "user", &id, Some(before), Some(after)).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Makes a key pair for a user in the asker's project. The secret is shown only here.
    ///
    /// # Errors
    /// Like [`Accounts::set_password`].
    pub async fn create_key(&self, who: &Principal, name: &str) -> Result<NewKey> {
        require(who, Permission::UsersWrite)?;
        let pair = ApiKeyPair::random();
        let mut tx = self.0.store.begin().await?;
        let user = named(tx.user_by_name(name).await?, name)?;
        here_within(&mut tx, who, &user).await?;
        tx.create_api_key(&self.0.key, user.no, who.project, &pair).await?;
        let after = json!({"user": user.name, "access_key": pair.access_key});
        audit::event(&mut tx, who, "create", "key", &pair.access_key, audit::NONE, Some(after)).await?;
        let project_id = project_id(tx.project(who.project).await?, who.project)?;
        tx.commit().await?;
        Ok(NewKey { access_key: pair.access_key, secret: pair.secret, project_id })
    }

    /// The keys of a user.
    pub async fn keys(&self, who: &Principal, name: &str) -> Result<Vec<ApiKey>> {
        require(who, Permission::UsersWrite)?;
        let mut session = self.0.store.read().await?;
        let user = named(session.user_by_name(name).await?, name)?;
        Ok(session.api_keys(user.no).await?)
    }

    /// Deletes a key.
    ///
    /// # Errors
    /// Like [`Accounts::set_password`], by whose key it is.
    pub async fn delete_key(&self, who: &Principal, access_key: &str) -> Result<()> {
        require(who, Permission::UsersWrite)?;
        let mut tx = self.0.store.begin().await?;
        let unknown = || Error::NotFound(format!("key {access_key:?}"));
        let (key, _) = tx.api_key_secret(&self.0.key, access_key).await?.ok_or_else(unknown)?;
        let user = tx.user(key.user).await?.ok_or_else(unknown)?;
        user_within(&mut tx, who, &user).await?;
        tx.delete_api_key(access_key).await?;
        audit::event(&mut tx, who, "delete", "key", access_key, audit::NONE, audit::NONE).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Refuses when the right is missing.
pub(crate) fn require(who: &Principal, permission: Permission) -> Result<()> {
    if who.may(permission) { Ok(()) } else { Err(Error::Forbidden(permission)) }
}

fn not_oneself(who: &Principal, user: &User) -> Result<()> {
    if user.no == who.user {
        return Err(Error::Conflict("nobody takes rights from themselves; ask another manager".to_owned()));
    }
    Ok(())
}

fn named(user: Option<User>, name: &str) -> Result<User> {
    user.ok_or_else(|| Error::NotFound(format!("user {name:?}")))
}

fn project_id(project: Option<parapet_model::facts::ProjectRow>, no: ProjectNo) -> Result<String> {
    project.map(|p| p.id).ok_or_else(|| Error::NotFound(format!("project {no}")))
}
