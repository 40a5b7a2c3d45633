//! Enterprise projects: they divide what a project owns, and a user may have rights on some alone.
//!
//! An asset is in exactly one, and stays there whoever looks at it later. What somebody brings who sees
//! only some is put into the first of those; containers go where their host is.

use std::collections::BTreeSet;

use parapet_model::facts::EnterpriseProjectRow;
use parapet_model::{AssetNo, EnterpriseProjectNo, Filter, Permission, Principal};
use parapet_posture::{AssetSet, Query};
use parapet_store::Tx;
use parapet_store::accounts::Membership;
use serde_json::json;
use uuid::Uuid;

use super::{Accounts, require};
use crate::audit;
use crate::error::{Error, Result};

/// Assets moved in one transaction, so that other writers come in between.
const BATCH: usize = 1000;

/// Which assets are meant.
#[derive(Debug, Clone)]
pub enum ChosenAssets {
    /// These.
    Named(Vec<Uuid>),
    /// The current ones that a filter selects.
    Where(Filter),
}

impl Accounts<'_> {
    /// The enterprise projects that the asker sees, oldest first.
    pub async fn enterprise_projects(&self, who: &Principal) -> Result<Vec<EnterpriseProjectRow>> {
        require(who, Permission::FindingsRead)?;
        let mut all = self.0.store.read().await?.enterprise_projects().await?;
        all.retain(|row| who.enterprise_projects.as_ref().is_none_or(|granted| granted.contains(&row.no)));
        Ok(all)
    }

    /// The users of the asker's project whose rights are good on some enterprise projects alone, by name,
    /// with those.
    pub async fn grants(&self, who: &Principal) -> Result<Vec<(String, BTreeSet<EnterpriseProjectNo>)>> {
        require(who, Permission::UsersWrite)?;
        let mut session = self.0.store.read().await?;
        let memberships = session.memberships().await?;
        let granted = |user: u32| {
            let own = memberships.iter().find(|m| m.user == user && m.project == who.project);
            own.and_then(|own| own.enterprise_projects.clone())
        };
        let users = session.users().await?;
        Ok(users.into_iter().filter_map(|user| Some((user.name, granted(user.no)?))).collect())
    }

    /// Makes an enterprise project; without an id it gets one of 32 digits.
    pub async fn create_enterprise_project(
        &self,
        who: &Principal,
        name: &str,
        id: Option<&str>,
    ) -> Result<EnterpriseProjectRow> {
        rules_all(who)?;
        let mut tx = self.0.store.begin().await?;
        let id = id.map_or_else(|| tx.uuid().simple().to_string(), str::to_owned);
        let row = tx.create_enterprise_project(&id, name).await.map_err(taken)?;
        let after = json!({"name": name});
        audit::event(&mut tx, who, "create", "enterprise project", &row.id, audit::NONE, Some(after)).await?;
        self.done(tx).await?;
        Ok(row)
    }

    /// Gives an enterprise project another name.
    pub async fn rename_enterprise_project(
        &self,
        who: &Principal,
        id: &str,
        name: &str,
    ) -> Result<EnterpriseProjectRow> {
        rules_all(who)?;
        let mut tx = self.0.store.begin().await?;
        let row = known(&mut tx, who, id).await?;
        tx.rename_enterprise_project(&row, name).await.map_err(taken)?;
        let (before, after) = (json!({"name": row.name}), json!({"name": name}));
        audit::event(&mut tx, who, "update", "enterprise project", &row.id, Some(before), Some(after))
            .await?;
        self.done(tx).await?;
        Ok(EnterpriseProjectRow { name: name.to_owned(), ..row })
    }

    /// Puts assets into an enterprise project; how many were not there before. All of them are visible
    /// to the asker, and so is where they go.
    pub async fn move_assets(&self, who: &Principal, id: &str, assets: ChosenAssets) -> Result<u64> {
        require(who, Permission::AssetsWrite)?;
        let numbers = self.chosen(who, assets).await?;
        let numbers: Vec<AssetNo> = numbers.into_iter().map(AssetNo).collect();
        let mut moved = 0;
        for batch in numbers.chunks(BATCH) {
            let mut tx = self.0.store.begin().await?;
            let to = known(&mut tx, who, id).await?;
            let mut of_batch = 0_u64;
            for no in batch {
                of_batch += u64::from(tx.set_enterprise_project(*no, to.no).await?);
            }
            let after = json!({"assets": of_batch});
            audit::event(&mut tx, who, "assign", "enterprise project", &to.id, audit::NONE, Some(after))
                .await?;
            self.done(tx).await?;
            moved += of_batch;
        }
        if numbers.is_empty() {
            known(&mut self.0.store.begin().await?, who, id).await?;
        }
        Ok(moved)
    }

    async fn chosen(&self, who: &Principal, assets: ChosenAssets) -> Result<AssetSet> {
        let (snapshot, scope, now) = (self.0.live().snapshot(), who.scope(), self.0.now());
        match assets {
            ChosenAssets::Named(ids) => {
                let number = |id: &Uuid| {
                    let found = snapshot.asset_by_uuid(&scope, *id).filter(|asset| asset.held.is_open());
                    let missing = || Error::NotFound(format!("asset {id}"));
                    found.map(|asset| asset.no.0).ok_or_else(missing)
                };
                ids.iter().map(number).collect()
            }
            ChosenAssets::Where(filter) => Ok(tokio::task::spawn_blocking(move || {
                snapshot.asset_numbers(&Query::new(&scope, &filter, now))
            })
            .await?),
        }
    }

    /// Says on which enterprise projects a user's rights in the asker's project are good; `None` for all.
    /// Nobody hands out what they do not see themselves.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an enterprise project that the asker does not see; else like
    /// [`Accounts::set_password`].
    pub async fn grant(&self, who: &Principal, user: &str, ids: Option<&[String]>) -> Result<()> {
        require(who, Permission::UsersWrite)?;
        let mut tx = self.0.store.begin().await?;
        let user = tx.user_by_name(user).await?.ok_or_else(|| Error::NotFound(format!("user {user:?}")))?;
        let membership = super::within::here_within(&mut tx, who, &user).await?;
        let membership = membership
            .ok_or_else(|| Error::Conflict(format!("{} has no rights in this project", user.name)))?;
        let granted = match ids {
            None => {
                sees_all(who)?;
                None
            }
            Some([]) => {
                let why = "at least one enterprise project, or all";
                return Err(Error::Invalid(why.to_owned()));
            }
            Some(ids) => {
                let mut granted = BTreeSet::new();
                for id in ids {
                    granted.insert(known(&mut tx, who, id).await?.no);
                }
                Some(granted)
            }
        };
        let (before, after) = (
            json!({"enterprise_projects": membership.enterprise_projects}),
            json!({"enterprise_projects": ids}),
        );
        tx.set_membership(&Membership { enterprise_projects: granted, ..membership }).await?;
        let id = user.uuid.to_string();
        audit::event(&mut tx, who, "grant", "user", &id, Some(before), Some(after)).await?;
        self.done(tx).await
    }

    async fn done(&self, tx: Tx) -> Result<()> {
        tx.commit().await?;
        self.0.live().catch_up().await
    }
}

/// Whoever divides the account manages users and sees all of it.
fn rules_all(who: &Principal) -> Result<()> {
    require(who, Permission::UsersWrite)?;
    sees_all(who)
}

fn sees_all(who: &Principal) -> Result<()> {
    match &who.enterprise_projects {
        None => Ok(()),
        Some(_) => Err(Error::Forbidden(Permission::UsersWrite)),
    }
}

/// An enterprise project that the asker sees. Another one looks like one that is not there.
async fn known(tx: &mut Tx, who: &Principal, id: &str) -> Result<EnterpriseProjectRow> {
    let found = tx.enterprise_project_by_id(id).await?;
    let seen = found.filter(|row| who.enterprise_projects.as_ref().is_none_or(|set| set.contains(&row.no)));
    seen.ok_or_else(|| Error::NotFound(format!("enterprise project {id:?}")))
}

fn taken(error: parapet_store::Error) -> Error {
    match error {
        parapet_store::Error::Taken { .. } => Error::Conflict(error.to_string()),
        parapet_store::Error::Invalid(why) => Error::Invalid(why),
        other => other.into(),
    }
}
