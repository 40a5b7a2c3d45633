//! Whom somebody who manages users may change: those who may do no more and see no more than they do.
//! Otherwise the password or a key of another would give them rights that nobody gave them.

use std::collections::BTreeSet;

use parapet_model::Principal;
use parapet_store::Session;
use parapet_store::accounts::{Membership, User};

use crate::error::{Error, Result};

/// Refuses unless everything that the user may do, wherever they are signed in, is the asker's too.
pub(super) async fn user_within(session: &mut Session, who: &Principal, user: &User) -> Result<()> {
    for membership in session.memberships_of(user.no).await? {
        // Rights in another project are nobody's here but of the local command line.
        if membership.project == who.project || who.user != 0 {
            membership_within(session, who, user, &membership).await?;
        }
    }
    Ok(())
}

/// The same for what the user may do in the asker's project, which is given back.
pub(super) async fn here_within(
    session: &mut Session,
    who: &Principal,
    user: &User,
) -> Result<Option<Membership>> {
    let memberships = session.memberships_of(user.no).await?;
    let here = memberships.into_iter().find(|membership| membership.project == who.project);
    if let Some(membership) = &here {
        membership_within(session, who, user, membership).await?;
    }
    Ok(here)
}

/// What somebody who manages users may change of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changeable {
    /// How they sign in: password, whether they are enabled, deleting their keys.
    pub signing_in: bool,
    /// What they may do in the asker's project: roles, grants, new keys.
    pub here: bool,
}

/// What would be refused is not.
fn allowed<T>(checked: Result<T>) -> Result<bool> {
    match checked {
        Ok(_) => Ok(true),
        Err(Error::Forbidden(_) | Error::EnterpriseProject(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

/// What the asker may change of a user.
pub(super) async fn changeable(session: &mut Session, who: &Principal, user: &User) -> Result<Changeable> {
    Ok(Changeable {
        signing_in: allowed(user_within(session, who, user).await)?,
        here: allowed(here_within(session, who, user).await)?,
    })
}

async fn membership_within(
    session: &mut Session,
    who: &Principal,
    user: &User,
    membership: &Membership,
) -> Result<()> {
    if !who.scope().covers(membership.project, membership.enterprise_projects.as_ref()) {
        return Err(Error::EnterpriseProject(user.name.clone()));
    }
    roles_within(session, who, &membership.roles).await
}

/// Refuses roles with a right that the asker does not hold. Whether a role exists is the store's to say.
pub(super) async fn roles_within(
    session: &mut Session,
    who: &Principal,
    roles: &BTreeSet<String>,
) -> Result<()> {
    let known = session.roles().await?;
    let rights = known.iter().filter(|role| roles.contains(&role.name)).flat_map(|role| &role.permissions);
    match rights.copied().find(|right| !who.may(*right)) {
        Some(missing) => Err(Error::Forbidden(missing)),
        None => Ok(()),
    }
}
