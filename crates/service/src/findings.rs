//! Questions about findings: now, as of a past instant, and why.

use std::sync::Arc;

use parapet_model::{AssetNo, Filter, Millis, Permission, Principal, Scope};
use parapet_posture::{Query, Snapshot};
use parapet_store::facts::{AsOf, AsOfClock};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::require;
use crate::app::App;
use crate::error::{Error, Result};
use crate::ranking;

/// A past instant, and how it is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastInstant {
    /// The instant.
    pub at: Millis,
    /// False: what did we know then? True: what was true then, by what is known today?
    #[serde(default)]
    pub hindsight: bool,
}

/// Use cases around findings.
#[derive(Debug, Clone, Copy)]
pub struct Findings<'a>(pub(crate) &'a App);

/// A state of the world and the instant at which to ask it.
#[derive(Debug, Clone)]
pub struct View {
    /// The state.
    pub snapshot: Arc<Snapshot>,
    /// The instant at which exceptions hold or do not.
    pub now: Millis,
}

impl View {
    /// A question to this view.
    pub fn query<'q>(&self, scope: &'q Scope, filter: &'q Filter) -> Query<'q> {
        Query::new(scope, filter, self.now)
    }
}

impl Findings<'_> {
    /// The state to ask: the live one, or a temporary one as of a past instant. With `asset`, only
    /// that asset is in a past state, which takes milliseconds; the whole estate takes as long as a
    /// start.
    pub async fn view(&self, past: Option<PastInstant>, asset: Option<AssetNo>) -> Result<View> {
        let app = self.0;
        let Some(past) = past else {
            return Ok(View { snapshot: app.live().snapshot(), now: app.now() });
        };
        if past.at > app.now() {
            return Err(Error::Invalid("as_of lies in the future".to_owned()));
        }
        let clock = if past.hindsight { AsOfClock::Hindsight } else { AsOfClock::Recorded };
        let mut change = app.store.facts_as_of(AsOf { at: past.at, clock, asset }).await?;
        ranking::rank(&mut change, &mut app.store.read().await?).await?;
        change.coverage = Some(app.live().snapshot().ecosystems().to_vec());
        let snapshot = tokio::task::spawn_blocking(move || Snapshot::build(change)).await?;
        Ok(View { snapshot: Arc::new(snapshot), now: past.at })
    }

    /// Explains one finding, with the advisories' texts and the files that show the package. The
    /// package may be left out when only one package of the asset has the vulnerability.
    pub async fn explain(
        &self,
        who: &Principal,
        asset: Uuid,
        vulnerability: &str,
        package: Option<&str>,
        past: Option<PastInstant>,
    ) -> Result<crate::explain::Explained> {
        require(who, Permission::FindingsRead)?;
        let scope = who.scope();
        let live = self.0.live().snapshot();
        let number = live
            .asset_by_uuid(&scope, asset)
            .map(|asset| asset.no)
            .ok_or_else(|| Error::NotFound("asset".to_owned()))?;
        let view = self.view(past, past.map(|_| number)).await?;
        crate::explain::explain(self.0, &scope, &view, number, vulnerability, package).await
    }
}
