//! Lists of vulnerabilities, which exceptions name, and the map of foreign QIDs.

use std::io::Read;

use parapet_model::exception::{Exception, ExceptionState};
use parapet_model::{Permission, Principal, ProjectNo, VulnerabilityNo};
use parapet_store::lists::{ListEntry, ListSettings, VulnerabilityList};
use parapet_store::{Session, Tx};
use uuid::Uuid;

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};
use crate::exceptions::check_text;

/// Most entries of a list.
const MAX_ENTRIES: usize = 100_000;
/// Rows of the QID map stored in one transaction.
const MAP_BATCH: usize = 2_000;

/// A list as it is asked for.
#[derive(Debug, Clone)]
pub struct NewList {
    /// Unique in the project.
    pub name: String,
    /// Longer text.
    pub description: String,
    /// QIDs (`1000000012`, `38140`) and ids of vulnerabilities (`CVE-2026-1`).
    pub entries: Vec<String>,
}

/// Use cases around lists.
#[derive(Debug, Clone, Copy)]
pub struct Lists<'a>(pub(crate) &'a App);

impl Lists<'_> {
    /// A list of the asker's project.
    pub async fn get(&self, who: &Principal, id: Uuid) -> Result<VulnerabilityList> {
        require(who, Permission::ExceptionsRead)?;
        found(self.0.store.read().await?.vulnerability_list(who.project, &id).await?)
    }

    /// Lists of the asker's project after number `after`.
    pub async fn list(&self, who: &Principal, after: u32, limit: u32) -> Result<Vec<VulnerabilityList>> {
        require(who, Permission::ExceptionsRead)?;
        Ok(self.0.store.read().await?.vulnerability_lists(who.project, after, limit).await?)
    }

    /// Makes a list.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the name is taken, the list is empty, or a QID means nothing here.
    pub async fn create(&self, who: &Principal, new: &NewList) -> Result<VulnerabilityList> {
        require(who, Permission::ExceptionsRequest)?;
        let mut tx = self.0.store.begin().await?;
        let settings = settings(&mut tx, new).await?;
        let list = tx.create_vulnerability_list(who.project, &settings, &who.name).await?;
        let id = list.uuid.to_string();
        let after = serde_json::to_value(&list.settings).map_err(Error::internal)?;
        audit::event(&mut tx, who, "create", "list", &id, audit::NONE, Some(after)).await?;
        tx.commit().await?;
        Ok(list)
    }

    /// Changes a list, and with it every exception that takes its vulnerabilities from it.
    ///
    /// # Errors
    /// Like [`crate::exceptions::Exceptions::update`] for each of them.
    pub async fn update(&self, who: &Principal, id: Uuid, new: &NewList) -> Result<VulnerabilityList> {
        let mut tx = self.0.store.begin().await?;
        let before = found(tx.vulnerability_list(who.project, &id).await?)?;
        let using = exceptions_using(&mut tx, who.project, id).await?;
        // A list in use decides what approved exceptions hide.
        let right =
            if using.is_empty() { Permission::ExceptionsRequest } else { Permission::ExceptionsApprove };
        require(who, right)?;
        let settings = settings(&mut tx, new).await?;
        let list = found(tx.update_vulnerability_list(who.project, &id, &settings).await?)?;
        let before = serde_json::to_value(&before.settings).map_err(Error::internal)?;
        let after = serde_json::to_value(&list.settings).map_err(Error::internal)?;
        audit::event(&mut tx, who, "update", "list", &id.to_string(), Some(before), Some(after)).await?;
        for exception in using {
            let mut next = exception.clone();
            next.target.vulnerabilities = vulnerabilities(&list);
            self.0.exceptions().put_next(&mut tx, who, "update", &exception, next).await?;
        }
        tx.commit().await?;
        self.0.live().catch_up().await?;
        Ok(list)
    }

    /// Deletes a list.
    ///
    /// # Errors
    /// [`Error::Conflict`] while an exception takes its vulnerabilities from it.
    pub async fn delete(&self, who: &Principal, id: Uuid) -> Result<()> {
        require(who, Permission::ExceptionsRequest)?;
        let mut tx = self.0.store.begin().await?;
        if let Some(user) = exceptions_using(&mut tx, who.project, id).await?.first() {
            return Err(Error::Conflict(format!("the list is used by the exception {:?}", user.title)));
        }
        let list = found(tx.vulnerability_list(who.project, &id).await?)?;
        tx.delete_vulnerability_list(who.project, &id).await?;
        let before = serde_json::to_value(&list.settings).map_err(Error::internal)?;
        audit::event(&mut tx, who, "delete", "list", &id.to_string(), Some(before), audit::NONE).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Loads what foreign QIDs stand for: CSV with a QID and a CVE per row, or several CVEs in one
    /// cell, separated by commas or spaces. A first row without a number is a header. Returns the
    /// rows read.
    pub async fn import_qids(&self, who: &Principal, csv: impl Read) -> Result<u64> {
        require(who, Permission::FeedsWrite)?;
        let pairs = read_qids(csv)?;
        for batch in pairs.chunks(MAP_BATCH) {
            let mut tx = self.0.store.begin().await?;
            let rows: Vec<(u64, String)> =
                batch.iter().flat_map(|(qid, cves)| cves.iter().map(|cve| (*qid, cve.clone()))).collect();
            tx.map_qids(&rows).await?;
            tx.commit().await?;
        }
        let mut tx = self.0.store.begin().await?;
        let after = serde_json::json!({"qids": pairs.len()});
        audit::event(&mut tx, who, "import", "qid_map", "", audit::NONE, Some(after)).await?;
        tx.commit().await?;
        Ok(pairs.len() as u64)
    }
}

/// The ids that a list stands for, each once.
pub(crate) fn vulnerabilities(list: &VulnerabilityList) -> Vec<String> {
    let mut ids: Vec<String> = list.settings.entries.iter().flat_map(|entry| entry.ids.clone()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn found(list: Option<VulnerabilityList>) -> Result<VulnerabilityList> {
    list.ok_or_else(|| Error::NotFound("list".to_owned()))
}

/// Exceptions that may still come to hold, and take their vulnerabilities from the list.
async fn exceptions_using(tx: &mut Tx, project: ProjectNo, list: Uuid) -> Result<Vec<Exception>> {
    const PAGE: u32 = 1_000;
    let mut out = Vec::new();
    let mut after = parapet_model::ExceptionNo(0);
    loop {
        let page = tx.exceptions(project, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(out) };
        after = last.no;
        let live = |e: &Exception| matches!(e.state, ExceptionState::Pending | ExceptionState::Approved);
        out.extend(page.into_iter().filter(|e| e.asked.list == Some(list) && live(e)));
    }
}

async fn settings(session: &mut Session, new: &NewList) -> Result<ListSettings> {
    check_text("name", &new.name)?;
    check_text("description", &new.description)?;
    if new.name.trim().is_empty() {
        return Err(Error::Invalid("a list needs a name".to_owned()));
    }
    if new.entries.is_empty() || new.entries.len() > MAX_ENTRIES {
        return Err(Error::Invalid(format!("a list holds 1 to {MAX_ENTRIES} vulnerabilities")));
    }
    let entries = resolve(session, &new.entries).await?;
    Ok(ListSettings { name: new.name.clone(), description: new.description.clone(), entries })
}

/// What each entry stands for. Ids are kept as given, because they are resolved whenever findings
/// are derived; QIDs are translated, because only the store knows them.
async fn resolve(session: &mut Session, given: &[String]) -> Result<Vec<ListEntry>> {
    let qid = |text: &str| text.trim().parse::<u64>().ok();
    let qids: Vec<u64> = given.iter().filter_map(|text| qid(text)).collect();
    let numbers: Vec<VulnerabilityNo> =
        qids.iter().filter_map(|&qid| VulnerabilityNo::from_qid(qid)).collect();
    let ours = session.vulnerabilities(&numbers).await?;
    let foreign = session.cves_of_qids(&qids).await?;
    given
        .iter()
        .map(|text| {
            let ids = match qid(text) {
                Some(qid) => ours
                    .iter()
                    .find(|v| v.no.qid() == qid)
                    .map(|v| vec![v.id.clone()])
                    .or_else(|| foreign.get(&qid).cloned())
                    .ok_or_else(|| Error::Invalid(format!("the QID {qid} is not known")))?,
                None => {
                    check_text("a vulnerability's id", text)?;
                    if text.trim().is_empty() {
                        return Err(Error::Invalid("a vulnerability's id is empty".to_owned()));
                    }
                    vec![text.trim().to_owned()]
                }
            };
            Ok(ListEntry { given: text.trim().to_owned(), ids })
        })
        .collect()
}

fn read_qids(csv: impl Read) -> Result<Vec<(u64, Vec<String>)>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv);
    let mut pairs: Vec<(u64, Vec<String>)> = Vec::new();
    for (line, record) in (1..).zip(reader.records()) {
        let wrong = |why: &str| Error::Invalid(format!("line {line}: {why}"));
        let record = record.map_err(|error| wrong(&error.to_string()))?;
        let Some(qid) = record.get(0).map(str::trim) else { continue };
        let Ok(qid) = qid.parse::<u64>() else {
            if line == 1 {
                continue;
            }
            return Err(wrong("the first column is no QID"));
        };
        if VulnerabilityNo::from_qid(qid).is_some() {
            return Err(wrong("the QID is in the range that is ours"));
        }
        let cves: Vec<String> = record
            .iter()
            .skip(1)
            .flat_map(|cell| cell.split([',', ' ', ';']))
            .filter(|cve| cve.len() > 4 && cve.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("CVE-")))
            .map(str::to_ascii_uppercase)
            .collect();
        match pairs.last_mut() {
            Some((last, known)) if *last == qid => known.extend(cves),
            _ => pairs.push((qid, cves)),
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qid_map_is_read_with_and_without_header_and_with_many_cves() {
        let text = "QID,CVE\n38140,CVE-2020-1\n11,\"CVE-2021-1, cve-2021-2\"\n11,CVE-2021-3\n12,\n";
        let read = read_qids(text.as_bytes()).unwrap();
        let cves = |list: &[&str]| list.iter().map(|&cve| cve.to_owned()).collect::<Vec<_>>();
        assert_eq!(
            read,
            [
                (38140, cves(&["CVE-2020-1"])),
                (11, cves(&["CVE-2021-1", "CVE-2021-2", "CVE-2021-3"])),
                (12, Vec::new())
            ]
        );
        assert!(
            read_qids("1,CVE-2020-1\nx,CVE-2020-2".as_bytes()).unwrap_err().to_string().contains("line 2")
        );
        assert!(read_qids("1000000001,CVE-2020-1".as_bytes()).is_err());
    }
}
