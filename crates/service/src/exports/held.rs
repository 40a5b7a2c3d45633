//! Snapshots that exports were promised on, kept until their jobs run. Bounded: what does not fit
//! is made again from the facts as of the promised log position.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::findings::View;

/// Most views held; old blocks of posture stay in memory as long as a view does.
const MAX_HELD: usize = 16;

/// See the module documentation.
#[derive(Debug, Default)]
pub(crate) struct HeldViews(Mutex<VecDeque<(Uuid, View)>>);

impl HeldViews {
    /// Keeps a view for a job; the oldest goes when there are too many.
    pub(crate) fn keep(&self, job: Uuid, view: View) {
        let mut held = self.lock();
        held.push_back((job, view));
        if held.len() > MAX_HELD {
            held.pop_front();
        }
    }

    /// Gives up the view of a job.
    pub(crate) fn take(&self, job: Uuid) -> Option<View> {
        let mut held = self.lock();
        let at = held.iter().position(|(id, _)| *id == job)?;
        held.remove(at).map(|(_, view)| view)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Uuid, View)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
