//! Recent states of posture, by log position, so that somebody who pages through a list stays in the
//! state in which they began: rows do not jump and totals are exact.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use parapet_posture::Snapshot;

/// States kept. They share all that did not change between them.
const KEPT: usize = 16;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pinned(Arc<Mutex<VecDeque<Arc<Snapshot>>>>);

impl Pinned {
    /// The state at a position, if it is still kept.
    pub(crate) fn at(&self, seq: u64) -> Option<Arc<Snapshot>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|snapshot| snapshot.seq() == seq).cloned()
    }

    /// Keeps a state.
    pub(crate) fn keep(&self, snapshot: &Arc<Snapshot>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.iter().any(|known| known.seq() == snapshot.seq()) {
            return;
        }
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(Arc::clone(snapshot));
    }
}
