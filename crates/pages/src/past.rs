//! Past states of posture that somebody looks at. Making one takes as long as a start of the server, so they
//! are kept while there is room; what is of today in them (titles, scores, coverage) is of the day they were
//! made.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parapet_model::Millis;
use parapet_model::time::parse_instant;
use parapet_service::{App, Error, PastInstant, View};
use tokio::sync::OnceCell;

use crate::error::PageError;
use crate::state::Pages;

/// States kept at the most, and assets in all of them together. The one that is looked at is always kept.
const KEPT: usize = 8;
const KEPT_ASSETS: u64 = 200_000;

/// How long a part of a page waits for one before it is answered that it goes on. Less than a minute, after which
/// the server gives a request up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A state that is there, or is being made for everybody who waits for it.
type Making = Arc<OnceCell<View>>;

/// See the module. The one that was asked for last stands last; the first goes first.
#[derive(Debug, Clone)]
pub(crate) struct PastViews {
    /// In estates with more assets a page says that a day is being worked out, and shows it when it is.
    large: u64,
    kept: Arc<Mutex<VecDeque<(Millis, Making)>>>,
}

impl PastViews {
    /// Working a day out takes long in estates with more than so many assets.
    pub(crate) fn new(large: u64) -> Self {
        Self { large, kept: Arc::default() }
    }

    /// Whether people had to wait for the state of an instant.
    pub(crate) fn takes_long(&self, app: &App, at: Millis) -> bool {
        let ready = self.lock().iter().any(|(known, made)| *known == at && made.initialized());
        !ready && at <= app.now() && app.live().snapshot().assets_held() > self.large
    }

    /// The state as it was known at an instant. It is made once, one at a time, and also when whoever asked
    /// first has gone.
    pub(crate) async fn view(&self, pages: &Pages, at: Millis) -> Result<View, PageError> {
        let (pages, making, all) = (pages.clone(), self.making(at), self.clone());
        let made = tokio::spawn(async move {
            let make = || async {
                let _alone = pages.alone().await;
                pages.app.findings().view(Some(PastInstant { at, hindsight: false }), None).await
            };
            let view = making.get_or_try_init(make).await?.clone();
            all.make_room();
            Ok::<_, Error>(view)
        });
        Ok(made.await??)
    }

    /// Whether the state of an instant is made before whoever waits for it has to be answered; it is made in any case.
    pub(crate) async fn is_made_soon(&self, pages: &Pages, at: Millis) -> Result<bool, PageError> {
        match tokio::time::timeout(PATIENCE, self.view(pages, at)).await {
            Ok(made) => made.map(|_| true),
            Err(_) => Ok(false),
        }
    }

    fn making(&self, at: Millis) -> Making {
        let mut kept = self.lock();
        let place = kept.iter().position(|(known, _)| *known == at);
        let known = place.and_then(|place| kept.remove(place)).unwrap_or_default();
        kept.push_back((at, Arc::clone(&known.1)));
        known.1
    }

    fn make_room(&self) {
        let mut kept = self.lock();
        let assets = |making: &Making| making.get().map_or(0, |view| view.snapshot.assets_held());
        while kept.len() > 1
            && (kept.len() > KEPT || kept.iter().map(|(_, making)| assets(making)).sum::<u64>() > KEPT_ASSETS)
        {
            kept.pop_front();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Millis, Making)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads an instant or a day; nothing when nothing was given.
pub(crate) fn instant(name: &str, text: &str) -> Result<Option<Millis>, PageError> {
    match text.trim() {
        "" => Ok(None),
        text => parse_instant(text).map(Some).ok_or_else(|| {
            PageError::invalid(format!(
                "{name} is a day such as 2026-11-02 or an RFC 3339 instant, not {text:?}"
            ))
        }),
    }
}
