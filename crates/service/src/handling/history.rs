//! What was handled, when and by whom: read from the versions of the exceptions, so that there is no
//! second truth beside them.

use std::collections::BTreeSet;

use parapet_model::exception::{Exception, ExceptionState, TargetKind};
use parapet_model::{AssetNo, Millis, Permission, Principal};
use uuid::Uuid;

use super::{Handling, REPAIRED, WHITELISTED};
use crate::accounts::require;
use crate::error::Result;

/// Most versions that are read.
const MAX_VERSIONS: u32 = 200_000;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandledHow {
    /// Ignored, in whichever words.
    Ignored,
    /// Marked as repaired.
    Repaired,
    /// Put on the white list.
    Whitelisted,
    /// Taken back.
    Restored,
}

/// One vulnerability that was handled on one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handled {
    /// The exception.
    pub exception: Uuid,
    /// Where; `None` for one that is for whatever its filter holds.
    pub asset: Option<AssetNo>,
    /// Id of the vulnerability; empty for all of them.
    pub vulnerability: String,
    /// What was done.
    pub how: HandledHow,
    /// By whom.
    pub by: String,
    /// When, recorded time.
    pub at: Millis,
    /// What they wrote.
    pub remark: String,
}

impl Handling<'_> {
    /// Everything that was handled in what the asker sees, newest first.
    pub async fn history(&self, who: &Principal) -> Result<Vec<Handled>> {
        require(who, Permission::ExceptionsRead)?;
        let scope = who.scope();
        let versions = self.0.store.read().await?.exception_history(who.project, MAX_VERSIONS).await?;
        let mut out = Vec::new();
        let mut before: Option<(&Exception, BTreeSet<Option<AssetNo>>)> = None;
        for (at, version) in versions.iter().filter(|(_, e)| scope.sees(e.project, e.enterprise_project)) {
            let old = match before.take() {
                Some((old, held)) if old.no == version.no => held,
                _ => BTreeSet::new(),
            };
            let new = held(version);
            out.extend(new.difference(&old).map(|asset| (*at, version, *asset, false)));
            out.extend(old.difference(&new).map(|asset| (*at, version, *asset, true)));
            before = Some((version, new));
        }
        let mut rows: Vec<Handled> = out.into_iter().flat_map(rows).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.at));
        Ok(rows)
    }
}

/// The assets that a version hides something on; the one `None` for those of a live filter.
fn held(version: &Exception) -> BTreeSet<Option<AssetNo>> {
    if version.state != ExceptionState::Approved {
        return BTreeSet::new();
    }
    let named = version.target.included.iter().copied().map(Some);
    let live = version.target.kind == TargetKind::Dynamic && version.target.filter.is_some();
    named.chain(live.then_some(None)).collect()
}

fn rows((at, version, asset, gone): (Millis, &Exception, Option<AssetNo>, bool)) -> Vec<Handled> {
    let decision = version.decisions.iter().rev().find(|decision| decision.at == at);
    let how = match version.reason.as_str() {
        _ if gone => HandledHow::Restored,
        REPAIRED => HandledHow::Repaired,
        WHITELISTED => HandledHow::Whitelisted,
        _ => HandledHow::Ignored,
    };
    let remark = match decision.map(|decision| decision.comment.as_str()) {
        Some(comment) if gone || !comment.is_empty() => comment,
        _ => &version.comment,
    };
    let row = |vulnerability: &str| Handled {
        exception: version.uuid,
        asset,
        vulnerability: vulnerability.to_owned(),
        how,
        by: decision.map_or_else(|| version.requested_by.clone(), |decision| decision.by.clone()),
        at,
        remark: remark.to_owned(),
    };
    match version.target.vulnerabilities.as_slice() {
        [] => vec![row("")],
        ids => ids.iter().map(|id| row(id)).collect(),
    }
}
