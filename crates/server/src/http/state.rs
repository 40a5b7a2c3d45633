//! What every handler can reach.

use std::sync::Arc;

use parapet_service::App;

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
}
