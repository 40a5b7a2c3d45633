//! The writer's side: changes in, snapshots out.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use parapet_model::facts::Change;

use crate::data::Data;
use crate::snapshot::Snapshot;

/// The read model of one store. Readers take a [`Snapshot`] and are never blocked; writers take
/// turns.
#[derive(Debug)]
pub struct Posture {
    current: ArcSwap<Snapshot>,
    data: Mutex<Data>,
}

impl Default for Posture {
    fn default() -> Self {
        Self::new()
    }
}

impl Posture {
    /// An empty posture.
    pub fn new() -> Self {
        Self { current: ArcSwap::from_pointee(Snapshot::new(Data::default())), data: Mutex::default() }
    }

    /// The posture of facts that come in parts; each subject in one of them, and what is named before
    /// what names it costs least. Takes them in one after the other, so that nobody has to hold all.
    pub fn of(parts: impl IntoIterator<Item = Change>) -> Self {
        let mut data = Data::default();
        data.fill(parts);
        Self { current: ArcSwap::from_pointee(Snapshot::new(data.clone())), data: Mutex::new(data) }
    }

    /// Takes a change in and publishes the snapshot after it. Merges the changed assets into blocks
    /// when there are too many of them: most calls take microseconds, one in thousands as long as
    /// [`Posture::merge`].
    pub fn apply(&self, change: Change) {
        let mut data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        data.apply(change);
        if data.assets.merge_due() {
            data.assets.merge();
        }
        self.current.store(Arc::new(Snapshot::new(data.clone())));
    }

    /// Whether enough assets changed that merging them at a quiet moment spares a later
    /// [`Posture::apply`] the work.
    pub fn merge_due(&self) -> bool {
        self.data.lock().unwrap_or_else(PoisonError::into_inner).assets.merge_wise()
    }

    /// Moves all changed assets and sets into blocks. Changes no answer.
    pub fn merge(&self) {
        let mut data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        data.assets.merge();
        data.sets.merge();
        self.current.store(Arc::new(Snapshot::new(data.clone())));
    }

    /// The present state. It stays as it is for as long as it is held.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }
}
