//! All rows of a list of assets as CSV.

use axum::response::Response;
use parapet_model::facts::AssetRow;
use parapet_model::{Coverage, Severity};
use parapet_posture::{Bands, Window};
use parapet_service::View;

use super::rows::Shelf;
use super::{By, Params};
use crate::csv;
use crate::dates::minute;
use crate::question::Question;
use crate::visitor::Visitor;

/// Assets counted at once.
const PART: usize = 256;

const REPOSITORY_TITLES: &[&str] = &["repository", "registries", "images", "not_assessed"];
const TAG_TITLES: &[&str] = &["reference", "asset_id", "digest"];
const ASSET_TITLES: &[&str] = &[
    "asset",
    "asset_id",
    "kind",
    "identity",
    "references",
    "distro",
    "coverage",
    "scan",
    "scan_error",
    "critical",
    "high",
    "medium",
    "low",
    "none",
    "unknown",
    "last_observed",
];

/// All rows as CSV.
pub(super) fn download(view: View, visitor: Visitor, params: &Params, question: Question) -> Response {
    let (level, order, link) = (params.level(), params.order(), params.link());
    let kind = params.kind.of_model();
    let scope = visitor.principal().scope();
    match level {
        Some(By::Repository) => csv::answer("repositories", REPOSITORY_TITLES, move |table| {
            let shelf = Shelf { view: &view, scope: &scope, question: &question, link: &link };
            let images = shelf.of_kind(kind);
            let places = shelf.repositories(&images, order, Window::ALL).rows;
            let registries = shelf.registries(&places);
            places.iter().try_for_each(|place| {
                let line = shelf.repository(place, &registries);
                let counts = [line.images.to_string(), line.not_assessed.to_string()];
                table.row([line.name, line.registries.join(" ")].into_iter().chain(counts))
            })
        }),
        Some(By::Tag) => csv::answer("tags", TAG_TITLES, move |table| {
            let shelf = Shelf { view: &view, scope: &scope, question: &question, link: &link };
            shelf.references(&shelf.of_kind(kind)).iter().try_for_each(|(reference, no)| {
                let image = view.snapshot.asset(&scope, *no);
                let cells = image.map(|image| [image.uuid.to_string(), image.identity.clone()]);
                table.row([reference.clone()].into_iter().chain(cells.unwrap_or_default()))
            })
        }),
        Some(By::Image) | None => csv::answer("assets", ASSET_TITLES, move |table| {
            let shelf = Shelf { view: &view, scope: &scope, question: &question, link: &link };
            let all = shelf.of_kind(kind);
            let numbers = shelf.sorted(kind, &all, order, Window::ALL);
            numbers.chunks(PART).try_for_each(|part| {
                let words = view.snapshot.coverage_words(part);
                let counted = view.snapshot.bands(part, view.now).into_iter().zip(words);
                part.iter().zip(counted).try_for_each(|(no, (bands, word))| {
                    let Some(asset) = view.snapshot.asset(&scope, *no) else { return Ok(()) };
                    table.row(cells(asset, &bands, word))
                })
            })
        }),
    }
}

fn cells(asset: &AssetRow, bands: &Bands, word: Coverage) -> Vec<String> {
    let current = asset.references.iter().filter(|row| row.held.is_open());
    let references: Vec<String> = current.map(|row| row.reference.to_string()).collect();
    let mut cells = vec![
        asset.name.clone(),
        asset.uuid.to_string(),
        asset.kind.as_str().to_owned(),
        asset.identity.clone(),
        references.join(" "),
        asset.distro.clone(),
        word.as_str().to_owned(),
        asset.scan.as_str().to_owned(),
        asset.scan_error.clone(),
    ];
    cells.extend(Severity::WORST_FIRST.map(|band| bands[band as usize].to_string()));
    cells.push(minute(asset.observed));
    cells
}
