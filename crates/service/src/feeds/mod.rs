//! Advisory feeds: load, preview, hold, roll back, keep current.

mod effect;
mod enrich;
mod estate;
mod held;
mod import;
mod reading;
mod rematch;
mod rollback;
mod source;
mod starter;
mod sync;
mod zipped;

use std::collections::HashSet;

use parapet_matching::keys_of;
use parapet_model::{Filter, Permission, Principal};
use parapet_posture::{AssetOrder, Query, Window};
use parapet_store::feeds::{Feed, FeedImport, FeedState};
use serde::Serialize;

pub use estate::{EstateRelease, FeedCheck};
pub(crate) use held::run_accept;
pub use import::{ImportOptions, ImportReport, Limits};
pub(crate) use rematch::run as run_rematch;
pub(crate) use source::VEX;
pub use source::{FeedFormat, FeedSource};
pub(crate) use sync::run as run_sync;
pub use sync::{PublicFeed, SyncReport};

use crate::accounts::require;
use crate::app::App;
use crate::error::{Error, Result};

/// Use cases around feeds.
#[derive(Debug, Clone, Copy)]
pub struct Feeds<'a>(pub(crate) &'a App);

/// A feed with its newest imports.
#[derive(Debug, Clone, Serialize)]
pub struct FeedStatus {
    /// The feed.
    #[serde(flatten)]
    pub feed: Feed,
    /// The import that waits for a decision, as it was measured.
    pub held: Option<ImportReport>,
    /// Newest first.
    pub imports: Vec<FeedImport>,
}

impl Feeds<'_> {
    /// All feeds with their newest imports.
    pub async fn status(&self, who: &Principal) -> Result<Vec<FeedStatus>> {
        require(who, Permission::FeedsRead)?;
        let mut session = self.0.store.read().await?;
        let mut out = Vec::new();
        for feed in session.feeds().await? {
            let imports = session.feed_imports(feed.no, None, 5).await?;
            let waiting = session.waiting_import(feed.no).await?;
            let held = waiting.as_ref().map(held::read_report).transpose()?;
            out.push(FeedStatus { feed, held, imports });
        }
        Ok(out)
    }

    /// The keys under which advisories can speak of the packages in the store.
    pub async fn match_keys_in_use(&self) -> Result<HashSet<(String, String)>> {
        let scope = self.0.local_principal().await?.scope();
        let snapshot = self.0.live().snapshot();
        let query = Query::new(&scope, &Filter::All, self.0.now());
        let assets = snapshot.assets(&query, AssetOrder::Number, Window::ALL);
        let shown = assets.rows.iter().filter_map(|row| snapshot.packages_of(&scope, row.asset.no));
        Ok(shown.flatten().flat_map(|shown| keys_of(&shown.package.key)).collect())
    }

    /// The last import that is complete and was not taken back.
    async fn last_complete(&self, name: &str) -> Result<(Feed, FeedImport)> {
        let mut session = self.0.store.read().await?;
        let feed =
            session.feed_by_name(name).await?.ok_or_else(|| Error::NotFound(format!("feed {name:?}")))?;
        let imports = session.feed_imports(feed.no, None, 100).await?;
        let last = imports.into_iter().find(|import| import.state == FeedState::Complete);
        let last = last.ok_or_else(|| Error::Conflict(format!("feed {name:?} has no complete import")))?;
        Ok((feed, last))
    }
}
