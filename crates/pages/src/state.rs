//! What pages can reach.

use std::sync::Arc;

use parapet_service::{App, Turns};

use crate::pinned::Pinned;

/// Shared by all pages; cheap to clone.
#[derive(Debug, Clone)]
pub struct Pages {
    pub(crate) app: Arc<App>,
    /// Turns at questions to posture.
    pub(crate) turns: Turns,
    /// States of posture that somebody pages through.
    pub(crate) pinned: Pinned,
}

impl Pages {
    /// Pages over an application; `turns` are those of all questions to it.
    pub fn new(app: Arc<App>, turns: Turns) -> Self {
        Self { app, turns, pinned: Pinned::default() }
    }
}
