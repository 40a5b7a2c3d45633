//! Groups of hosts, and what people say of a host: its group and what it is worth. A look at the host
//! says neither, so both stay when it is looked at again.

use parapet_model::asset::HostFacts;
use parapet_model::facts::AssetRow;
use parapet_model::{Millis, ProjectNo};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::log::Kind;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Row, args, to_json};
use crate::tx::Tx;

const ALL: &str = "SELECT no, uuid, name, created FROM host_group WHERE project = $1 ORDER BY no LIMIT $2";
const BY_NAME: &str = "SELECT no, uuid, name, created FROM host_group WHERE project = $1 AND name = $2";
const INSERT: &str = "INSERT INTO host_group (no, uuid, project, name, created) VALUES ($1, $2, $3, $4, $5)";
const RENAME: &str = "UPDATE host_group SET name = $1 WHERE no = $2";
const DELETE: &str = "DELETE FROM host_group WHERE no = $1";
const SET_FACTS: &str = "UPDATE asset SET host_facts = $1 WHERE no = $2";

/// Longest name, in characters.
const MAX_NAME: usize = 256;
/// Most groups of a project.
const MAX_GROUPS: u32 = 10_000;

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostGroup {
    /// Number.
    pub no: u32,
    /// Id on wires.
    pub uuid: Uuid,
    /// Name, which its hosts carry.
    pub name: String,
    /// When it was made, recorded time.
    pub created: Millis,
}

fn group(row: &Row) -> Result<HostGroup> {
    let mut f = row.fields("host_group");
    Ok(HostGroup { no: f.u32("no")?, uuid: f.uuid("uuid")?, name: f.text()?, created: f.i64()? })
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::Invalid(format!("the name of a host group has 1 to {MAX_NAME} characters")));
    }
    Ok(())
}

impl Session {
    /// The groups of a project, oldest first.
    pub async fn host_groups(&mut self, project: ProjectNo) -> Result<Vec<HostGroup>> {
        self.fetch(ALL, args![project, MAX_GROUPS]).await?.iter().map(group).collect()
    }

    async fn host_group_named(&mut self, project: ProjectNo, name: &str) -> Result<Option<HostGroup>> {
        self.fetch_one(BY_NAME, args![project, name]).await?.as_ref().map(group).transpose()
    }
}

impl Tx {
    /// Makes a group.
    ///
    /// # Errors
    /// [`Error::Taken`] when the project has one of that name; [`Error::Invalid`] for a name that is
    /// none, or when there are too many.
    pub async fn create_host_group(&mut self, project: ProjectNo, name: &str) -> Result<HostGroup> {
        check_name(name)?;
        if self.host_groups(project).await?.len() >= MAX_GROUPS as usize {
            return Err(Error::Invalid(format!("a project has at most {MAX_GROUPS} host groups")));
        }
        self.refuse_taken_group(project, name).await?;
        let no = self.take_number(Counter::HostGroup).await?;
        let (uuid, created) = (self.uuid(), self.recorded());
        self.execute(INSERT, args![no, &uuid, project, name, created]).await?;
        Ok(HostGroup { no, uuid, name: name.to_owned(), created })
    }

    /// Gives a group another name. Its hosts are told by the caller.
    ///
    /// # Errors
    /// Like [`Tx::create_host_group`].
    pub async fn rename_host_group(
        &mut self,
        project: ProjectNo,
        group: &HostGroup,
        name: &str,
    ) -> Result<()> {
        check_name(name)?;
        if name != group.name {
            self.refuse_taken_group(project, name).await?;
            self.execute(RENAME, args![name, group.no]).await?;
        }
        Ok(())
    }

    /// Deletes a group. Its hosts are told by the caller.
    pub async fn delete_host_group(&mut self, group: &HostGroup) -> Result<()> {
        self.execute(DELETE, args![group.no]).await?;
        Ok(())
    }

    /// Says in which group a host is and what it is worth.
    pub async fn describe_host(&mut self, host: &AssetRow, group: &str, asset_value: &str) -> Result<()> {
        let known = &host.host_facts;
        if known.group == group && known.asset_value == asset_value {
            return Ok(());
        }
        let facts = HostFacts {
            group: group.to_owned(),
            asset_value: asset_value.to_owned(),
            ..HostFacts::clone(known)
        };
        self.execute(SET_FACTS, args![&to_json(&facts)?, host.no]).await?;
        self.log(Kind::Asset, host.no.0);
        Ok(())
    }

    async fn refuse_taken_group(&mut self, project: ProjectNo, name: &str) -> Result<()> {
        match self.host_group_named(project, name).await? {
            Some(_) => Err(Error::Taken { what: "host group", name: name.to_owned() }),
            None => Ok(()),
        }
    }
}
