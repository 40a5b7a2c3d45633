//! The state of posture that pages about all assets show (decision record 0023).
//!
//! In a small estate that is the newest. In a large one every change makes lists anew, which takes seconds, and
//! while something is imported there is a change many times a second. There they show the newest state for which
//! the lists that people look at were made beforehand, a few seconds old while changes come one after the other;
//! the foot says of when it is and how much came since. Whoever sends a form sees its effect at once.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use parapet_posture::Snapshot;
use parapet_service::{App, View};

/// Lists that are made beforehand, those that were asked for last.
const MOST: usize = 24;
/// How long after it was asked for a list is made beforehand.
const WANTED: Duration = Duration::from_secs(300);
/// How many times as long as it works it rests, while somebody looks at lists and while nobody does.
const REST: u32 = 3;
const LONG_REST: u32 = 30;
/// The shortest rest.
const SHORTEST: Duration = Duration::from_millis(100);

/// Makes a list of a state, to have it made.
pub(crate) type Question = Arc<dyn Fn(&View) + Send + Sync>;

/// See the module.
#[derive(Clone)]
pub(crate) struct Ready(Arc<Shared>);

struct Shared {
    /// In estates with more assets lists are made beforehand.
    large: u64,
    state: Mutex<State>,
    /// Log position up to which forms changed something.
    written: AtomicU64,
}

#[derive(Default)]
struct State {
    /// The state for which lists are made.
    snapshot: Option<Arc<Snapshot>>,
    /// The newest state of that moment: that one may have no change since and yet be another.
    seq: u64,
    /// What was asked, by whom and when; the last one stands last.
    asked: VecDeque<(String, Instant, Question)>,
}

impl Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ready").finish_non_exhaustive()
    }
}

impl Ready {
    /// Lists are made beforehand of estates with more than so many assets.
    pub(crate) fn new(large: u64) -> Self {
        Self(Arc::new(Shared { large, state: Mutex::default(), written: AtomicU64::default() }))
    }

    /// The state to show: one for which lists are made, unless it is older than what a form wrote.
    pub(crate) fn snapshot(&self, app: &App) -> Arc<Snapshot> {
        let live = app.live().snapshot();
        let state = self.lock();
        match &state.snapshot {
            Some(ready) if ready.seq() >= self.0.written.load(Ordering::Acquire) && self.is_large(&live) => {
                Arc::clone(ready)
            }
            _ => live,
        }
    }

    /// A form changed something, up to this log position.
    pub(crate) fn written(&self, seq: u64) {
        self.0.written.fetch_max(seq, Ordering::AcqRel);
    }

    /// Somebody looks at a list; `key` is what and who.
    pub(crate) fn note(&self, app: &App, key: String, question: impl FnOnce() -> Question) {
        if !self.is_large(&app.live().snapshot()) {
            return;
        }
        let mut state = self.lock();
        let known = state.asked.iter().position(|(known, ..)| *known == key);
        let question = match known.and_then(|place| state.asked.remove(place)) {
            Some((.., question)) => question,
            None => question(),
        };
        if state.asked.len() == MOST {
            state.asked.pop_front();
        }
        state.asked.push_back((key, Instant::now(), question));
    }

    /// Whether there is a newer state than the one for which lists are made.
    pub(crate) fn is_behind(&self, app: &App) -> bool {
        let live = app.live().snapshot();
        self.is_large(&live) && self.lock().seq != live.seq()
    }

    /// Makes lists of the newest state, those of `always` too, and shows it from then on.
    pub(crate) fn advance(&self, app: &App, always: &[Question]) {
        let (live, now) = (app.live().snapshot(), app.now());
        if self.lock().snapshot.is_none() {
            // After a start pages show this very state until all of it is made, so the lists come first.
            let view = View { snapshot: Arc::clone(&live), now };
            always.iter().for_each(|question| question(&view));
        }
        // What is made of the newest state anyway is made once.
        live.refresh(now);
        let view = View { snapshot: Arc::new(live.apart()), now };
        view.snapshot.refresh(now);
        let asked: Vec<Question> = {
            let mut state = self.lock();
            state.asked.retain(|(_, at, _)| at.elapsed() < WANTED);
            state.asked.iter().map(|(.., question)| Arc::clone(question)).collect()
        };
        always.iter().chain(&asked).for_each(|question| question(&view));
        let mut state = self.lock();
        (state.snapshot, state.seq) = (Some(view.snapshot), live.seq());
    }

    /// How long to rest after so much work.
    pub(crate) fn rest(&self, worked: Duration) -> Duration {
        let times = if self.lock().asked.is_empty() { LONG_REST } else { REST };
        (worked * times).max(SHORTEST)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_large(&self, snapshot: &Snapshot) -> bool {
        snapshot.assets_held() > self.0.large
    }
}
