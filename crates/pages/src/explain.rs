//! `/findings/explain`: why is this finding there, or not?

use askama::Template;
use axum::extract::{Query, State};
use parapet_model::Permission;
use parapet_service::explain::{Covered, Evidence, Explained, Said};
use serde::Deserialize;
use uuid::Uuid;

use crate::PageResult;
use crate::filters;
use crate::layout::Layout;
use crate::link::{self, Link};
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;

/// Which finding.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    asset: Uuid,
    vulnerability: String,
    #[serde(default)]
    package: String,
}

#[derive(Debug, Template)]
#[template(path = "explain.html")]
struct ExplainPage {
    layout: Layout,
    finding: Explained,
    asset: Link,
    vulnerability: Link,
    timeline: Vec<Event>,
    /// Where an exception of it begins; `None` without the right.
    except: Option<Link>,
    may_see_exceptions: bool,
}

/// Something that happened to the finding.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    at: String,
    what: String,
}

/// The page.
pub(crate) async fn page(
    State(state): State<Pages>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> PageResult {
    let package = Some(params.package.trim()).filter(|name| !name.is_empty());
    let explained = state
        .app
        .findings()
        .explain(visitor.principal(), params.asset, params.vulnerability.trim(), package, None)
        .await;
    let finding = explained.map_err(|error| crate::PageError::from(error).to(&visitor))?;
    let may_except = finding.open && visitor.may(Permission::ExceptionsRequest);
    let except = may_except.then(|| {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let term =
            format!("asset_id = {} and vulnerability = {}", params.asset, quoted(&finding.vulnerability));
        Link::to("/exceptions/new").with("where", term)
    });
    Ok(html(&ExplainPage {
        layout: visitor.layout("Why", "/findings"),
        asset: link::asset(params.asset),
        vulnerability: link::vulnerability(&finding.vulnerability),
        timeline: timeline(&finding),
        except,
        may_see_exceptions: visitor.may(Permission::ExceptionsRead),
        finding,
    }))
}

/// What is known to have happened, earliest first.
fn timeline(finding: &Explained) -> Vec<Event> {
    let mut events = Vec::new();
    let mut add = |at: &str, what: String| {
        if !at.is_empty() {
            events.push(Event { at: at.to_owned(), what });
        }
    };
    for Evidence { database, from, to, .. } in &finding.evidence {
        add(from, format!("The asset shows the package ({database})"));
        add(to, format!("The asset shows the package no longer ({database})"));
    }
    for Said { advisory, state, from, to, closed, .. } in &finding.statements {
        let state = state.replace('_', " ");
        add(from, format!("{advisory} says {state}"));
        add(to, format!("{advisory} no longer says {state}: {}", closed.replace('_', " ")));
    }
    add(&finding.first_found, "First found on the asset".to_owned());
    if finding.reopened_at != finding.first_found {
        add(&finding.reopened_at, "Found again on the asset".to_owned());
    }
    for Covered { title, standing, end, .. } in &finding.exceptions {
        let what = match *standing {
            "hides" | "also_holds" => "The exception ends",
            "expired" => "The exception ended",
            _ => continue,
        };
        add(end, format!("{what}: {title}"));
    }
    events.sort();
    events.dedup();
    events
}
