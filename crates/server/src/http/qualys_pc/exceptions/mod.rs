//! `/api/2.0/fo/compliance/exception/` (contract 1): five actions on one path.

mod list;
mod write;

use axum::extract::State;
use axum::response::Response;
use parapet_model::FOREVER;
use parapet_model::lifecycle::Standing;
use parapet_model::time::{Millis, format_seconds, start_of_day};

use super::error::PcError;
use super::params::Call;
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// The states as this wire writes them; compared without case.
const STATES: [&str; 4] = ["Pending", "Approved", "Rejected", "Expired"];

/// Every action.
pub(super) async fn exceptions(
    State(state): State<AppState>,
    caller: Caller,
    call: Call,
) -> Result<Response, PcError> {
    match call.word("action", &["list", "request", "create", "update", "delete"])? {
        Some("list") => list::list(&state, &caller, &call).await,
        Some("request" | "create") => write::request(&state, &caller, &call).await,
        Some("update") => write::update(&state, &caller, &call).await,
        Some(_) => write::delete(&state, &caller, &call).await,
        None => Err(PcError::missing("action")),
    }
}

/// A state as this wire writes it.
pub(super) const fn state_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Pending => "Pending",
        Standing::Approved => "Approved",
        Standing::Rejected => "Rejected",
        Standing::Expired | Standing::Ended => "Expired",
    }
}

/// The last day of an exception: its date, at midnight.
fn expiration_date(end: Millis) -> String {
    match end {
        FOREVER => "N/A".to_owned(),
        end => format_seconds(start_of_day(end - 1)),
    }
}
