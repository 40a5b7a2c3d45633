//! Who is who, in memory: what a server asks on every request, and reloads when the log says that a
//! user or role changed.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::facts::ProjectRow;
use parapet_model::{Permission, Principal, ProjectNo, Role};

use crate::accounts::{Membership, User};
use crate::error::Result;
use crate::session::Session;

/// Users with their memberships and what the roles mean, at one state of the store.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    users: BTreeMap<u32, User>,
    by_name: BTreeMap<String, u32>,
    memberships: BTreeMap<(u32, ProjectNo), Membership>,
    roles: BTreeMap<String, BTreeSet<Permission>>,
    projects: BTreeMap<ProjectNo, ProjectRow>,
}

impl Directory {
    fn new(users: Vec<User>, memberships: Vec<Membership>, roles: Vec<Role>) -> Self {
        Self {
            by_name: users.iter().map(|user| (user.name.to_lowercase(), user.no)).collect(),
            users: users.into_iter().map(|user| (user.no, user)).collect(),
            memberships: memberships.into_iter().map(|m| ((m.user, m.project), m)).collect(),
            roles: roles.into_iter().map(|role| (role.name, role.permissions)).collect(),
            projects: BTreeMap::new(),
        }
    }

    /// A project.
    pub fn project(&self, no: ProjectNo) -> Option<&ProjectRow> {
        self.projects.get(&no)
    }

    /// The names of a user's roles in a project.
    pub fn roles_in(&self, user: u32, project: ProjectNo) -> Vec<String> {
        let membership = self.memberships.get(&(user, project));
        membership.into_iter().flat_map(|membership| membership.roles.iter().cloned()).collect()
    }

    /// A user.
    pub fn user(&self, no: u32) -> Option<&User> {
        self.users.get(&no)
    }

    /// A user by name, without regard to case.
    pub fn user_by_name(&self, name: &str) -> Option<&User> {
        self.user(*self.by_name.get(&name.to_lowercase())?)
    }

    /// The projects a user may act in, by number.
    pub fn projects_of(&self, user: u32) -> Vec<ProjectNo> {
        let all = (user, ProjectNo(0))..=(user, ProjectNo(u32::MAX));
        self.memberships.range(all).map(|((_, project), _)| *project).collect()
    }

    /// Somebody who proved to be `user`, acting in `project`. `None` when the user does not exist,
    /// is disabled, or has no role there.
    pub fn principal_of(&self, user: u32, project: ProjectNo) -> Option<Principal> {
        let known = self.user(user).filter(|user| !user.disabled)?;
        let membership = self.memberships.get(&(user, project))?;
        let rights = membership.roles.iter().filter_map(|role| self.roles.get(role));
        Some(Principal {
            user,
            name: known.name.clone(),
            project,
            permissions: rights.flatten().copied().collect(),
            enterprise_projects: membership.enterprise_projects.clone(),
        })
    }
}

impl Session {
    /// The whole directory.
    pub async fn directory(&mut self) -> Result<Directory> {
        let (users, memberships) = (self.users().await?, self.memberships().await?);
        let mut directory = Directory::new(users, memberships, self.roles().await?);
        directory.projects =
            self.projects().await?.into_iter().map(|project| (project.no, project)).collect();
        Ok(directory)
    }

    /// [`Directory::principal_of`] for one question.
    pub async fn principal_of(&mut self, user: u32, project: ProjectNo) -> Result<Option<Principal>> {
        let Some(known) = self.user(user).await? else { return Ok(None) };
        let memberships = self.memberships_of(user).await?;
        let roles = self.roles().await?;
        Ok(Directory::new(vec![known], memberships, roles).principal_of(user, project))
    }
}
