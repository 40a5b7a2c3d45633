//! `/findings`: which risks match this question?
//!
//! | module | holds |
//! |---|---|
//! | `params` | the state of the page, as it stands in the address |
//! | `rows`, `download` | the rows in each way to group them, on the page and as CSV |
//! | `facets`, `empty` | what narrows the question; why it finds nothing |
//! | `changes` | the page between two instants |
//! | `past` | the page while a past day is worked out |

mod changes;
mod download;
mod empty;
mod facets;
mod params;
mod past;
mod rows;
mod view;

pub(crate) use empty::nothing_scanned;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect};
use params::{Group, Params, Part};
use parapet_model::filter::{Field, Op};
use parapet_model::time::format_rfc3339;
use parapet_model::{Filter, Millis, Permission, Principal};
use parapet_posture::{Query as Asked, Snapshot};
use view::{Findings, Rows, Total};

use crate::csv;
use crate::layout::DataState;
use crate::link::Link;
use crate::parts::{Choice, Pager};
use crate::past::instant;
use crate::pinned::Held;
use crate::question::{Question, asked};
use crate::ready;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;
use crate::{PageError, PageResult};

/// Rows of a page.
const ROWS: usize = 40;
/// In estates with more assets, what is counted over all of them comes after the page.
const LARGE: u64 = 20_000;

/// The page.
pub(crate) async fn list(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let question = Question::read(&params.where_, params.good.as_deref().unwrap_or_default());
    let link = params.link();
    if params.good.is_some() && question.error.is_none() {
        return Ok(Redirect::to(&asked(&link, &question.filter).to_string()).into_response());
    }
    let dated = |name: &str, text: &str| instant(name, text).map_err(|error| error.to(&visitor));
    let (as_of, from) = (dated("as_of", &params.as_of)?, dated("from", &params.from)?);
    let to = dated("to", &params.to)?;
    let held = state.of_lists(params.at);
    let stamp = held.stamp(&visitor);
    if let Some(answer) = stamp.unchanged(&headers) {
        return Ok(answer);
    }
    let file = csv::wanted(&headers, &params.format);
    let past = [as_of, from, to].into_iter().flatten().filter(|_| !file);
    for at in past.filter(|at| state.past.takes_long(&state.app, *at)) {
        let made = params.part == Part::Past
            && state.past.is_made_soon(&state, at).await.map_err(|error| error.to(&visitor))?;
        if !made {
            return Ok(html(&past::page(&visitor, &params, &question, at)));
        }
    }
    if from.is_some() || to.is_some() {
        let page = changes::page(&state, &visitor, file, &params, question, (from, to), held).await;
        return page.map(|page| stamp.on(page)).map_err(|error| error.to(&visitor));
    }
    let asking = match as_of {
        Some(at) => {
            let view = state.past.view(&state, at).await.map_err(|error| error.to(&visitor))?;
            Asking { as_of, held: held.of(view) }
        }
        None => Asking { as_of, held },
    };
    if file {
        return Ok(download::answer(asking.held.view, visitor, &params, question));
    }
    if as_of.is_none() && params.at.is_none() {
        let key = format!("{} {params:?}", visitor.principal().scope().describe());
        state.ready.note(&state.app, key, || list_of(visitor.clone(), params.clone(), question.clone()));
    }
    let page = state.turns.work(move || page(&asking, &visitor, &params, &question)).await?;
    Ok(stamp.on(html(&page)))
}

/// Makes the list, to have it made.
fn list_of(visitor: Visitor, params: Params, question: Question) -> ready::Question {
    Arc::new(move |view| {
        let asking = Asking { held: Held::alone(view), as_of: None };
        page(&asking, &visitor, &params, &question);
    })
}

/// The lists that everybody begins with.
pub(crate) fn usual(who: &Principal) -> Vec<ready::Question> {
    let visitor = Visitor::nobody(who);
    let list = |group, part| {
        list_of(visitor.clone(), Params { group, part, ..Params::default() }, Question::read("", ""))
    };
    let groups = Group::ALL.map(|(group, ..)| list(group, Part::None));
    groups.into_iter().chain([list(Group::Vulnerability, Part::Counts)]).collect()
}

/// Where an exception of the chosen rows begins: the question and any of their terms.
pub(crate) async fn except(visitor: Visitor, Query(fields): Query<Vec<(String, String)>>) -> PageResult {
    let of = |name: &'static str| fields.iter().filter(move |(known, _)| known == name).map(|(_, v)| v);
    let read = |text: &String| {
        Filter::parse(text).map_err(|error| PageError::invalid(error.to_string()).to(&visitor))
    };
    let question = of("where").next().map(read).transpose()?.unwrap_or_default();
    let mut rows = of("row").map(read).collect::<Result<Vec<Filter>, _>>()?;
    let chosen = match rows.len() {
        0 => Filter::All,
        1 => rows.remove(0),
        _ => Filter::Or(rows),
    };
    let link = asked(&Link::to("/exceptions/new"), &question.and(chosen));
    Ok(Redirect::to(&link.to_string()).into_response())
}

/// A state of now or of the past.
struct Asking {
    held: Held,
    /// The past instant that was asked for.
    as_of: Option<Millis>,
}

fn page(asking: &Asking, visitor: &Visitor, params: &Params, question: &Question) -> Findings {
    let (snapshot, now) = (asking.held.view.snapshot.as_ref(), asking.held.view.now);
    let scope = visitor.principal().scope();
    let query = Asked::new(&scope, &question.filter, now);
    let link = params.link();
    let here = asked(&link, &question.filter);
    let paged = match asking.as_of {
        Some(_) => here.clone(),
        None => asking.held.stay(here.clone()),
    };
    let this = match params.offset {
        0 => paged.clone(),
        offset => paged.clone().with("offset", offset.to_string()),
    };
    let is_large = is_large(snapshot, &query);
    let later =
        |part: Part, word: &str| (is_large && params.part != part).then(|| this.clone().with("part", word));
    let counts_later = later(Part::Counts, "counts");
    let counts = counts_later.is_none().then(|| snapshot.facets(&query));
    let rows_later = match params.group {
        Group::Package | Group::Fix => later(Part::Rows, "rows"),
        Group::Vulnerability | Group::Asset => None,
    };
    let (rows, total) = match &rows_later {
        Some(_) => (Rows::Later, 0),
        None => rows::rows(snapshot, &query, params, question, &link),
    };
    let shown = rows.len();
    let empty = (total == 0 && rows_later.is_none())
        .then(|| empty::why(snapshot, visitor, question, params.group, &link, now));
    let may = |permission| visitor.may(permission);
    Findings {
        layout: layout(visitor, question, asking, &here),
        error: question.error.clone(),
        terms: question.terms(&link),
        facets: facets::facets(question, &link, counts.as_ref()),
        totals: match &counts {
            Some(counts) => facets::totals(counts),
            None => few_totals(snapshot, &query),
        },
        groups: choices(&Group::ALL, params.group, "group", &here.clone().with("order", "")),
        orders: choices(params.group.orders(), params.order, "order", &here),
        group: params.group.explained(),
        rows,
        pager: Pager::new(&paged, params.offset, ROWS, shown, total),
        empty,
        as_of: asking.as_of.map(format_rfc3339),
        dates: Link::to("/findings").with("where", question.text.clone()).with("group", {
            let word = Group::ALL.iter().find(|(group, ..)| *group == params.group);
            word.map_or("", |(_, word, _)| *word)
        }),
        present: here.clone().with("as_of", ""),
        past_part: params.part == Part::Past,
        counts_part: is_large && params.part == Part::Counts,
        counts_later,
        rows_part: is_large && params.part == Part::Rows,
        rows_later,
        csv: paged.with("format", "csv"),
        // Exports and exceptions are of the present.
        export: (may(Permission::ExportsCreate) && asking.as_of.is_none())
            .then(|| Link::to("/exports/new").with("where", question.text.clone())),
        except: (may(Permission::ExceptionsRequest) && asking.as_of.is_none())
            .then(|| Link::to("/exceptions/new").with("where", question.text.clone())),
        question: question.text.clone(),
    }
}

fn layout(visitor: &Visitor, question: &Question, asking: &Asking, here: &Link) -> crate::layout::Layout {
    let mut layout = visitor.layout("Findings", "/findings");
    layout.question = question.typed.clone();
    layout.good = question.text.clone();
    layout.data = Some(match asking.as_of {
        Some(at) => DataState { of: format_rfc3339(at), ..DataState::default() },
        None => asking.held.data(here),
    });
    layout
}

/// Whether counting over all assets takes too long for a page.
fn is_large(snapshot: &Snapshot, query: &Asked<'_>) -> bool {
    snapshot.asset_numbers(&Asked { filter: &Filter::All, ..*query }).len() > LARGE
}

/// What is known without counting findings.
fn few_totals(snapshot: &Snapshot, query: &Asked<'_>) -> Vec<Total> {
    vec![
        Total::of(snapshot.vulnerabilities_found(query).len() as u64, "vulnerability"),
        Total::of(snapshot.asset_numbers(query).len(), "asset"),
    ]
}

fn choices<T: Copy + PartialEq>(
    all: &[(T, &str, &'static str)],
    chosen: T,
    name: &'static str,
    link: &Link,
) -> Vec<Choice> {
    let known = all.iter().any(|(value, ..)| *value == chosen);
    let choice = |(at, (value, word, shown)): (usize, &(T, &str, &'static str))| Choice {
        name: shown,
        // What cannot be chosen here is the first choice.
        chosen: *value == chosen || (!known && at == 0),
        link: link.clone().with(name, *word),
    };
    all.iter().enumerate().map(choice).collect()
}

/// A question with a fix to install.
fn with_fix(filter: &Filter) -> Filter {
    let fixable = Filter::test(Field::Fixable, Op::Eq, true);
    if crate::question::parts(filter).contains(&&fixable) {
        filter.clone()
    } else {
        filter.clone().and(fixable)
    }
}

impl Group {
    /// What a row means, in one sentence.
    fn explained(self) -> &'static str {
        match self {
            Self::Vulnerability => "A row is a vulnerability. The most urgent come first.",
            Self::Asset => "A row is an image, a container or a host.",
            Self::Package => "A row is a package of one ecosystem, in all its versions.",
            Self::Fix => {
                "A row is one upgrade: all packages built from one source, brought to the version that \
                 holds every known fix, and what goes away with it."
            }
        }
    }
}
