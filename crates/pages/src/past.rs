//! Past states of posture that somebody looks at. Making one takes as long as a start of the server, so a
//! few are kept; what is of today in them (titles, scores, coverage) is of the day they were made.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parapet_model::Millis;
use parapet_model::time::parse_instant;
use parapet_service::{App, PastInstant, View};

use crate::error::PageError;

/// States kept. Each may be as large as the present one.
const KEPT: usize = 2;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct PastViews(Arc<Mutex<VecDeque<(Millis, View)>>>);

impl PastViews {
    /// The state as it was known at an instant.
    pub(crate) async fn view(&self, app: &App, at: Millis) -> Result<View, PageError> {
        if let Some((_, view)) = self.lock().iter().find(|(known, _)| *known == at) {
            return Ok(view.clone());
        }
        let view = app.findings().view(Some(PastInstant { at, hindsight: false }), None).await?;
        let mut kept = self.lock();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back((at, view.clone()));
        Ok(view)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Millis, View)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads an instant or a day; nothing when nothing was given.
pub(crate) fn instant(name: &str, text: &str) -> Result<Option<Millis>, PageError> {
    match text.trim() {
        "" => Ok(None),
        text => parse_instant(text).map(Some).ok_or_else(|| {
            PageError::invalid(format!(
                "{name} is a day such as 2026-11-02 or an RFC 3339 instant, not {text:?}"
            ))
        }),
    }
}
