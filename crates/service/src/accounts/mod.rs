//! Who may sign in, and as what. One set of users for every wire family; each kind of credential
//! carries the user's epoch, so disabling a user or changing a password ends all of them at once.

mod enterprise;
mod jwt;
mod listed;
mod manage;
mod session;
mod sign_in;
mod signing;
mod temporary;
mod throttle;
mod visits;
mod within;

use std::collections::BTreeMap;
use std::sync::Arc;

use parapet_model::facts::{EnterpriseProjectRow, ProjectRow};
use parapet_model::{Millis, Principal, time::DAY};
use parapet_store::accounts::Directory;

pub use enterprise::ChosenAssets;
pub use jwt::BearerError;
pub use listed::ListedUser;
pub use manage::NewKey;
pub(crate) use manage::require;
pub(crate) use session::IDLE as SESSION_IDLE;
pub(crate) use sign_in::SignIns;
pub use sign_in::TokenScope;
pub use signing::{Claim, SignedWrite, SigningError, SigningKey};
pub use temporary::{TEMPORARY_SECONDS, TemporaryKey};
pub use visits::VISIT_ENDS;
pub use within::Changeable;

use crate::app::App;
use crate::error::{Error, Result};

/// How long a token holds (contract `huawei-hss` 7.1).
pub(crate) const TOKEN_LIFETIME: Millis = DAY;

/// Somebody who proved who they are, with what their credential says beside the rights.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who, and what they may do.
    pub principal: Principal,
    /// The project the credential is for; `None` for one of the whole domain.
    pub project: Option<ProjectRow>,
    /// Names of the roles.
    pub roles: Vec<String>,
    /// When the credential was issued.
    pub issued_at: Millis,
    /// First instant at which it no longer holds.
    pub expires_at: Millis,
}

/// Use cases around users, roles, keys and tokens.
#[derive(Debug, Clone, Copy)]
pub struct Accounts<'a>(pub(crate) &'a App);

impl Accounts<'_> {
    /// The directory as of the newest account change; reloaded only when an account changed.
    pub(crate) async fn directory(&self) -> Result<Arc<Directory>> {
        self.0.sign_ins.directory(self.0).await
    }

    /// The user acting in the project with this id, if they may.
    pub async fn principal_in(&self, user: u32, project_id: &str) -> Result<Principal> {
        let project = self.0.store.read().await?.project_by_id(project_id).await?;
        let project = project.ok_or_else(|| Error::NotFound("project".to_owned()))?;
        self.directory()
            .await?
            .principal_of(user, project.no)
            .ok_or_else(|| Error::NotFound("project".to_owned()))
    }

    /// The projects somebody may act in.
    pub async fn projects_of(&self, principal: &Principal) -> Result<Vec<ProjectRow>> {
        let allowed = self.directory().await?.projects_of(principal.user);
        let mut projects = self.0.store.read().await?.projects().await?;
        projects.retain(|p| allowed.contains(&p.no) || principal.user == 0);
        Ok(projects)
    }

    /// Names of all users by number.
    pub async fn logins(&self) -> Result<BTreeMap<u32, String>> {
        let users = self.0.store.read().await?.users().await?;
        Ok(users.into_iter().map(|user| (user.no, user.name)).collect())
    }

    /// The enterprise project with this id on wires.
    pub async fn enterprise_project(&self, id: &str) -> Result<Option<EnterpriseProjectRow>> {
        Ok(self.0.store.read().await?.enterprise_project_by_id(id).await?)
    }
}
