//! Completion of the filter language.

use axum::Json;
use axum::extract::{Query, State};
use parapet_model::filter::{Field, completions};
use serde::{Deserialize, Serialize};

use crate::state::Pages;

/// Most ways to go on that are told.
const MOST: usize = 50;
/// Longest text that is completed, in bytes.
const LONGEST: usize = 8192;

/// What was typed so far, up to the caret.
#[derive(Debug, Deserialize)]
pub(crate) struct Typed {
    #[serde(default)]
    text: String,
}

/// One way to go on.
#[derive(Debug, Serialize)]
pub(crate) struct Way {
    /// Characters of the text that stay.
    from: usize,
    /// What comes in place of the rest.
    text: String,
    /// One line about it.
    help: &'static str,
}

/// Ways to go on.
pub(crate) async fn complete(
    State(state): State<Pages>,
    Query(Typed { text }): Query<Typed>,
) -> Json<Vec<Way>> {
    if text.len() > LONGEST {
        return Json(Vec::new());
    }
    let snapshot = state.app.live().snapshot();
    let values = |field| match field {
        Field::Ecosystem => snapshot.ecosystems_seen().into_iter().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let found = completions(&text, &values).into_iter().take(MOST);
    Json(found.map(|way| Way { from: way.from, text: way.text, help: way.help }).collect())
}
