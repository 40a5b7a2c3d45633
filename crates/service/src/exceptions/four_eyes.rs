//! Four eyes: whoever asked for an exception neither approves it nor makes it more than was approved.

use std::collections::BTreeSet;

use parapet_model::exception::{Exception, ExceptionState, Target};
use parapet_model::{AssetNo, Principal};

use super::Exceptions;
use crate::error::{Error, Result};

impl Exceptions<'_> {
    /// Whether the rules want somebody other than the asker to approve it.
    pub fn wants_others(&self, who: &Principal, exception: &Exception) -> bool {
        self.0.rules.four_eyes && exception.requested_by == who.name
    }

    /// Refuses to make an approved exception more than it was when the rules want somebody other than
    /// the asker to approve that. Less is always allowed, and so are other words.
    pub(super) fn refuse_more(&self, who: &Principal, old: &Exception, next: &Exception) -> Result<()> {
        if old.state != ExceptionState::Approved || !self.wants_others(who, old) {
            return Ok(());
        }
        if next.start < old.start || next.end > old.end {
            return Err(Error::Conflict("somebody else has to give it more time".to_owned()));
        }
        if may_hide_more(&old.target, &next.target) {
            return Err(Error::Conflict("somebody else has to approve that it is for more".to_owned()));
        }
        Ok(())
    }
}

/// Whether a target may reach something that another did not. Filters are not compared for what they
/// select: one that is there must be the same.
fn may_hide_more(old: &Target, next: &Target) -> bool {
    let other_filter = next.filter.is_some() && (next.filter != old.filter || next.kind != old.kind);
    let more_vulnerabilities = !old.vulnerabilities.is_empty()
        && (next.vulnerabilities.is_empty() || !within(&next.vulnerabilities, &old.vulnerabilities));
    other_filter
        || more_vulnerabilities
        || !within::<AssetNo>(&next.included, &old.included)
        || !within::<AssetNo>(&old.excluded, &next.excluded)
}

fn within<T: Ord>(part: &[T], whole: &[T]) -> bool {
    let whole: BTreeSet<&T> = whole.iter().collect();
    part.iter().all(|one| whole.contains(one))
}
