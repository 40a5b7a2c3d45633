//! What every handler can reach.

use std::sync::Arc;

use axum::extract::FromRef;
use parapet_pages::Pages;
use parapet_service::{App, Turns};

use super::operations::Metrics;
use super::qualys_cs::Limits;
use super::qualys_pc::Calls;

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) app: Arc<App>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) pc_calls: Calls,
    /// Turns at questions to posture.
    pub(crate) turns: Turns,
    /// What pages can reach.
    pub(crate) pages: Pages,
}

impl FromRef<AppState> for Pages {
    fn from_ref(state: &AppState) -> Self {
        state.pages.clone()
    }
}
