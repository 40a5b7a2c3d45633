//! Visits: since when what changed is news to somebody.

use parapet_model::{Millis, Principal};
use parapet_store::accounts::Visit;

use super::Accounts;
use crate::error::Result;

/// After so much silence a look begins a new visit.
pub const VISIT_ENDS: Millis = 60 * 60 * 1000;
/// What was shown may have been so far behind what was known; told twice is better than never.
const BEHIND: Millis = 5000;
/// How often a look is written down at most.
const TOUCHED: Millis = 60 * 1000;

impl Accounts<'_> {
    /// The visit that a look at this moment belongs to, without keeping it; `None` for the first look ever.
    pub async fn visit(&self, who: &Principal) -> Result<Option<Visit>> {
        let now = self.0.now();
        let last = self.0.store.read().await?.visit(who.user, who.project).await?;
        Ok(last.map(|last| Self::look(last, now)))
    }

    /// Keeps that somebody looked at `now`. It may wait for a writer: nobody should wait for it.
    pub async fn visited(&self, who: &Principal, now: Millis) -> Result<()> {
        let last = self.0.store.read().await?.visit(who.user, who.project).await?;
        if last.is_some_and(|last| now - last.seen < TOUCHED) {
            return Ok(());
        }
        let visit = last.map_or(Visit { since: 0, seen: now }, |last| Self::look(last, now));
        let mut side = self.0.store.side().await?;
        side.put_visit(who.user, who.project, visit).await?;
        side.commit().await?;
        Ok(())
    }

    fn look(last: Visit, now: Millis) -> Visit {
        let since = if now - last.seen > VISIT_ENDS { last.seen - BEHIND } else { last.since };
        Visit { since, seen: now }
    }
}
