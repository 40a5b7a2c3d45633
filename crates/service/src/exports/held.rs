//! Snapshots that exports were promised on, kept until their jobs run. Bounded: what does not fit
//! is made again from the facts as of the promised log position.
//!
//! Making one again takes as long as a start, so many exports that wait for their turn are held; what
//! costs memory is how many different snapshots there are.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::findings::View;

/// Most views held.
const MAX_HELD: usize = 1024;
/// Most different snapshots among them; old blocks of posture stay in memory as long as one does.
const MAX_SNAPSHOTS: usize = 64;

/// See the module documentation.
#[derive(Debug, Default)]
pub(crate) struct HeldViews(Mutex<VecDeque<(Uuid, View)>>);

impl HeldViews {
    /// Keeps a view for a job; the oldest goes when there are too many.
    pub(crate) fn keep(&self, job: Uuid, view: View) {
        let mut held = self.lock();
        held.push_back((job, view));
        while held.len() > MAX_HELD || snapshots(&held) > MAX_SNAPSHOTS {
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

/// How many different snapshots there are. Equal ones lie beside each other, for they come in the order of
/// time.
fn snapshots(held: &VecDeque<(Uuid, View)>) -> usize {
    let mut changes = 0;
    for (before, after) in held.iter().zip(held.iter().skip(1)) {
        changes += usize::from(!Arc::ptr_eq(&before.1.snapshot, &after.1.snapshot));
    }
    changes + usize::from(!held.is_empty())
}
