//! What was approved was approved for what was found then. When a later result finds something else and
//! the control still fails, an exception that wants it goes back to pending, with both values in its
//! history. A control that passes, breaks or is not judged reopens nothing.

use std::collections::{BTreeMap, HashMap};

use parapet_model::compliance::{ControlPosture, Evidence, ResultChange, ResultIdentity};
use parapet_model::control_exception::{ControlException, HistoryEntry};
use parapet_model::exception::ExceptionState;
use parapet_model::lifecycle::Standing;
use parapet_model::{EvidenceNo, Principal};
use parapet_store::Tx;
use serde_json::json;

use super::{ControlExceptions, PROGRAM};
use crate::audit;
use crate::error::Result;

/// Longest value in a history, in characters.
const MAX_VALUE: usize = 500;

impl ControlExceptions<'_> {
    /// What arriving results mean for exceptions, in the transaction that records them: how many were
    /// reopened.
    pub async fn results_changed(&self, tx: &mut Tx, changes: &[ResultChange]) -> Result<usize> {
        let reopened = reopen_changed(tx, changes).await?;
        for (e, entry) in &reopened {
            let program = Principal { name: PROGRAM.to_owned(), ..Principal::local(e.project) };
            let (kind, id) = ("control_exception", e.no.to_string());
            let after = Some(json!({"state": "pending", "comment": entry.comment}));
            audit::event(tx, &program, "reopen", kind, &id, audit::NONE, after).await?;
            self.0.notices().reopened(tx, e).await?;
        }
        Ok(reopened.len())
    }
}

/// Reopens what these changes of present results reopen; gives back what was reopened with the new entry
/// of its history.
async fn reopen_changed(
    tx: &mut Tx,
    changes: &[ResultChange],
) -> Result<Vec<(ControlException, HistoryEntry)>> {
    let failed = |change: &&ResultChange| change.now.status.posture() == Some(ControlPosture::Failed);
    let failing: HashMap<&ResultIdentity, &ResultChange> =
        changes.iter().filter(failed).map(|change| (&change.identity, change)).collect();
    if failing.is_empty() {
        return Ok(Vec::new());
    }
    let keys = failing.keys().map(|identity| (identity.host, identity.policy, identity.control));
    let now = tx.recorded();
    let mut wanted: Vec<(ControlException, EvidenceNo)> = Vec::new();
    for e in tx.control_exceptions_of(keys).await? {
        let holds = e.life.standing(now) == Standing::Approved && e.target.reopen_on_evidence_change;
        if let Some(change) = failing.get(&e.target.identity).filter(|_| holds) {
            wanted.push((e, change.now.evidence));
        }
    }
    let numbers: Vec<EvidenceNo> = wanted.iter().flat_map(|(e, new)| [e.target.accepted, *new]).collect();
    let evidence = tx.evidence(&numbers).await?;
    let mut reopened = Vec::new();
    for (mut e, new) in wanted {
        let Some((before, after)) = differing(&evidence, e.target.accepted, new) else { continue };
        let Ok(life) = e.life.step(ExceptionState::Pending, None, now) else { continue };
        e.life = life;
        e.modified_by = 0;
        e.modified_at = now;
        let comment = format!(
            "Reopened: the control still fails, with another value. Approved value: {before}. New value: {after}."
        );
        let what = "Status: approved to pending".to_owned();
        let entry = HistoryEntry { at: now, by: PROGRAM.to_owned(), what, comment };
        reopened.push((e, entry));
    }
    if !reopened.is_empty() {
        let rows: Vec<ControlException> = reopened.iter().map(|(e, _)| e.clone()).collect();
        let entries: Vec<_> = reopened.iter().map(|(e, entry)| (e.no, entry.clone())).collect();
        tx.put_control_exceptions(&rows).await?;
        tx.add_control_exception_entries(&entries).await?;
    }
    Ok(reopened)
}

/// Both values in words, when both are known and differ.
fn differing(
    evidence: &BTreeMap<EvidenceNo, Evidence>,
    before: EvidenceNo,
    after: EvidenceNo,
) -> Option<(String, String)> {
    let (before, after) = (evidence.get(&before)?, evidence.get(&after)?);
    (before.found != after.found).then(|| (words(before), words(after)))
}

fn words(evidence: &Evidence) -> String {
    let all = evidence.lines().join(" | ");
    match all.char_indices().nth(MAX_VALUE) {
        Some((end, _)) => format!("{}…", &all[..end]),
        None => all,
    }
}
