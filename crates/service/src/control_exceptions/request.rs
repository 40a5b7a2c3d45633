//! Asking for an exception, on one host or on many at once. It begins as pending, whoever asks, and ends on
//! the day it was made until somebody says otherwise.

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::compliance::{ControlPosture, ControlResult, ResultIdentity, WHOLE_HOST};
use parapet_model::control_exception::{ControlException, ControlTarget, HistoryEntry};
use parapet_model::lifecycle::Lifecycle;
use parapet_model::time::end_of_day;
use parapet_model::{
    AssetNo, ControlExceptionNo, ControlNo, ControlResultNo, EvidenceNo, Millis, Permission, PolicyNo,
    Principal, Ranges, TechnologyNo,
};
use parapet_store::Tx;
use parapet_store::compliance::ResultFilter;
use serde_json::json;
use uuid::Uuid;

use super::{ControlExceptions, has_access, host_of};
use crate::accounts::require;
use crate::audit;
use crate::error::Error;
use crate::exceptions::check_text;

/// Most instances of one control on one host that are looked at.
const MAX_INSTANCES: u32 = 10_000;
/// Most exceptions that are asked for at once, and how many of them the audit event spells out.
const MAX_AT_ONCE: usize = 10_000;
const SAID: usize = 100;
/// Results read at once.
const PAGE: u32 = 2_000;

/// An exception as it is asked for. Numbers are those of wires, and may name nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewControlException {
    /// The host; without meaning where several are asked for at once.
    pub host: u64,
    /// The policy that holds the control.
    pub policy: u64,
    /// The control.
    pub control: u64,
    /// The platform of the host.
    pub technology: u64,
    /// Which of several things the control looks at; `None`: there is only one.
    pub instance: Option<String>,
    /// The user who is to look at it.
    pub assignee: u64,
    /// Why.
    pub comment: String,
    /// Whether it is reopened when another value is found and the control still fails.
    pub reopen_on_evidence_change: bool,
}

/// Why an exception cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestRefused {
    /// No such host, or not the asker's to see.
    UnknownHost,
    /// No such policy.
    UnknownPolicy,
    /// No such control, or the policy does not hold it.
    ControlNotInPolicy,
    /// No such technology, or not that of the host.
    NotTheTechnology,
    /// The control has several instances on the host, and none was named.
    NeedsInstance,
    /// The control has no such instance on the host.
    UnknownInstance,
    /// No such user, or one without access to the host.
    NoAccess,
    /// The policy was never evaluated on the host for this control.
    NeverEvaluated,
    /// The control does not fail there.
    NotFailed,
    /// There is an open one for the very same, with this number.
    Open(ControlExceptionNo),
}

/// Refused, or failed.
#[derive(Debug)]
pub enum RequestError {
    /// The request cannot be.
    Refused(RequestRefused),
    /// Something else.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for RequestError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

type Outcome<T> = Result<T, RequestError>;

fn refuse<T>(why: RequestRefused) -> Outcome<T> {
    Err(RequestError::Refused(why))
}

fn small(number: u64, unknown: RequestRefused) -> Outcome<u32> {
    u32::try_from(number).map_err(|_| RequestError::Refused(unknown))
}

impl ControlExceptions<'_> {
    /// Asks for an exception.
    pub async fn request(&self, who: &Principal, new: &NewControlException) -> Outcome<ControlException> {
        require(who, Permission::ExceptionsRequest)?;
        check_text("comments", &new.comment)?;
        let mut tx = self.0.store.begin().await?;
        let (result, assignee) = self.check(&mut tx, who, new).await?;
        let now = tx.recorded();
        let open = tx
            .control_exceptions_of([(result.identity.host, result.identity.policy, result.identity.control)])
            .await?;
        let same =
            |e: &&ControlException| e.target.identity == result.identity && e.life.standing(now).is_open();
        if let Some(open) = open.iter().find(same) {
            return refuse(RequestRefused::Open(open.no));
        }
        let made = self.made(who, result, new, assignee, now);
        let mut made = self.store_new(tx, who, new, vec![made]).await?;
        made.pop().ok_or_else(|| Error::Internal(anyhow::anyhow!("no exception was made")).into())
    }

    /// Asks for an exception on each of these hosts on which the control fails and none is open: all of them,
    /// or none. Controls that have instances on a host are left out there.
    ///
    /// # Errors
    /// [`RequestRefused::NotFailed`] when it fails on none of them, [`RequestRefused::Open`] when all have one.
    pub async fn request_on(
        &self,
        who: &Principal,
        new: &NewControlException,
        hosts: &BTreeSet<AssetNo>,
    ) -> Outcome<Vec<ControlException>> {
        require(who, Permission::ExceptionsRequest)?;
        check_text("comments", &new.comment)?;
        let mut tx = self.0.store.begin().await?;
        let (policy, control, technology) = self.named(&mut tx, who, new).await?;
        let failing = ResultFilter {
            policy: Some(policy),
            controls: parapet_store::compliance::Ranges::one(control.0),
            technology: Some(technology),
            instance: Some(WHOLE_HOST.to_owned()),
            postures: vec![ControlPosture::Failed],
            ..ResultFilter::default()
        };
        let (mut results, mut after) = (Vec::new(), ControlResultNo(0));
        loop {
            let page = tx.control_results(&who.scope(), &failing, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.no;
            results.extend(page.into_iter().filter(|result| hosts.contains(&result.identity.host)));
            if results.len() > MAX_AT_ONCE {
                let text = format!("more than {MAX_AT_ONCE} exceptions in one call");
                return Err(Error::Invalid(text).into());
            }
        }
        if results.is_empty() {
            return refuse(RequestRefused::NotFailed);
        }
        let now = tx.recorded();
        let keys = results.iter().map(|r| (r.identity.host, r.identity.policy, r.identity.control));
        let known = tx.control_exceptions_of(keys).await?;
        let open: BTreeMap<&ResultIdentity, ControlExceptionNo> = known
            .iter()
            .filter(|e| e.life.standing(now).is_open())
            .map(|e| (&e.target.identity, e.no))
            .collect();
        results.retain(|result| !open.contains_key(&result.identity));
        if let (true, Some(no)) = (results.is_empty(), open.values().next()) {
            return refuse(RequestRefused::Open(*no));
        }
        let assignee = small(new.assignee, RequestRefused::NoAccess)?;
        let owners: BTreeSet<_> = results.iter().map(|result| result.enterprise_project).collect();
        for owner in owners {
            if !has_access(self.0, assignee, who.project, owner).await? {
                return refuse(RequestRefused::NoAccess);
            }
        }
        let made = results.into_iter().map(|result| self.made(who, result, new, assignee, now)).collect();
        self.store_new(tx, who, new, made).await
    }

    fn made(
        &self,
        who: &Principal,
        result: ControlResult,
        new: &NewControlException,
        assignee: u32,
        now: Millis,
    ) -> ControlException {
        ControlException {
            no: ControlExceptionNo(0),
            uuid: Uuid::nil(),
            project: who.project,
            enterprise_project: result.enterprise_project,
            target: ControlTarget {
                identity: result.identity,
                technology: result.technology,
                reopen_on_evidence_change: new.reopen_on_evidence_change,
                accepted: EvidenceNo(0),
            },
            // Recorded time may run ahead of the clock that says whether it holds.
            life: Lifecycle::asked(now.min(self.0.now()), end_of_day(now)),
            assignee,
            created_by: who.user,
            created_at: now,
            modified_by: who.user,
            modified_at: now,
        }
    }

    /// Stores exceptions that were asked for together, each with the first entry of its history.
    async fn store_new(
        &self,
        mut tx: Tx,
        who: &Principal,
        new: &NewControlException,
        mut made: Vec<ControlException>,
    ) -> Outcome<Vec<ControlException>> {
        tx.number_control_exceptions(&mut made).await?;
        tx.put_control_exceptions(&made).await?;
        let entry = |e: &ControlException| {
            let (by, comment) = (who.name.clone(), new.comment.clone());
            (e.no, HistoryEntry { at: e.created_at, by, what: String::new(), comment })
        };
        tx.add_control_exception_entries(&made.iter().map(entry).collect::<Vec<_>>()).await?;
        let targets: Vec<&ResultIdentity> = made.iter().map(|e| &e.target.identity).take(SAID).collect();
        let after = json!({
            "targets": targets, "assignee": new.assignee, "comment": new.comment,
            "reopen_on_evidence_change": new.reopen_on_evidence_change,
        });
        let subject = Ranges::from_each(made.iter().map(|e| e.no.0.into())).to_string();
        audit::event(&mut tx, who, "create", "control_exception", &subject, audit::NONE, Some(after)).await?;
        tx.commit().await?;
        self.0.live().catch_up().await?;
        Ok(made)
    }

    /// What a request names beside the host: policy, control, technology.
    async fn named(
        &self,
        tx: &mut Tx,
        who: &Principal,
        new: &NewControlException,
    ) -> Outcome<(PolicyNo, ControlNo, TechnologyNo)> {
        use RequestRefused as R;
        let policy = PolicyNo(small(new.policy, R::UnknownPolicy)?);
        if tx.policy(who.project, policy).await?.is_none() {
            return refuse(R::UnknownPolicy);
        }
        let control = ControlNo(small(new.control, R::ControlNotInPolicy)?);
        if !tx.policy_holds(policy, control).await? {
            return refuse(R::ControlNotInPolicy);
        }
        Ok((policy, control, TechnologyNo(small(new.technology, R::NotTheTechnology)?)))
    }

    /// The result that the request is about, and the assignee.
    async fn check(
        &self,
        tx: &mut Tx,
        who: &Principal,
        new: &NewControlException,
    ) -> Outcome<(ControlResult, u32)> {
        use RequestRefused as R;
        let snapshot = self.0.live().snapshot();
        let host = AssetNo(small(new.host, R::UnknownHost)?);
        let Some(enterprise_project) = host_of(&snapshot, who, host) else { return refuse(R::UnknownHost) };
        let (policy, control, technology) = self.named(tx, who, new).await?;
        let result = self.result_for(tx, who, (host, policy, control), new.instance.as_deref()).await?;
        if result.technology != technology {
            return refuse(R::NotTheTechnology);
        }
        if result.posture() != Some(ControlPosture::Failed) {
            return refuse(R::NotFailed);
        }
        let assignee = small(new.assignee, R::NoAccess)?;
        if !has_access(self.0, assignee, who.project, enterprise_project).await? {
            return refuse(R::NoAccess);
        }
        Ok((result, assignee))
    }

    async fn result_for(
        &self,
        tx: &mut Tx,
        who: &Principal,
        (host, policy, control): (AssetNo, PolicyNo, ControlNo),
        instance: Option<&str>,
    ) -> Outcome<ControlResult> {
        let filter = ResultFilter {
            policy: Some(policy),
            hosts: parapet_store::compliance::Ranges::one(host.0),
            controls: parapet_store::compliance::Ranges::one(control.0),
            ..ResultFilter::default()
        };
        let results = tx.control_results(&who.scope(), &filter, ControlResultNo(0), MAX_INSTANCES).await?;
        let several = results.iter().any(|result| result.identity.instance != WHOLE_HOST);
        if results.is_empty() {
            return refuse(RequestRefused::NeverEvaluated);
        }
        let named = match instance {
            None if several => return refuse(RequestRefused::NeedsInstance),
            None => WHOLE_HOST,
            Some(instance) => instance,
        };
        let is_named = |result: &ControlResult| {
            let ResultIdentity { instance, .. } = &result.identity;
            instance == named
        };
        let found = results.into_iter().find(is_named);
        found.ok_or(RequestError::Refused(RequestRefused::UnknownInstance))
    }
}
