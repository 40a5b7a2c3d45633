//! Compliance: results of security checklists come in, and posture per host, policy and control is read.
//!
//! [`Compliance::import`] reads a document whole before anything is recorded (`import`), then records it in
//! small transactions; how, is said in `parapet_store::compliance`. What a batch changed is there as
//! [`ResultChange`]s **in the open transaction** that records it: `import::Recording::recorded` is the one
//! place that sees `(&mut Tx, &[ResultChange])`, once for each batch. What must stand or fall with a result,
//! such as reopening an exception, is called from there:
//!
//! * [`ResultChange::fails_differently`]: failed before, fails now, and another thing was found;
//! * [`ResultChange::passes_again`]: did not pass before and passes now.
//!
//! Both hold for the present state alone. An older document changes history and brings no change.
//! `Session::evidence` of `change.before` and `change.now` gives what was found then and now, also inside
//! the transaction; a batch that is recorded again after a crash does not bring its changes again.

mod import;
mod reading;
mod report;

use std::collections::BTreeMap;

use parapet_model::asset::AssetKind;
pub use parapet_model::compliance::ResultChange;
use parapet_model::compliance::{Assessment, Control, ControlResult, Evidence, Policy, Stretch, Technology};
use parapet_model::time::FOREVER;
use parapet_model::{
    AssetNo, ControlNo, ControlResultNo, EvidenceNo, Millis, Permission, PolicyNo, Principal, TechnologyNo,
};
use parapet_store::compliance::{Past, ResultFilter};
use parapet_store::facts::AsOfClock;
use uuid::Uuid;

pub use import::ImportOptions;
pub use report::{EvaluationReport, ImportReport};

use crate::accounts::require;
use crate::app::App;
use crate::error::{Error, Result};
use crate::findings::PastInstant;

/// Use cases around compliance.
#[derive(Debug, Clone, Copy)]
pub struct Compliance<'a>(pub(crate) &'a App);

/// One result with what was found and how it came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultDetail {
    /// The result.
    pub result: ControlResult,
    /// Its control.
    pub control: Control,
    /// Its life, newest first, with the instants at which its parts were recorded.
    pub history: Vec<(Stretch, Millis)>,
    /// The evidence of the history, by number.
    pub evidence: BTreeMap<EvidenceNo, Evidence>,
}

impl ResultDetail {
    /// What was found now.
    pub fn now(&self) -> Option<&Evidence> {
        self.evidence.get(&self.result.evidence)
    }

    /// What was found before something else was.
    pub fn before(&self) -> Option<&Evidence> {
        let now = self.now().map(|evidence| evidence.found);
        let known = self.history.iter().filter_map(|(stretch, _)| self.evidence.get(&stretch.held.evidence));
        known.into_iter().find(|evidence| Some(evidence.found) != now)
    }
}

/// Most bytes of a document that is sent to a server, when nothing else is said.
pub const MAX_RESULTS: u64 = 600_000_000;

impl Compliance<'_> {
    /// Most bytes of a document that is sent here.
    pub fn max_size(&self) -> u64 {
        self.0.max_results.get().copied().unwrap_or(MAX_RESULTS)
    }

    /// Policies of the asker's project with numbers above `after`, ascending.
    pub async fn policies(&self, who: &Principal, after: PolicyNo, limit: u32) -> Result<Vec<Policy>> {
        require(who, Permission::FindingsRead)?;
        Ok(self.0.store.read().await?.policies(who.project, after, limit).await?)
    }

    /// Controls of the asker's project with numbers above `after`, ascending; those of a policy alone
    /// when one is named.
    pub async fn controls(
        &self,
        who: &Principal,
        policy: Option<PolicyNo>,
        after: ControlNo,
        limit: u32,
    ) -> Result<Vec<Control>> {
        require(who, Permission::FindingsRead)?;
        let mut session = self.0.store.read().await?;
        let Some(policy) = policy else { return Ok(session.controls(who.project, after, limit).await?) };
        let known = session.policy(who.project, policy).await?;
        let policy = known.ok_or_else(|| Error::NotFound("policy".to_owned()))?;
        let numbers = session.controls_of_policy(policy.no, after, limit).await?;
        Ok(session.controls_by_number(who.project, &numbers).await?)
    }

    /// Technologies of the asker's project with numbers above `after`, ascending.
    pub async fn technologies(
        &self,
        who: &Principal,
        after: TechnologyNo,
        limit: u32,
    ) -> Result<Vec<Technology>> {
        require(who, Permission::FindingsRead)?;
        Ok(self.0.store.read().await?.technologies(who.project, after, limit).await?)
    }

    /// Results that the asker may see with numbers above `after`, ascending; with `past` as they stood at
    /// that instant.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an instant that lies in the future.
    pub async fn results(
        &self,
        who: &Principal,
        filter: &ResultFilter,
        past: Option<PastInstant>,
        after: ControlResultNo,
        limit: u32,
    ) -> Result<Vec<ControlResult>> {
        require(who, Permission::FindingsRead)?;
        let (mut session, scope) = (self.0.store.read().await?, who.scope());
        let Some(past) = past else {
            return Ok(session.control_results(&scope, filter, after, limit).await?);
        };
        if past.at > self.0.now() {
            return Err(Error::Invalid("as_of lies in the future".to_owned()));
        }
        let clock = if past.hindsight { AsOfClock::Hindsight } else { AsOfClock::Recorded };
        let past = Past { at: past.at, clock };
        Ok(session.control_results_as_of(&scope, filter, past, after, limit).await?)
    }

    /// One result, with at most `limit` parts of its life.
    pub async fn result(&self, who: &Principal, no: ControlResultNo, limit: u32) -> Result<ResultDetail> {
        require(who, Permission::FindingsRead)?;
        let mut session = self.0.store.read().await?;
        let not_found = || Error::NotFound("result".to_owned());
        let result = session.control_result(&who.scope(), no).await?.ok_or_else(not_found)?;
        let control = session.control(who.project, result.identity.control).await?.ok_or_else(not_found)?;
        let history = session.control_result_history(no, FOREVER, limit).await?;
        let mut numbers: Vec<EvidenceNo> = history.iter().map(|(stretch, _)| stretch.held.evidence).collect();
        numbers.push(result.evidence);
        numbers.sort_unstable();
        numbers.dedup();
        let evidence = session.evidence(&numbers).await?;
        Ok(ResultDetail { result, control, history, evidence })
    }

    /// The number of a host that the asker may see.
    pub async fn host(&self, who: &Principal, id: Uuid) -> Result<AssetNo> {
        require(who, Permission::FindingsRead)?;
        let asset = self.0.store.read().await?.asset_by_uuid(who.project, &id).await?;
        let scope = who.scope();
        let host = asset.filter(|a| a.kind == AssetKind::Host && scope.sees(a.project, a.enterprise_project));
        host.map(|host| host.no).ok_or_else(|| Error::NotFound("host".to_owned()))
    }

    /// The policies for which a host was looked at.
    pub async fn assessments(&self, who: &Principal, host: AssetNo) -> Result<Vec<Assessment>> {
        require(who, Permission::FindingsRead)?;
        Ok(self.0.store.read().await?.assessments_of_host(host).await?)
    }
}
