//! Deciding on many exceptions in one call: each is looked at by itself, those that can be changed are
//! changed in one transaction of a few statements, and the others are named with the reason.

use std::collections::{BTreeMap, HashMap, HashSet};

use parapet_model::compliance::{Held, ResultIdentity};
use parapet_model::control_exception::{ControlException, HistoryEntry};
use parapet_model::exception::ExceptionState;
use parapet_model::lifecycle::{Lifecycle, Standing, StepRefused};
use parapet_model::time::{FOREVER, Millis, format_rfc3339};
use parapet_model::{EnterpriseProjectNo, Permission, Principal, Ranges};
use parapet_store::Tx;
use parapet_store::control_exceptions::MAX_IN_RANGES;
use serde_json::json;

use super::{ControlExceptions, has_access};
use crate::accounts::require;
use crate::audit;
use crate::error::{Error, Result};
use crate::exceptions::check_text;

/// What is to become of exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// Why; kept in the history.
    pub comment: String,
    /// Another state. The one it has is no step: only the comment and what else is said counts.
    pub status: Option<ExceptionState>,
    /// First instant it no longer holds.
    pub end: Option<Millis>,
    /// Number of another user to look at it.
    pub reassign_to: Option<u64>,
    /// Whether it is reopened when another value is found.
    pub reopen_on_evidence_change: Option<bool>,
}

/// Why one exception is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyNot {
    /// No such exception, or not the asker's to see.
    Unknown,
    /// Its life has no such step.
    NoSuchStep(Standing, ExceptionState),
    /// Only with an end that is still to come.
    NeedsEnd,
    /// It has expired: another end alone would approve it in passing.
    Expired,
    /// The assignee has no access to its host.
    NoAccess,
    /// Another one for the very same is open.
    AnotherIsOpen,
    /// The asker asked for it, and the rules want somebody else to approve it or that it gets more.
    OwnRequest,
}

/// What became of many exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// Changed.
    pub done: Ranges,
    /// Not changed, by reason.
    pub refused: Vec<(WhyNot, Ranges)>,
}

/// Exceptions split into those that change and those that do not.
struct Split {
    changed: Vec<(ControlException, HistoryEntry)>,
    refused: BTreeMap<WhyNot, Vec<u64>>,
}

impl ControlExceptions<'_> {
    /// Changes exceptions. Whoever may only ask may only comment.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when more than a comment is given without the right to approve;
    /// [`Error::Invalid`] for more than [`MAX_IN_RANGES`] exceptions. Nothing is changed then.
    pub async fn update(&self, who: &Principal, numbers: &Ranges, change: &Change) -> Result<Batch> {
        let only_comment = change == &Change { comment: change.comment.clone(), ..Change::default() };
        require(
            who,
            if only_comment { Permission::ExceptionsRequest } else { Permission::ExceptionsApprove },
        )?;
        check_text("comments", &change.comment)?;
        let mut tx = self.0.store.begin().await?;
        let (found, unknown) = self.find(&mut tx, who, numbers).await?;
        let now = tx.recorded();
        let split = self.split(&mut tx, who, found, change, now).await?;
        let after = json!({
            "status": change.status, "comment": change.comment, "reassign_to": change.reassign_to,
            "end": change.end.map(format_rfc3339), "reopen_on_evidence_change": change.reopen_on_evidence_change,
        });
        self.store(tx, who, "update", after, split, unknown).await
    }

    /// Deletes exceptions: they end, and are shown no more.
    ///
    /// # Errors
    /// Like [`ControlExceptions::update`].
    pub async fn delete(&self, who: &Principal, numbers: &Ranges) -> Result<Batch> {
        require(who, Permission::ExceptionsApprove)?;
        let mut tx = self.0.store.begin().await?;
        let (found, unknown) = self.find(&mut tx, who, numbers).await?;
        let now = tx.recorded();
        let end = |mut e: ControlException| {
            e.life = e.life.step(ExceptionState::Ended, None, now).unwrap_or(e.life);
            let entry = note(&mut e, who, now, "Deleted".to_owned(), "");
            (e, entry)
        };
        let split = Split { changed: found.into_iter().map(end).collect(), refused: BTreeMap::new() };
        self.store(tx, who, "delete", json!({"state": "ended"}), split, unknown).await
    }

    /// The exceptions with these numbers that the asker sees, and the numbers of no such.
    async fn find(
        &self,
        tx: &mut Tx,
        who: &Principal,
        numbers: &Ranges,
    ) -> Result<(Vec<ControlException>, Ranges)> {
        let mut found = tx.control_exceptions_in(who.project, numbers).await?;
        if found.len() > MAX_IN_RANGES {
            return Err(Error::Invalid(format!("more than {MAX_IN_RANGES} exceptions in one call")));
        }
        let scope = who.scope();
        found.retain(|e| scope.sees(e.project, e.enterprise_project));
        let known = Ranges::from_each(found.iter().map(|e| e.no.0.into()));
        Ok((found, numbers.without(&known)))
    }

    async fn split(
        &self,
        tx: &mut Tx,
        who: &Principal,
        found: Vec<ControlException>,
        change: &Change,
        now: Millis,
    ) -> Result<Split> {
        let opens = matches!(change.status, Some(ExceptionState::Approved | ExceptionState::Pending));
        let (mut open, mut held) = (HashMap::new(), HashMap::new());
        if opens {
            let key = |e: &ControlException| {
                let identity = &e.target.identity;
                (identity.host, identity.policy, identity.control)
            };
            for other in tx.control_exceptions_of(found.iter().map(key)).await? {
                if other.life.standing(now).is_open() {
                    open.insert(other.target.identity.clone(), other.no);
                }
            }
            held = tx.control_results_held(found.iter().map(|e| &e.target.identity)).await?;
        }
        let reach = self.reach(who, &found, change).await?;
        let mut deciding = Deciding { app: self.0, who, change, now, open, held, reach };
        let mut split = Split { changed: Vec::with_capacity(found.len()), refused: BTreeMap::new() };
        for old in found {
            let no = u64::from(old.no.0);
            match deciding.one(old) {
                Ok(changed) => split.changed.push(changed),
                Err(why) => split.refused.entry(why).or_default().push(no),
            }
        }
        Ok(split)
    }

    /// The enterprise projects of these exceptions that the new assignee reaches.
    async fn reach(
        &self,
        who: &Principal,
        found: &[ControlException],
        change: &Change,
    ) -> Result<HashSet<EnterpriseProjectNo>> {
        let Some(assignee) = change.reassign_to else { return Ok(HashSet::new()) };
        let Ok(assignee) = u32::try_from(assignee) else { return Ok(HashSet::new()) };
        let mut reached = HashSet::new();
        let all: HashSet<EnterpriseProjectNo> = found.iter().map(|e| e.enterprise_project).collect();
        for enterprise_project in all {
            if has_access(self.0, assignee, who.project, enterprise_project).await? {
                reached.insert(enterprise_project);
            }
        }
        Ok(reached)
    }

    async fn store(
        &self,
        mut tx: Tx,
        who: &Principal,
        action: &str,
        after: serde_json::Value,
        split: Split,
        unknown: Ranges,
    ) -> Result<Batch> {
        let Split { changed, mut refused } = split;
        let done = Ranges::from_each(changed.iter().map(|(e, _)| e.no.0.into()));
        let mut batch = Batch { done, refused: Vec::new() };
        if !unknown.is_empty() {
            batch.refused.push((WhyNot::Unknown, unknown));
        }
        while let Some((why, numbers)) = refused.pop_first() {
            batch.refused.push((why, Ranges::from_each(numbers)));
        }
        if batch.done.is_empty() {
            return Ok(batch);
        }
        let (rows, entries): (Vec<_>, Vec<_>) =
            changed.into_iter().map(|(e, entry)| (e.clone(), (e.no, entry))).unzip();
        tx.put_control_exceptions(&rows).await?;
        tx.add_control_exception_entries(&entries).await?;
        let subject = batch.done.to_string();
        audit::event(&mut tx, who, action, "control_exception", &subject, audit::NONE, Some(after)).await?;
        tx.commit().await?;
        self.0.live().catch_up().await?;
        Ok(batch)
    }
}

/// What the decision on one exception needs to know.
struct Deciding<'a> {
    app: &'a crate::app::App,
    who: &'a Principal,
    change: &'a Change,
    now: Millis,
    /// The open exception for each thing.
    open: HashMap<ResultIdentity, parapet_model::ControlExceptionNo>,
    /// How each thing stands.
    held: HashMap<ResultIdentity, Held>,
    /// Enterprise projects that the new assignee reaches.
    reach: HashSet<EnterpriseProjectNo>,
}

impl Deciding<'_> {
    fn one(&mut self, old: ControlException) -> Result<(ControlException, HistoryEntry), WhyNot> {
        let mut e = old;
        let mut what = Vec::new();
        if let Some(assignee) = self.change.reassign_to {
            let assignee = u32::try_from(assignee).map_err(|_| WhyNot::NoAccess)?;
            if !self.reach.contains(&e.enterprise_project) {
                return Err(WhyNot::NoAccess);
            }
            if e.assignee != assignee {
                what.push(format!("Assignee: user {} to user {assignee}", e.assignee));
                e.assignee = assignee;
            }
        }
        if let Some(reopens) = self.change.reopen_on_evidence_change
            && reopens != e.target.reopen_on_evidence_change
        {
            if !reopens && self.stays_approved(&e) {
                return Err(WhyNot::OwnRequest);
            }
            what.push(format!("Reopen on evidence change: {}", if reopens { "yes" } else { "no" }));
            e.target.reopen_on_evidence_change = reopens;
        }
        let life = self.life(&e)?;
        let (before, after) = (e.life.standing(self.now), life.standing(self.now));
        if before != after {
            what.insert(0, format!("Status: {} to {}", before.as_str(), after.as_str()));
        }
        if life.end != e.life.end {
            what.push(format!("End: {}", end_word(life.end)));
        }
        if after == Standing::Approved && before != after {
            e.target.accepted =
                self.held.get(&e.target.identity).map_or_else(Default::default, |h| h.evidence);
        }
        if after.is_open() {
            self.open.insert(e.target.identity.clone(), e.no);
        }
        e.life = life;
        let entry = note(&mut e, self.who, self.now, what.join("; "), &self.change.comment);
        Ok((e, entry))
    }

    /// Whether it is approved and stays so, while the rules want somebody else to approve what the asker
    /// asked for: then it gets no more than was approved.
    fn stays_approved(&self, e: &ControlException) -> bool {
        e.life.standing(self.now) == Standing::Approved
            && self.change.status.is_none_or(|next| next == ExceptionState::Approved)
            && self.app.control_exceptions().wants_others(self.who, e)
    }

    /// Where the exception is in its life afterwards.
    fn life(&self, e: &ControlException) -> Result<Lifecycle, WhyNot> {
        let before = e.life.standing(self.now);
        let next = self.change.status.filter(|next| *next != e.life.state || before == Standing::Expired);
        let Some(next) = next else {
            return match self.change.end {
                Some(end) if end > e.life.end && self.stays_approved(e) => Err(WhyNot::OwnRequest),
                Some(end) => e.life.with_end(end, self.now).map_err(why_not),
                None => Ok(e.life),
            };
        };
        if next == ExceptionState::Approved && self.app.control_exceptions().wants_others(self.who, e) {
            return Err(WhyNot::OwnRequest);
        }
        let life = e.life.step(next, self.change.end, self.now).map_err(why_not)?;
        let other = self.open.get(&e.target.identity).is_some_and(|no| *no != e.no);
        if life.standing(self.now).is_open() && !before.is_open() && other {
            return Err(WhyNot::AnotherIsOpen);
        }
        Ok(life)
    }
}

fn why_not(refused: StepRefused) -> WhyNot {
    match refused {
        StepRefused::NeedsEnd => WhyNot::NeedsEnd,
        StepRefused::NoSuchStep(Standing::Expired, ExceptionState::Approved) => WhyNot::Expired,
        StepRefused::NoSuchStep(from, to) => WhyNot::NoSuchStep(from, to),
    }
}

/// The last day, as people write it.
fn end_word(end: Millis) -> String {
    match end {
        FOREVER => "never".to_owned(),
        end => format_rfc3339(end - 1).chars().take(10).collect(),
    }
}

/// Marks the exception as changed and says so in its history.
pub(super) fn note(
    e: &mut ControlException,
    who: &Principal,
    now: Millis,
    what: String,
    comment: &str,
) -> HistoryEntry {
    e.modified_by = who.user;
    e.modified_at = now;
    HistoryEntry { at: now, by: who.name.clone(), what, comment: comment.to_owned() }
}
