//! `/assets`: what do I own, and is it covered? Images by repository, tag and digest; containers; hosts.

mod file;
mod rows;
mod view;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect};
use parapet_model::filter::{Field, Op};
use parapet_model::{AssetKind, Filter, Permission, Severity};
use parapet_posture::{AssetSet, Window};
use rows::Shelf;
use serde::Deserialize;
use view::{Assets, Rows, Tab};

pub(crate) use rows::{page_of, short, this};
pub(crate) use view::Bands;

use crate::PageResult;
use crate::csv;
use crate::link::Link;
use crate::parts::{Choice, Empty, Facet, FacetValue, Pager};
use crate::pinned::Held;
use crate::question::{Question, asked, parts};
use crate::ready;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::Visitor;

/// Rows of a page.
const ROWS: usize = 25;
/// Tags of more images are not listed at once.
const MOST_TAGGED: u64 = 50_000;

/// The state of the page.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Params {
    #[serde(rename = "where", default)]
    where_: String,
    /// The last question that could be read; comes with the box only.
    good: Option<String>,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    by: By,
    order: Option<Order>,
    #[serde(default)]
    offset: usize,
    /// Log position to stay at while paging.
    at: Option<u64>,
    #[serde(default)]
    format: String,
}

/// Which assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Image,
    Container,
    Host,
}

impl Kind {
    const ALL: [(Self, &str, &str); 3] = [
        (Self::Image, "", "images"),
        (Self::Container, "container", "containers"),
        (Self::Host, "host", "hosts"),
    ];

    fn of_model(self) -> AssetKind {
        match self {
            Self::Image => AssetKind::Image,
            Self::Container => AssetKind::Container,
            Self::Host => AssetKind::Host,
        }
    }
}

/// What the rows of images are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    #[default]
    Repository,
    Tag,
    Image,
}

impl By {
    const ALL: [(Self, &str, &str); 3] = [
        (Self::Repository, "", "repositories"),
        (Self::Tag, "tag", "tags"),
        (Self::Image, "image", "digests"),
    ];
}

/// In which order they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    Name,
    Images,
    Risk,
    Seen,
    Made,
}

impl Order {
    /// Those of a level; the first is taken when nothing is said.
    fn of(level: Option<By>) -> &'static [(Self, &'static str, &'static str)] {
        match level {
            Some(By::Repository) => &[(Self::Name, "", "name"), (Self::Images, "images", "most images")],
            Some(By::Tag) => &[],
            Some(By::Image) | None => &[
                (Self::Risk, "", "worst first"),
                (Self::Name, "name", "name"),
                (Self::Seen, "seen", "last seen"),
                (Self::Made, "made", "newest"),
            ],
        }
    }
}

impl Params {
    /// The level of the rows; only images have one.
    fn level(&self) -> Option<By> {
        (self.kind == Kind::Image).then_some(self.by)
    }

    fn order(&self) -> Order {
        let orders = Order::of(self.level());
        let chosen = self.order.filter(|order| orders.iter().any(|(known, ..)| known == order));
        chosen.or_else(|| orders.first().map(|(order, ..)| *order)).unwrap_or(Order::Name)
    }

    /// The page with what is chosen, but for the question and the place in the list.
    fn link(&self) -> Link {
        let order = Order::of(self.level()).iter().find(|(order, ..)| *order == self.order());
        Link::to("/assets")
            .with("where", "")
            .with("kind", word(&Kind::ALL, self.kind))
            .with("by", self.level().map_or("", |by| word(&By::ALL, by)))
            .with("order", order.map_or("", |(_, word, _)| word))
    }
}

fn word<T: Copy + PartialEq>(all: &[(T, &'static str, &'static str)], chosen: T) -> &'static str {
    all.iter().find(|(known, ..)| *known == chosen).map_or("", |(_, word, _)| word)
}

/// What stands for a thing: its name, or its id where it has none.
pub(crate) fn text(name: &str, identity: &str) -> String {
    if name.is_empty() { short(identity) } else { name.to_owned() }
}

/// The page.
pub(crate) async fn list(
    State(state): State<Pages>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> PageResult {
    let question = Question::read(&params.where_, params.good.as_deref().unwrap_or_default());
    if params.good.is_some() && question.error.is_none() {
        return Ok(Redirect::to(&asked(&params.link(), &question.filter).to_string()).into_response());
    }
    let held = state.of_lists(params.at);
    if csv::wanted(&headers, &params.format) {
        return Ok(file::download(held.view, visitor, &params, question));
    }
    let stamp = held.stamp(&visitor);
    if let Some(answer) = stamp.unchanged(&headers) {
        return Ok(answer);
    }
    if params.at.is_none() {
        let key = format!("{} {params:?}", visitor.principal().scope().describe());
        state.ready.note(&state.app, key, || list_of(visitor.clone(), params.clone(), question.clone()));
    }
    let page = state.turns.work(move || page(&held, &visitor, &params, &question)).await?;
    Ok(stamp.on(html(&page)))
}

/// Makes the list, to have it made.
fn list_of(visitor: Visitor, params: Params, question: Question) -> ready::Question {
    Arc::new(move |view| {
        page(&Held::alone(view), &visitor, &params, &question);
    })
}

fn page(held: &Held, visitor: &Visitor, params: &Params, question: &Question) -> Assets {
    let view = &held.view;
    let (scope, link) = (visitor.principal().scope(), params.link());
    let here = asked(&link, &question.filter);
    let shelf = Shelf { view, scope: &scope, question, link: &link };
    let sets = Kind::ALL.map(|(kind, ..)| shelf.of_kind(kind.of_model()));
    let [images, containers, hosts] = &sets;
    let shown = match params.kind {
        Kind::Image => images,
        Kind::Container => containers,
        Kind::Host => hosts,
    };
    let tabs = Kind::ALL.iter().zip(&sets).map(|((kind, word, name), set)| Tab {
        name,
        count: set.len(),
        chosen: *kind == params.kind,
        link: here.clone().with("kind", *word).with("by", "").with("order", ""),
    });
    let window = Window { offset: params.offset, limit: ROWS };
    let (rows, on_page, total) = rows(&shelf, params, shown, window);
    let mut layout = visitor.layout("Assets", "/assets");
    layout.data = Some(held.data(&here));
    let paged = held.stay(here.clone());
    let kept = link.parameters().map(|(name, value)| (name, value.to_owned())).collect();
    let levels = match params.level() {
        Some(level) => choices(&By::ALL, level, "by", &here.clone().with("order", "")),
        None => Vec::new(),
    };
    Assets {
        question: question.typed.clone(),
        error: question.error.clone(),
        kept,
        terms: question.terms(&link),
        tabs: tabs.collect(),
        levels,
        orders: choices(Order::of(params.level()), params.order(), "order", &here),
        facets: facets(&shelf, params.kind, shown),
        rows,
        pager: Pager::new(&paged, params.offset, ROWS, on_page, total),
        empty: shown.is_empty().then(|| why_empty(&shelf, visitor, &sets)).flatten(),
        csv: paged.with("format", "csv"),
        findings: asked(&Link::to("/findings"), &of_kind(question, params.kind)),
        layout,
    }
}

/// The question about one kind of assets.
fn of_kind(question: &Question, kind: Kind) -> Filter {
    question.filter.clone().and(Filter::test(Field::Kind, Op::Eq, kind.of_model().as_str().to_owned()))
}

/// The rows of a page, how many there are on it, and in all.
fn rows(shelf: &Shelf<'_>, params: &Params, shown: &AssetSet, window: Window) -> (Rows, usize, usize) {
    let snapshot = &shelf.view.snapshot;
    let now = shelf.view.now;
    match params.level() {
        Some(By::Repository) => {
            let list = shelf.repositories(shown, params.order(), window);
            let registries = shelf.registries(&list.rows);
            let lines: Vec<_> = list.rows.iter().map(|place| shelf.repository(place, &registries)).collect();
            (Rows::Repositories(lines), list.rows.len(), list.total)
        }
        Some(By::Tag) if shown.len() > MOST_TAGGED => (Rows::TooMany(shown.len()), 0, 0),
        Some(By::Tag) => {
            let all = shelf.references(shown);
            let part: Vec<_> = all.iter().skip(window.offset).take(window.limit).collect();
            let numbers: Vec<_> = part.iter().map(|(_, no)| *no).collect();
            let counted = snapshot.bands(&numbers, now).into_iter().zip(snapshot.coverage_words(&numbers));
            let lines: Vec<_> = part
                .iter()
                .zip(counted)
                .filter_map(|((reference, no), (bands, word))| shelf.tag(reference, *no, &bands, word))
                .collect();
            let on_page = lines.len();
            (Rows::Tags(lines), on_page, all.len())
        }
        Some(By::Image) | None => {
            let total = usize::try_from(shown.len()).unwrap_or(usize::MAX);
            let lines = assets(shelf, params, shown, window);
            let on_page = lines.len();
            (Rows::Assets(lines), on_page, total)
        }
    }
}

fn assets(shelf: &Shelf<'_>, params: &Params, shown: &AssetSet, window: Window) -> Vec<view::Asset> {
    let numbers = shelf.sorted(params.kind.of_model(), shown, params.order(), window);
    let snapshot = &shelf.view.snapshot;
    let counted = snapshot.bands(&numbers, shelf.view.now).into_iter().zip(snapshot.coverage_words(&numbers));
    let lines = numbers.iter().zip(counted);
    lines.filter_map(|(no, (bands, word))| shelf.asset(*no, &bands, word)).collect()
}

fn choices<T: Copy + PartialEq>(
    all: &[(T, &'static str, &'static str)],
    chosen: T,
    name: &'static str,
    link: &Link,
) -> Vec<Choice> {
    let choice = |(value, word, shown): &(T, &'static str, &'static str)| Choice {
        name: shown,
        chosen: *value == chosen,
        link: link.clone().with(name, *word),
    };
    all.iter().map(choice).collect()
}

/// Coverage words with how many of the assets shown have them, and what else narrows the question.
fn facets(shelf: &Shelf<'_>, kind: Kind, shown: &AssetSet) -> Vec<Facet> {
    let value = |name: String, count: Option<u64>, term: Filter| {
        let (link, chosen) = shelf.question.toggled(shelf.link, term);
        FacetValue { name, count, chosen, link }
    };
    let of = |field, text: &str| Filter::test(field, Op::Eq, text.to_owned());
    let words = shelf.view.snapshot.coverage_among(shown);
    let coverage = words.into_iter().map(|(word, count)| {
        value(word.as_str().replace('-', " "), Some(count), of(Field::Coverage, word.as_str()))
    });
    let scans = [("scanned", "scanned"), ("failed", "scan failed"), ("not_scanned", "not scanned")];
    let scans = scans.map(|(word, name)| value(name.to_owned(), None, of(Field::Scan, word)));
    let mut facets = vec![
        Facet { name: "Coverage", values: coverage.collect() },
        Facet { name: "Scan", values: scans.into() },
    ];
    if kind == Kind::Container {
        let states = ["RUNNING", "STOPPED", "PAUSED", "CREATED", "UNKNOWN"];
        let states =
            states.map(|state| value(state.to_ascii_lowercase(), None, of(Field::ContainerState, state)));
        facets.push(Facet { name: "State", values: states.into() });
    }
    let worst = [Severity::Critical, Severity::High].map(|band| {
        let term = Filter::test(Field::Severity, Op::Eq, band);
        value(format!("with {} findings", band.as_str()), None, term)
    });
    let kev = value("with known exploited".to_owned(), None, Filter::test(Field::Kev, Op::Eq, true));
    facets.push(Facet { name: "Findings", values: worst.into_iter().chain([kev]).collect() });
    facets
}

/// Why there are no assets of the kind; `None` where others are and nothing was asked.
fn why_empty(shelf: &Shelf<'_>, visitor: &Visitor, sets: &[AssetSet]) -> Option<Empty> {
    /// More terms are not tried one by one.
    const TRIED: usize = 8;
    let terms = parts(&shelf.question.filter);
    if terms.is_empty() {
        let nothing = sets.iter().all(AssetSet::is_empty);
        return nothing.then(|| Empty::NothingScanned { may_begin: visitor.may(Permission::AssetsWrite) });
    }
    let finds = |filter: &Filter| {
        let query = parapet_posture::Query::new(shelf.scope, filter, shelf.view.now);
        !shelf.view.snapshot.asset_numbers(&query).is_empty()
    };
    let all = shelf.question.terms(shelf.link);
    let dead = terms.into_iter().zip(all).take(TRIED).filter(|(part, _)| !finds(part));
    Some(Empty::NothingMatches(dead.map(|(_, term)| term).collect()))
}
