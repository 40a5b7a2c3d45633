//! What is wrong with it: findings, the most urgent first, each with what brought it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::ControlFlow;

use axum::response::Response;
use parapet_model::finding::Finding as Row;
use parapet_model::{AssetNo, PackageNo, Permission, Risk};
use parapet_posture::AssetSet;
use uuid::Uuid;

use super::view::{Finding, Findings};
use super::{Desk, Params};
use crate::assets::{short, this};
use crate::csv;
use crate::dates::{day, minute};
use crate::link::{self, Link};
use crate::parts::Pager;
use crate::pinned::Held;
use crate::question::Question;
use crate::visitor::Visitor;

/// Rows of a page.
const ROWS: usize = 30;

/// Which layer brought a package, and whether it is one of the container's image.
pub(super) type Brought<'s> = HashMap<PackageNo, (&'s str, Option<AssetNo>)>;

impl<'a> Desk<'a> {
    /// The findings of a question, the most urgent first.
    pub(super) fn findings(&self, question: &Question) -> Vec<Row<'a>> {
        let query = self.query(&question.filter);
        let mut rows: Vec<Row<'a>> = Vec::new();
        let _ = self.view.snapshot.findings(&query, |row| {
            rows.push(*row);
            ControlFlow::Continue(())
        });
        if !self.params.layer.is_empty() {
            let brought = self.brought();
            rows.retain(|row| {
                brought.get(&row.package.no).is_some_and(|(layer, _)| *layer == self.params.layer)
            });
        }
        rows.sort_by_cached_key(|row| (Reverse(Risk::of(row)), row.vulnerability.id.clone(), row.package.no));
        rows
    }

    /// See [`Brought`]; of a package in several layers the lowest.
    pub(super) fn brought(&self) -> Brought<'a> {
        let mut brought = Brought::new();
        for layer in self.view.snapshot.layers_of(self.scope, self.asset.no).unwrap_or_default() {
            for package in layer.packages {
                brought.entry(package).or_insert((layer.layer, layer.image));
            }
        }
        brought
    }
}

pub(super) fn part(desk: &Desk<'_>) -> Findings {
    let question = Question::read(&desk.params.where_, "");
    let link = desk.link().with("where", "").with("layer", desk.params.layer.clone());
    let here = link.clone().with("where", question.text.clone());
    let paged = desk.held.stay(here.clone());
    let all = desk.findings(&question);
    let brought = desk.brought();
    let shown = all.iter().skip(desk.params.offset).take(ROWS);
    let lines: Vec<_> = shown.map(|row| line(desk, row, &brought)).collect();
    let except = this(desk.asset).and(question.filter.clone()).to_string();
    Findings {
        question: question.typed.clone(),
        action: desk.link().to_string(),
        error: question.error.clone(),
        terms: question.terms(&link),
        layer: short(&desk.params.layer),
        all_layers: here.clone().with("layer", ""),
        pager: Pager::new(&paged, desk.params.offset, ROWS, lines.len(), all.len()),
        csv: paged.with("format", "csv"),
        except: desk
            .visitor
            .may(Permission::ExceptionsRequest)
            .then(|| Link::to("/exceptions/new").with("where", except)),
        lines,
    }
}

fn line(desk: &Desk<'_>, row: &Row<'_>, brought: &Brought<'_>) -> Finding {
    let key = &row.package.key;
    let (layer, image) = brought.get(&row.package.no).copied().unwrap_or_default();
    let package = format!("{} {}", key.name, key.version);
    let id = &row.vulnerability.id;
    Finding {
        severity: row.verdict.severity,
        vulnerability: id.clone(),
        link: link::vulnerability(id),
        title: row.vulnerability.title.clone(),
        kev: row.vulnerability.kev_added != 0,
        term: format!("vulnerability = \"{id}\" and package = \"{}\"", key.name),
        state: row.verdict.state.as_str().replace('_', " "),
        fixed: row.verdict.fixed_version.clone(),
        layer: (!layer.is_empty()).then(|| (short(layer), desk.link().with("layer", layer))),
        inherited: image.is_some(),
        exception: row
            .exception
            .map(|exception| (exception.title.clone(), desk.visitor.exception(exception))),
        since: day(row.reopened_at),
        explain: link::explain(desk.asset.uuid, id, key),
        package_link: link::package(key),
        package,
    }
}

const TITLES: &[&str] = &[
    "severity",
    "vulnerability",
    "title",
    "package",
    "version",
    "state",
    "fixed_version",
    "layer",
    "exception",
    "first_found",
    "reopened_at",
];

/// All findings as CSV.
pub(super) fn download(held: Held, visitor: Visitor, params: Params, id: Uuid) -> Response {
    csv::answer("findings", TITLES, move |table| {
        let (view, scope) = (&held.view, visitor.principal().scope());
        let Some(asset) = view.snapshot.asset_by_uuid(&scope, id) else { return Ok(()) };
        let only = AssetSet::from_iter([asset.no.0]);
        let desk =
            Desk { held: &held, view, scope: &scope, visitor: &visitor, params: &params, asset, only: &only };
        let brought = desk.brought();
        desk.findings(&Question::read(&params.where_, "")).iter().try_for_each(|row| {
            let key = &row.package.key;
            let layer = brought.get(&row.package.no).map_or("", |(layer, _)| *layer);
            let exception = row.exception.map_or("", |exception| exception.title.as_str());
            let (first, again) = (minute(row.first_found), minute(row.reopened_at));
            table.row([
                row.verdict.severity.as_str(),
                &row.vulnerability.id,
                &row.vulnerability.title,
                &key.name,
                &key.version,
                row.verdict.state.as_str(),
                &row.verdict.fixed_version,
                layer,
                exception,
                &first,
                &again,
            ])
        })
    })
}
