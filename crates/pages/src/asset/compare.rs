//! The asset beside another one: findings only here, only there, and on both. An upgrade that stays
//! vulnerable is on both: rows are vulnerability × name of the package.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use parapet_model::facts::AssetRow;
use parapet_model::filter::{Field, Op};
use parapet_model::{AssetKind, Filter, Severity};
use parapet_posture::{AssetSet, AssetSort, Query, Window};
use uuid::Uuid;

use super::Desk;
use super::view::{Compare, Compared};
use crate::assets::{page_of, short, text};
use crate::link::Link;

/// Rows of each list.
const MOST: usize = 100;
/// Assets that are offered.
const NEAR: usize = 8;

/// By id of the vulnerability and name of the package: severity and version.
type Side = BTreeMap<(String, String), (Severity, String)>;

pub(super) fn part(desk: &Desk<'_>) -> Compare {
    let typed = desk.params.compare.trim();
    let other = Uuid::try_parse(typed).ok().and_then(|id| desk.view.snapshot.asset_by_uuid(desk.scope, id));
    let problem = match other {
        None if !typed.is_empty() => "There is no asset with this id here that you may see.",
        _ => "",
    };
    let lists = other.map_or_else(Vec::new, |other| {
        let (here, there) = (side(desk, desk.asset), side(desk, other));
        let only = |mine: &Side, theirs: &Side| {
            rows(mine.iter().filter(|(key, _)| !theirs.contains_key(*key)), |_| String::new())
        };
        let both = rows(here.iter().filter(|(key, _)| there.contains_key(*key)), |key| {
            there.get(key).map_or_else(String::new, |(_, version)| version.clone())
        });
        let lists =
            [("Only here", only(&here, &there)), ("Only there", only(&there, &here)), ("On both", both)];
        lists.map(|(name, rows)| (name, rows.len(), rows.into_iter().take(MOST).collect())).into()
    });
    Compare {
        action: desk.link().to_string(),
        typed: typed.to_owned(),
        problem: problem.to_owned(),
        near: near(desk),
        other: other.map(|other| (text(&other.name, &other.identity), page_of(other))),
        lists,
    }
}

fn side(desk: &Desk<'_>, asset: &AssetRow) -> Side {
    let only = AssetSet::from_iter([asset.no.0]);
    let query = Query { within: Some(&only), ..desk.view.query(desk.scope, &Filter::All) };
    let mut side = Side::new();
    let _ = desk.view.snapshot.findings(&query, |row| {
        let key = (row.vulnerability.id.clone(), row.package.key.name.clone());
        side.insert(key, (row.verdict.severity, row.package.key.version.clone()));
        ControlFlow::Continue(())
    });
    side
}

/// Rows, worst first; `elsewhere` is the version on the other side.
fn rows<'a>(
    side: impl Iterator<Item = (&'a (String, String), &'a (Severity, String))>,
    elsewhere: impl Fn(&(String, String)) -> String,
) -> Vec<Compared> {
    let row = |(key, (severity, version)): (&(String, String), &(Severity, String))| {
        let other = elsewhere(key);
        Compared {
            severity: *severity,
            vulnerability: key.0.clone(),
            link: Link::to("/vulnerabilities").part(&key.0),
            package: key.1.clone(),
            versions: if other.is_empty() || other == *version {
                version.clone()
            } else {
                format!("{version} here, {other} there")
            },
        }
    };
    let mut rows: Vec<Compared> = side.map(row).collect();
    rows.sort_by_key(|row| {
        Severity::WORST_FIRST.iter().position(|band| *band == row.severity).unwrap_or(usize::MAX)
    });
    rows
}

/// Other images of the repository, the newest first.
fn near(desk: &Desk<'_>) -> Vec<(String, Link)> {
    let snapshot = &desk.view.snapshot;
    let current = desk.asset.references.iter().find(|row| row.held.is_open());
    let Some(reference) = current.or_else(|| desk.asset.references.last()) else { return Vec::new() };
    let of = |field, text: &str| Filter::test(field, Op::Eq, text.to_owned());
    let filter = of(Field::Kind, "image").and(of(Field::Repository, &reference.reference.repository));
    let mut all = snapshot.asset_numbers(&desk.view.query(desk.scope, &filter));
    all.remove(desk.asset.no.0);
    let newest = Window { offset: 0, limit: NEAR };
    let newest = snapshot.sorted(AssetKind::Image, &all, AssetSort::Created, true, newest);
    let images = newest.into_iter().filter_map(|no| snapshot.asset(desk.scope, no));
    images
        .map(|image| {
            let words = format!("{} ({})", text(&image.name, &image.identity), short(&image.identity));
            (words, desk.link().with("compare", image.uuid.to_string()))
        })
        .collect()
}
