//! `/assets/{id}`: what is wrong with this one, and who brought it?

mod acts;
mod compare;
mod findings;
mod header;
mod history;
mod made_of;
mod view;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use parapet_model::exception::Exception;
use parapet_model::facts::AssetRow;
use parapet_model::{AssetKind, Filter, Permission, Scope};
use parapet_posture::{AssetSet, Query as Asked};
use parapet_service::View;
use serde::Deserialize;
use uuid::Uuid;
use view::{AssetPage, Part};

pub(crate) use acts::{delete, scan};

use crate::assets::{page_of, text};
use crate::link::Link;
use crate::parts::Choice;
use crate::pinned::Held;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::{PageError, PageResult, csv};

/// The state of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    show: Show,
    /// Question to the findings.
    #[serde(rename = "where", default)]
    where_: String,
    /// Digest of the layer whose findings are shown.
    #[serde(default)]
    layer: String,
    /// Id of the asset to lay beside it.
    #[serde(default)]
    compare: String,
    #[serde(default)]
    offset: usize,
    /// Log position to stay at while paging.
    at: Option<u64>,
    #[serde(default)]
    format: String,
    /// What was done just now.
    done: Option<Done>,
}

/// The parts of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Show {
    #[default]
    Findings,
    Plan,
    Layers,
    Exceptions,
    History,
    Containers,
    Compare,
}

impl Show {
    const ALL: [(Self, &str, &str); 7] = [
        (Self::Findings, "", "findings"),
        (Self::Plan, "plan", "fix plan"),
        (Self::Layers, "layers", "layers"),
        (Self::Exceptions, "exceptions", "exceptions"),
        (Self::History, "history", "history"),
        (Self::Containers, "containers", "containers"),
        (Self::Compare, "compare", "compare"),
    ];
}

/// Something done.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    /// A scan was asked for.
    Scan,
}

/// What every part needs.
struct Desk<'a> {
    held: &'a Held,
    view: &'a View,
    scope: &'a Scope,
    visitor: &'a Visitor,
    params: &'a Params,
    asset: &'a AssetRow,
    /// The asset alone.
    only: &'a AssetSet,
}

impl Desk<'_> {
    /// The page.
    fn link(&self) -> Link {
        page_of(self.asset)
    }

    /// A question about the asset alone.
    fn query<'q>(&'q self, filter: &'q Filter) -> Asked<'q> {
        Asked { within: Some(self.only), ..self.view.query(self.scope, filter) }
    }
}

/// The page.
pub(crate) async fn show(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(mut params): Query<Params>,
) -> PageResult {
    let held = state.newest(params.at);
    let unknown = || PageError::not_found("asset");
    let id = Uuid::try_parse(&id).map_err(|_| unknown().to(&visitor))?;
    // `?compare=` alone is the comparison.
    if !params.compare.is_empty() {
        params.show = Show::Compare;
    }
    let scope = visitor.principal().scope();
    if held.view.snapshot.asset_by_uuid(&scope, id).is_none() {
        return Err(unknown().to(&visitor));
    }
    if csv::wanted(&headers, &params.format) {
        return Ok(findings::download(held, visitor, params, id));
    }
    let stamp = held.stamp(&visitor);
    if let Some(answer) = stamp.unchanged(&headers) {
        return Ok(answer);
    }
    let exceptions = match params.show {
        Show::Exceptions if visitor.may(Permission::ExceptionsRead) => {
            Some(state.app.exceptions().of_asset(visitor.principal(), id).await?)
        }
        _ => None,
    };
    let page = state.turns.work(move || page(&held, &visitor, &params, id, exceptions)).await??;
    Ok::<Response, PageError>(stamp.on(html(&page)))
}

fn page(
    held: &Held,
    visitor: &Visitor,
    params: &Params,
    id: Uuid,
    exceptions: Option<Vec<Exception>>,
) -> Result<AssetPage, PageError> {
    let (view, scope) = (&held.view, visitor.principal().scope());
    let asset = view.snapshot.asset_by_uuid(&scope, id).ok_or_else(|| PageError::not_found("asset"))?;
    let only = AssetSet::from_iter([asset.no.0]);
    let desk = Desk { held, view, scope: &scope, visitor, params, asset, only: &only };
    let part = match params.show {
        Show::Findings => Part::Findings(Box::new(findings::part(&desk))),
        Show::Plan => Part::Plan(made_of::plan(&desk)),
        Show::Layers => Part::Layers(made_of::layers(&desk)),
        Show::Exceptions => Part::Exceptions(exceptions.map(|all| history::exceptions(&desk, &all))),
        Show::History => Part::History(history::history(&desk)),
        Show::Containers => {
            let (lines, total) = history::containers(&desk);
            Part::Containers(lines, total)
        }
        Show::Compare => Part::Compare(Box::new(compare::part(&desk))),
    };
    let mut layout = visitor.layout(&text(&asset.name, &asset.identity), "/assets");
    layout.data = Some(held.data(&desk.link()));
    if matches!(params.done, Some(Done::Scan)) {
        "The scan was asked for; what it finds is shown here when it is done.".clone_into(&mut layout.done);
    }
    let tabs = Show::ALL.iter().filter(|(show, ..)| match show {
        Show::Layers => asset.kind != AssetKind::Host,
        Show::Containers => asset.kind == AssetKind::Image,
        _ => true,
    });
    let tabs = tabs.map(|(show, word, name)| Choice {
        name,
        chosen: *show == params.show,
        link: desk.link().with("show", *word),
    });
    Ok(header::page(&desk, layout, tabs.collect(), part))
}
