//! Exceptions of controls: ask, decide, delete, look. The same engine as [`crate::exceptions`]: the same
//! life ([`parapet_model::lifecycle`]), rights, rules, audit and notices. What differs is what they are for:
//! one control of one policy on one host.
//!
//! * `request` makes one and checks that it can be one;
//! * `change` decides on many at once, and says for each why not;
//! * `list` shows them with what they are for;
//! * `reopen` looks at every result that arrives.

mod change;
mod list;
mod reopen;
mod request;

use std::collections::{BTreeMap, BTreeSet};

use parapet_model::control_exception::ControlException;
use parapet_model::lifecycle::Standing;
use parapet_model::{
    AssetKind, AssetNo, ControlResultNo, EnterpriseProjectNo, Millis, Permission, Principal, Ranges,
};
use parapet_posture::Snapshot;

pub use change::{Batch, Change, WhyNot};
pub use list::{Filter, HostWords, Listed, Page};
pub use request::{NewControlException, RequestError, RequestRefused};

use crate::accounts::require;
use crate::app::App;
use crate::error::{Error, Result};

/// What stands in a history for the program itself.
pub(crate) const PROGRAM: &str = "parapet";

/// What holds for exceptions of every kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExceptionRules {
    /// Nobody approves what they asked for themselves, nor makes it more once it is approved.
    pub four_eyes: bool,
    /// A control that fails under an approved exception is shown as failed, not as passed.
    pub show_accepted_as_failed: bool,
}

/// Use cases around exceptions of controls.
#[derive(Debug, Clone, Copy)]
pub struct ControlExceptions<'a>(pub(crate) &'a App);

impl ControlExceptions<'_> {
    /// How many that the asker sees stand how.
    pub async fn counts(&self, who: &Principal) -> Result<BTreeMap<Standing, u64>> {
        require(who, Permission::ExceptionsRead)?;
        let mut session = self.0.store.read().await?;
        Ok(session.control_exception_counts(&who.scope(), self.0.now()).await?)
    }

    /// What decides how controls and their exceptions stand: the position of the last write, and the first instant
    /// after now at which an exception ends. While both stay, all answers stay.
    pub async fn state(&self) -> Result<(u64, Millis)> {
        let mut session = self.0.store.read().await?;
        Ok((session.head().await?.seq, session.control_exceptions_until(self.0.now()).await?))
    }

    /// One with its history.
    pub async fn one(&self, who: &Principal, no: u64) -> Result<Listed> {
        let filter = Filter { numbers: Some(Ranges::from_each([no])), ..Filter::default() };
        let mut page = self.list(who, &filter, 1, true).await?;
        page.rows.pop().ok_or_else(|| Error::NotFound("exception".to_owned()))
    }

    /// Whether the rules want somebody other than the asker to approve it.
    pub fn wants_others(&self, who: &Principal, exception: &ControlException) -> bool {
        self.0.rules.four_eyes && exception.created_by == who.user && who.user != 0
    }

    /// The number of the result that it is for, if that is there.
    pub async fn result_of(
        &self,
        who: &Principal,
        exception: &ControlException,
    ) -> Result<Option<ControlResultNo>> {
        require(who, Permission::FindingsRead)?;
        let mut session = self.0.store.read().await?;
        let result = session.control_result_of(&who.scope(), &exception.target.identity).await?;
        Ok(result.map(|result| result.no))
    }

    /// Exceptions of these results by what they are for, the newest first.
    pub async fn of_results(
        &self,
        who: &Principal,
        results: &[parapet_model::compliance::ControlResult],
    ) -> Result<BTreeMap<parapet_model::compliance::ResultIdentity, Vec<ControlException>>> {
        require(who, Permission::ExceptionsRead)?;
        let keys = results.iter().map(|r| (r.identity.host, r.identity.policy, r.identity.control));
        let found = self.0.store.read().await?.control_exceptions_of(keys).await?;
        let wanted: BTreeSet<_> = results.iter().map(|r| &r.identity).collect();
        let scope = who.scope();
        let mut out: BTreeMap<_, Vec<ControlException>> = BTreeMap::new();
        for e in found.into_iter().rev() {
            if wanted.contains(&e.target.identity) && scope.sees(e.project, e.enterprise_project) {
                out.entry(e.target.identity.clone()).or_default().push(e);
            }
        }
        Ok(out)
    }
}

/// Whether a user may act in the project of the exception and sees its host.
async fn has_access(
    app: &App,
    user: u32,
    project: parapet_model::ProjectNo,
    enterprise_project: EnterpriseProjectNo,
) -> Result<bool> {
    let principal = app.accounts().directory().await?.principal_of(user, project);
    Ok(principal.is_some_and(|p| p.scope().sees(project, enterprise_project)))
}

/// The enterprise project of a host the asker sees.
fn host_of(snapshot: &Snapshot, who: &Principal, host: AssetNo) -> Option<EnterpriseProjectNo> {
    let asset = snapshot.asset(&who.scope(), host)?;
    (asset.kind == AssetKind::Host && asset.held.is_open()).then_some(asset.enterprise_project)
}
