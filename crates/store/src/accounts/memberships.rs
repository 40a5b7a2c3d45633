//! Memberships: which roles a user has in which project, and which enterprise projects they are
//! good for. One set of enterprise projects for all roles of a project, so that a right held in one
//! division can never leak into another.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::{EnterpriseProjectNo, ProjectNo};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::log::Kind;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args};
use crate::tx::Tx;
use crate::visibility::{read_granted, write_granted};

const ALL: &str = "SELECT account, project, enterprise_projects FROM membership ORDER BY account, project";
const ALL_ROLES: &str = "SELECT account, project, role FROM membership_role ORDER BY account, project, role";
const OF_USER: &str =
    "SELECT account, project, enterprise_projects FROM membership WHERE account = $1 ORDER BY project";
const ROLES_OF_USER: &str =
    "SELECT account, project, role FROM membership_role WHERE account = $1 ORDER BY project, role";
const PUT: &str = "INSERT INTO membership (account, project, enterprise_projects) VALUES ($1, $2, $3) \
     ON CONFLICT (account, project) DO UPDATE SET enterprise_projects = excluded.enterprise_projects";
const PUT_ROLES: Bulk<3> =
    Bulk { before: "INSERT INTO membership_role (account, project, role) VALUES ", after: "" };
const DELETE: &str = "DELETE FROM membership WHERE account = $1 AND project = $2";
const DELETE_ROLES: &str = "DELETE FROM membership_role WHERE account = $1 AND project = $2";

/// What a user may do in one project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Membership {
    /// Number of the user.
    pub user: u32,
    /// Where.
    pub project: ProjectNo,
    /// Names of the roles; the rights add up.
    pub roles: BTreeSet<String>,
    /// The enterprise projects granted; `None` means all of them.
    pub enterprise_projects: Option<BTreeSet<EnterpriseProjectNo>>,
}

fn memberships(rows: &[Row], roles: &[Row]) -> Result<Vec<Membership>> {
    let mut held: BTreeMap<(u32, u32), BTreeSet<String>> = BTreeMap::new();
    for row in roles {
        let mut f = row.fields("membership_role");
        held.entry((f.u32("account")?, f.u32("project")?)).or_default().insert(f.text()?);
    }
    let read = |row: &Row| {
        let mut f = row.fields("membership");
        let (user, project) = (f.u32("account")?, f.u32("project")?);
        let granted = read_granted(f.str()?).ok_or_else(|| f.inconsistent("enterprise_projects"))?;
        let roles = held.remove(&(user, project)).unwrap_or_default();
        Ok(Membership { user, project: ProjectNo(project), roles, enterprise_projects: granted })
    };
    rows.iter().map(read).collect()
}

impl Session {
    /// All memberships, by user and project.
    pub async fn memberships(&mut self) -> Result<Vec<Membership>> {
        let rows = self.fetch(ALL, args![]).await?;
        memberships(&rows, &self.fetch(ALL_ROLES, args![]).await?)
    }

    /// The memberships of a user, by project.
    pub async fn memberships_of(&mut self, user: u32) -> Result<Vec<Membership>> {
        let rows = self.fetch(OF_USER, args![user]).await?;
        memberships(&rows, &self.fetch(ROLES_OF_USER, args![user]).await?)
    }
}

impl Tx {
    /// Sets what a user may do in a project, in place of what it was; no roles at all take the
    /// user out of the project.
    ///
    /// # Errors
    /// [`Error::Invalid`] when user, project or a role does not exist.
    pub async fn set_membership(&mut self, membership: &Membership) -> Result<()> {
        let Membership { user, project, roles, enterprise_projects } = membership;
        if self.user(*user).await?.is_none() || self.project(*project).await?.is_none() {
            return Err(Error::Invalid("no such user or project".to_owned()));
        }
        for role in roles {
            if !self.has_role(role).await? {
                return Err(Error::Invalid(format!("no role is named {role}")));
            }
        }
        self.execute(DELETE_ROLES, args![*user, *project]).await?;
        if roles.is_empty() {
            self.execute(DELETE, args![*user, *project]).await?;
        } else {
            let granted = write_granted(enterprise_projects.as_ref());
            self.execute(PUT, args![*user, *project, &granted]).await?;
            let rows: Vec<[Value<'_>; 3]> =
                roles.iter().map(|role| [(*user).into(), (*project).into(), role.into()]).collect();
            self.bulk(&PUT_ROLES, &rows).await?;
        }
        self.log(Kind::User, *user);
        Ok(())
    }
}
