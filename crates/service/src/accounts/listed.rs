//! The users of a project, as others may see them.

use std::collections::BTreeSet;

use parapet_model::{Permission, Principal};
use parapet_store::accounts::User;

use super::Accounts;
use crate::error::Result;

/// A user in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// Who.
    pub user: User,
    /// Names of their roles in the project.
    pub roles: BTreeSet<String>,
    /// Whether the asker may know login and number.
    pub in_full: bool,
}

impl Accounts<'_> {
    /// The users of the asker's project that share an enterprise project with them, by number. Whoever
    /// manages users or approves exceptions sees them in full; others only themselves.
    pub async fn list_in_project(&self, who: &Principal) -> Result<Vec<ListedUser>> {
        let mut session = self.0.store.read().await?;
        let users = session.users().await?;
        let memberships = session.memberships().await?;
        let all = who.may(Permission::UsersWrite) || who.may(Permission::ExceptionsApprove);
        let mut out = Vec::new();
        for user in users {
            let own = memberships.iter().find(|m| m.user == user.no && m.project == who.project);
            let Some(membership) = own else { continue };
            let shares = match (&who.enterprise_projects, &membership.enterprise_projects) {
                (Some(mine), Some(theirs)) => !mine.is_disjoint(theirs),
                _ => true,
            };
            if !shares && user.no != who.user {
                continue;
            }
            let in_full = all || user.no == who.user;
            out.push(ListedUser { user, roles: membership.roles.clone(), in_full });
        }
        Ok(out)
    }
}
