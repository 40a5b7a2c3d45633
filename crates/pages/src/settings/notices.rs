//! `/settings/notices`: where notices go, and what was told.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use parapet_service::notices::{ChannelsSet, Told};

use super::{HERE, places};
use crate::dates::instant;
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::words::{Done, ForVisitor as _, see};
use crate::{PageResult, csv, filters};

/// Notices shown.
const SHOWN: u32 = 50;

/// A notice in a list.
#[derive(Debug)]
struct Row {
    at: String,
    told: Told,
}

#[derive(Debug, Template)]
#[template(path = "settings/notices.html")]
struct View {
    layout: Layout,
    places: Vec<(&'static str, &'static str)>,
    channels: ChannelsSet,
    rows: Vec<Row>,
    busy: bool,
}

/// The page.
pub(crate) async fn show(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(Done { done, format }): Query<Done>,
) -> PageResult {
    let (notices, who) = (state.app.notices(), visitor.principal());
    let told = notices.told(who, SHOWN).await.shown_to(&visitor)?;
    if csv::wanted(&headers, &format) {
        let row = |told: Told| {
            [
                instant(told.at),
                told.channel.to_owned(),
                told.subject,
                told.state.as_str().to_owned(),
                told.error,
            ]
        };
        let rows = told.into_iter().map(row).collect();
        return Ok(csv::short("notices", &["at", "channel", "subject", "state", "error"], rows));
    }
    let mut layout = visitor.layout("Notices", HERE);
    if done == "sent" {
        layout.done =
            "A test notice is on its way by every channel. Below stands whether it arrived.".to_owned();
    }
    Ok(html(&View {
        layout,
        places: places(&visitor),
        channels: notices.channels(who).shown_to(&visitor)?,
        busy: told.iter().any(|told| !told.state.is_final()),
        rows: told.into_iter().map(|told| Row { at: instant(told.at), told }).collect(),
    }))
}

/// Sends a test by every channel.
pub(crate) async fn test(State(state): State<Pages>, visitor: Visitor) -> PageResult {
    state.app.notices().test(visitor.principal()).await.shown_to(&visitor)?;
    see(Link::to("/settings/notices").with("done", "sent"))
}
