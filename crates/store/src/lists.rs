//! Lists of vulnerabilities that exceptions name, and what foreign QIDs stand for.
//!
//! An exception takes over what its list holds and is given the next version when the list changes,
//! so that "as of" needs no history of lists.

use std::collections::BTreeMap;

use parapet_model::{Millis, ProjectNo};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Bulk, Row, Value, args, to_json};
use crate::tx::Tx;

const BY_UUID: &str = "SELECT no, uuid, name, description, entries, created_by, created, updated \
     FROM vulnerability_list WHERE project = $1 AND uuid = $2";
const BY_NAME: &str = "SELECT no, uuid, name, description, entries, created_by, created, updated \
     FROM vulnerability_list WHERE project = $1 AND name = $2";
const PAGE: &str = "SELECT no, uuid, name, description, entries, created_by, created, updated \
     FROM vulnerability_list WHERE project = $1 AND no > $2 ORDER BY no LIMIT $3";
const INSERT: &str = "INSERT INTO vulnerability_list \
     (no, uuid, project, name, description, entries, created_by, created, updated) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const UPDATE: &str = "UPDATE vulnerability_list SET name = $1, description = $2, entries = $3, updated = $4 \
     WHERE no = $5";
const DELETE: &str = "DELETE FROM vulnerability_list WHERE project = $1 AND uuid = $2 RETURNING no";
const CVES: Bulk<1> = Bulk {
    before: "WITH k(qid) AS (VALUES ",
    after: ") SELECT t.qid, t.cve FROM k CROSS JOIN qid_map t WHERE t.qid = k.qid ORDER BY t.qid, t.cve",
};
const FORGET_QIDS: Bulk<1> = Bulk {
    before: "WITH k(qid) AS (VALUES ",
    after: ") DELETE FROM qid_map WHERE qid IN (SELECT k.qid FROM k)",
};
const MAP_QIDS: Bulk<2> =
    Bulk { before: "INSERT INTO qid_map (qid, cve) VALUES ", after: " ON CONFLICT DO NOTHING" };

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListEntry {
    /// As it was given: a QID or the id of a vulnerability.
    pub given: String,
    /// The ids it stands for.
    pub ids: Vec<String>,
}

/// What people say of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListSettings {
    /// Unique in the project.
    pub name: String,
    /// Longer text, or empty.
    pub description: String,
    /// What it holds.
    pub entries: Vec<ListEntry>,
}

/// A list of vulnerabilities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VulnerabilityList {
    /// Number.
    #[serde(skip)]
    pub no: u32,
    /// Id on wires.
    pub uuid: Uuid,
    /// What people say of it.
    #[serde(flatten)]
    pub settings: ListSettings,
    /// Who made it.
    pub created_by: String,
    /// When, recorded time.
    pub created: Millis,
    /// When it was changed last, recorded time.
    pub updated: Millis,
}

fn list(row: &Row) -> Result<VulnerabilityList> {
    let mut f = row.fields("vulnerability_list");
    Ok(VulnerabilityList {
        no: f.u32("no")?,
        uuid: f.uuid("uuid")?,
        settings: ListSettings { name: f.text()?, description: f.text()?, entries: f.json("entries")? },
        created_by: f.text()?,
        created: f.i64()?,
        updated: f.i64()?,
    })
}

impl Session {
    /// A list of the project.
    pub async fn vulnerability_list(
        &mut self,
        project: ProjectNo,
        uuid: &Uuid,
    ) -> Result<Option<VulnerabilityList>> {
        self.fetch_one(BY_UUID, args![project, uuid]).await?.as_ref().map(list).transpose()
    }

    /// At most `limit` lists of the project with numbers above `after`, ascending.
    pub async fn vulnerability_lists(
        &mut self,
        project: ProjectNo,
        after: u32,
        limit: u32,
    ) -> Result<Vec<VulnerabilityList>> {
        self.fetch(PAGE, args![project, after, limit]).await?.iter().map(list).collect()
    }

    /// The CVEs that foreign QIDs stand for, as far as a map was imported.
    pub async fn cves_of_qids(&mut self, qids: &[u64]) -> Result<BTreeMap<u64, Vec<String>>> {
        let keys: Vec<[Value<'_>; 1]> = qids.iter().map(|&qid| [qid.into()]).collect();
        let mut out: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for row in self.bulk_fetch(&CVES, &keys).await? {
            let mut f = row.fields("qid_map");
            let qid = u64::try_from(f.i64()?).map_err(|_| f.inconsistent("qid"))?;
            out.entry(qid).or_default().push(f.text()?);
        }
        Ok(out)
    }
}

impl Tx {
    /// Makes a list.
    ///
    /// # Errors
    /// [`Error::Taken`] when the project has a list of that name.
    pub async fn create_vulnerability_list(
        &mut self,
        project: ProjectNo,
        settings: &ListSettings,
        created_by: &str,
    ) -> Result<VulnerabilityList> {
        self.refuse_taken_list(project, &settings.name, None).await?;
        let no = self.take_number(Counter::List).await?;
        let (uuid, now) = (self.uuid(), self.recorded());
        let entries = to_json(&settings.entries)?;
        let (name, description) = (&settings.name, &settings.description);
        self.execute(INSERT, args![no, &uuid, project, name, description, &entries, created_by, now, now])
            .await?;
        let created_by = created_by.to_owned();
        Ok(VulnerabilityList { no, uuid, settings: settings.clone(), created_by, created: now, updated: now })
    }

    /// Changes a list; `None` when there is none.
    ///
    /// # Errors
    /// Like [`Tx::create_vulnerability_list`].
    pub async fn update_vulnerability_list(
        &mut self,
        project: ProjectNo,
        uuid: &Uuid,
        settings: &ListSettings,
    ) -> Result<Option<VulnerabilityList>> {
        let Some(old) = self.vulnerability_list(project, uuid).await? else { return Ok(None) };
        self.refuse_taken_list(project, &settings.name, Some(old.no)).await?;
        let (entries, now) = (to_json(&settings.entries)?, self.recorded());
        self.execute(UPDATE, args![&settings.name, &settings.description, &entries, now, old.no]).await?;
        Ok(Some(VulnerabilityList { settings: settings.clone(), updated: now, ..old }))
    }

    /// Deletes a list; whether there was one.
    pub async fn delete_vulnerability_list(&mut self, project: ProjectNo, uuid: &Uuid) -> Result<bool> {
        Ok(self.write_one(DELETE, args![project, uuid]).await?.is_some())
    }

    /// Says what these QIDs stand for; what was said of them before is forgotten.
    pub async fn map_qids(&mut self, pairs: &[(u64, String)]) -> Result<()> {
        let mut qids: Vec<u64> = pairs.iter().map(|(qid, _)| *qid).collect();
        qids.sort_unstable();
        qids.dedup();
        let keys: Vec<[Value<'_>; 1]> = qids.iter().map(|&qid| [qid.into()]).collect();
        self.bulk(&FORGET_QIDS, &keys).await?;
        let rows: Vec<[Value<'_>; 2]> = pairs.iter().map(|(qid, cve)| [(*qid).into(), cve.into()]).collect();
        self.bulk(&MAP_QIDS, &rows).await?;
        Ok(())
    }

    async fn refuse_taken_list(&mut self, project: ProjectNo, name: &str, except: Option<u32>) -> Result<()> {
        let found = self.fetch_one(BY_NAME, args![project, name]).await?.as_ref().map(list).transpose()?;
        match found {
            Some(other) if Some(other.no) != except => {
                Err(Error::Taken { what: "list", name: name.to_owned() })
            }
            _ => Ok(()),
        }
    }
}
