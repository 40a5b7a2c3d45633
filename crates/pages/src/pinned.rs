//! Recent states of posture, by log position, so that somebody who pages through a list stays in the
//! state in which they began: rows do not jump and totals are exact.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parapet_model::time::format_rfc3339;
use parapet_posture::Snapshot;
use parapet_service::{App, View};

use crate::layout::DataState;
use crate::link::Link;
use crate::render::Stamp;
use crate::visitor::Visitor;

/// States kept. They share all that did not change between them; what was worked out of them they do not, so of
/// a large estate there are fewer.
const KEPT: usize = 16;
const KEPT_LARGE: usize = 4;
/// From how many assets on an estate is large.
const LARGE: u64 = 100_000;

/// See the module. The one that was asked for last stands last; the first goes first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pinned(Arc<Mutex<VecDeque<Arc<Snapshot>>>>);

/// The state that a page shows, and how it stands to the newest.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// The state.
    pub(crate) view: View,
    /// Log position of the newest.
    newest: u64,
    /// The address held on to a state that is kept no longer, so this is the newest.
    lost: bool,
}

impl Pinned {
    /// The state at the position that an address holds on to, if it is still kept; else `usual`, or the newest
    /// when the position is behind that one. It is kept for those who go on from there.
    pub(crate) fn view(&self, app: &App, at: Option<u64>, usual: Arc<Snapshot>) -> Held {
        let live = app.live().snapshot();
        let (newest, kept) = (live.seq(), at.and_then(|seq| self.at(seq)));
        let lost = kept.is_none() && at.is_some_and(|seq| seq < usual.seq());
        let is_behind = at.is_some_and(|seq| seq > usual.seq());
        let snapshot = kept.unwrap_or(if is_behind { live } else { usual });
        self.keep(&snapshot);
        Held { view: View { snapshot, now: app.now() }, newest, lost }
    }

    fn at(&self, seq: u64) -> Option<Arc<Snapshot>> {
        self.lock().iter().find(|snapshot| snapshot.seq() == seq).cloned()
    }

    /// Keeps a state, from now on longer than the others.
    fn keep(&self, snapshot: &Arc<Snapshot>) {
        let mut kept = self.lock();
        let most = if snapshot.assets_held() > LARGE { KEPT_LARGE } else { KEPT };
        match kept.iter().position(|known| known.seq() == snapshot.seq()) {
            Some(place) => drop(kept.remove(place)),
            None if kept.len() >= most => drop(kept.pop_front()),
            None => {}
        }
        kept.push_back(Arc::clone(snapshot));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Snapshot>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// A state as the newest.
    pub(crate) fn alone(view: &View) -> Self {
        Self { view: view.clone(), newest: view.snapshot.seq(), lost: false }
    }

    /// Another state in its place.
    pub(crate) fn of(self, view: View) -> Self {
        Self { view, ..self }
    }

    /// An address that holds on to this state.
    pub(crate) fn stay(&self, link: Link) -> Link {
        link.with("at", self.view.snapshot.seq().to_string())
    }

    /// What the foot of the page says; `here` is the page without a state.
    pub(crate) fn data(&self, here: &Link) -> DataState {
        DataState {
            of: format_rfc3339(self.view.snapshot.recorded()),
            newer: self.newer(),
            lost: self.lost,
            refresh: here.clone().with("at", self.newest.to_string()).to_string(),
        }
    }

    fn newer(&self) -> u64 {
        self.newest.saturating_sub(self.view.snapshot.seq())
    }

    /// What decides how the page looks, but for how many changes came since.
    pub(crate) fn stamp(&self, visitor: &Visitor) -> Stamp {
        let (snapshot, now) = (&self.view.snapshot, self.view.now);
        let stamp = Stamp::new(visitor, snapshot.seq(), snapshot.valid_until(now));
        match (self.newer() > 0, self.lost) {
            (false, false) => stamp,
            (newer, lost) => stamp.and(&format!("{newer} {lost}")),
        }
    }
}
