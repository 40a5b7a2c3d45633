//! What the client takes from its surroundings: the time, waiting, and names. All three are
//! parameters, so that a test can hold them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parapet_model::{Clock, SystemClock};

use crate::names::{Names, SystemNames};

/// Waiting between attempts.
pub trait Pause: Send + Sync + std::fmt::Debug {
    /// Ready after `duration`.
    fn pause(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// Waits on the runtime's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioPause;

impl Pause for TokioPause {
    fn pause(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// What the client takes from its surroundings.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Tells when tokens run out.
    pub clock: Arc<dyn Clock>,
    /// Waits before another attempt.
    pub pause: Arc<dyn Pause>,
    /// Turns names into addresses.
    pub names: Arc<dyn Names>,
}

impl Environment {
    /// The machine's own clock, timer and resolver.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), pause: Arc::new(TokioPause), names: Arc::new(SystemNames) }
    }
}
