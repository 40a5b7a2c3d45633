//! What people say of hosts: in which group they are, and what they are worth.

use parapet_model::facts::AssetRow;
use parapet_model::{AssetKind, AssetNo, Permission, Principal};
use parapet_store::Tx;
use parapet_store::host_groups::HostGroup;
use serde_json::json;
use uuid::Uuid;

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};

/// What a host may be worth; empty means `common`.
const ASSET_VALUES: [&str; 3] = ["important", "common", "test"];

/// Use cases around hosts.
#[derive(Debug, Clone, Copy)]
pub struct Hosts<'a>(pub(crate) &'a App);

impl Hosts<'_> {
    /// The groups of the asker's project, oldest first.
    pub async fn groups(&self, who: &Principal) -> Result<Vec<HostGroup>> {
        require(who, Permission::FindingsRead)?;
        Ok(self.0.store.read().await?.host_groups(who.project).await?)
    }

    /// Makes a group of hosts, each of which leaves the one it was in.
    pub async fn create_group(&self, who: &Principal, name: &str, hosts: &[Uuid]) -> Result<HostGroup> {
        require(who, Permission::AssetsWrite)?;
        let mut tx = self.0.store.begin().await?;
        let group = tx.create_host_group(who.project, name).await.map_err(taken)?;
        for host in hosts {
            let host = known(&mut tx, who, *host).await?;
            tx.describe_host(&host, name, &host.host_facts.asset_value).await?;
        }
        let after = json!({"name": name, "hosts": hosts});
        let id = group.uuid.to_string();
        audit::event(&mut tx, who, "create", "host group", &id, audit::NONE, Some(after)).await?;
        self.done(tx).await?;
        Ok(group)
    }

    /// Gives a group another name, other hosts, or both. With `hosts` those that are not named leave.
    pub async fn change_group(
        &self,
        who: &Principal,
        id: Uuid,
        name: Option<&str>,
        hosts: Option<&[Uuid]>,
    ) -> Result<()> {
        require(who, Permission::AssetsWrite)?;
        let mut tx = self.0.store.begin().await?;
        let group = group(&mut tx, who, id).await?;
        let name = name.unwrap_or(&group.name);
        tx.rename_host_group(who.project, &group, name).await.map_err(taken)?;
        for host in self.members(who, &group) {
            let host = known(&mut tx, who, host).await?;
            let stays = hosts.is_none_or(|hosts| hosts.contains(&host.uuid));
            tx.describe_host(&host, if stays { name } else { "" }, &host.host_facts.asset_value).await?;
        }
        for host in hosts.unwrap_or_default() {
            let host = known(&mut tx, who, *host).await?;
            tx.describe_host(&host, name, &host.host_facts.asset_value).await?;
        }
        let (before, after) = (json!({"name": group.name}), json!({"name": name, "hosts": hosts}));
        let id = group.uuid.to_string();
        audit::event(&mut tx, who, "update", "host group", &id, Some(before), Some(after)).await?;
        self.done(tx).await
    }

    /// Deletes a group; its hosts are in none.
    pub async fn delete_group(&self, who: &Principal, id: Uuid) -> Result<()> {
        require(who, Permission::AssetsWrite)?;
        let mut tx = self.0.store.begin().await?;
        let group = group(&mut tx, who, id).await?;
        for host in self.members(who, &group) {
            let host = known(&mut tx, who, host).await?;
            tx.describe_host(&host, "", &host.host_facts.asset_value).await?;
        }
        tx.delete_host_group(&group).await?;
        let before = json!({"name": group.name});
        let id = group.uuid.to_string();
        audit::event(&mut tx, who, "delete", "host group", &id, Some(before), audit::NONE).await?;
        self.done(tx).await
    }

    /// Puts hosts into a group beside those it has.
    pub async fn join_group(&self, who: &Principal, id: Uuid, hosts: &[Uuid]) -> Result<()> {
        require(who, Permission::AssetsWrite)?;
        let mut tx = self.0.store.begin().await?;
        let group = group(&mut tx, who, id).await?;
        for host in hosts {
            let host = known(&mut tx, who, *host).await?;
            tx.describe_host(&host, &group.name, &host.host_facts.asset_value).await?;
        }
        let after = json!({"name": group.name, "hosts": hosts});
        let id = group.uuid.to_string();
        audit::event(&mut tx, who, "assign", "host group", &id, audit::NONE, Some(after)).await?;
        self.done(tx).await
    }

    /// Says what hosts are worth.
    pub async fn set_asset_value(&self, who: &Principal, hosts: &[Uuid], value: &str) -> Result<()> {
        require(who, Permission::AssetsWrite)?;
        if !ASSET_VALUES.contains(&value) {
            return Err(Error::Invalid(format!("an asset value is one of {}", ASSET_VALUES.join(", "))));
        }
        let mut tx = self.0.store.begin().await?;
        for host in hosts {
            let host = known(&mut tx, who, *host).await?;
            tx.describe_host(&host, &host.host_facts.group, value).await?;
            let (before, after) =
                (json!({"asset_value": host.host_facts.asset_value}), json!({"asset_value": value}));
            let id = host.uuid.to_string();
            audit::event(&mut tx, who, "update", "asset", &id, Some(before), Some(after)).await?;
        }
        self.done(tx).await
    }

    async fn done(&self, tx: Tx) -> Result<()> {
        tx.commit().await?;
        self.0.live().catch_up().await
    }

    /// The hosts of a group that the asker sees.
    fn members(&self, who: &Principal, group: &HostGroup) -> Vec<Uuid> {
        let (snapshot, scope) = (self.0.live().snapshot(), who.scope());
        let numbers =
            snapshot.select(&scope, AssetKind::Host, &parapet_posture::AssetFilter::All, self.0.now());
        let hosts = numbers.into_iter().filter_map(|no| snapshot.asset(&scope, AssetNo(no)));
        hosts.filter(|host| host.host_facts.group == group.name).map(|host| host.uuid).collect()
    }
}

async fn group(tx: &mut Tx, who: &Principal, id: Uuid) -> Result<HostGroup> {
    let found = tx.host_groups(who.project).await?.into_iter().find(|group| group.uuid == id);
    found.ok_or_else(|| Error::NotFound("host group".to_owned()))
}

/// A host that exists and that the asker sees.
async fn known(tx: &mut Tx, who: &Principal, id: Uuid) -> Result<AssetRow> {
    let found = tx.asset_by_uuid(who.project, &id).await?;
    let seen = |host: &AssetRow| {
        host.kind == AssetKind::Host
            && host.held.is_open()
            && who.scope().sees(host.project, host.enterprise_project)
    };
    found.filter(seen).ok_or_else(|| Error::NotFound(format!("host {id}")))
}

/// A name that is taken or none is the asker's mistake.
fn taken(error: parapet_store::Error) -> Error {
    match error {
        parapet_store::Error::Taken { .. } => Error::Conflict(error.to_string()),
        parapet_store::Error::Invalid(why) => Error::Invalid(why),
        other => other.into(),
    }
}
