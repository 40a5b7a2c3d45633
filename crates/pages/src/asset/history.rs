//! How the asset came and went, what holds for it, and who runs it.

use std::collections::BTreeMap;

use parapet_model::exception::{Exception, ExceptionState};
use parapet_model::time::start_of_day;
use parapet_model::{FOREVER, Millis};

use super::Desk;
use super::view::{Container, Excepted, History};
use crate::assets::{page_of, text};
use crate::dates::{day, minute};
use crate::link::Link;

/// Days that are listed.
const DAYS: usize = 60;
/// References and containers that are listed.
const MOST: usize = 100;
/// Vulnerabilities of an exception that are named.
const NAMED: usize = 5;

pub(super) fn history(desk: &Desk<'_>) -> History {
    let mut rows: Vec<_> = desk.asset.references.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.held.to, row.held.from)));
    let references = rows.into_iter().take(MOST);
    let references =
        references.map(|row| (row.reference.to_string(), minute(row.held.from), minute(row.held.to)));
    let mut days: BTreeMap<Millis, (usize, usize)> = BTreeMap::new();
    let lives = desk.view.snapshot.lives_of(desk.scope, desk.asset.no).unwrap_or_default();
    for held in lives.iter().flat_map(|(_, held)| held) {
        days.entry(start_of_day(held.from)).or_default().0 += 1;
        if held.to != FOREVER {
            days.entry(start_of_day(held.to)).or_default().1 += 1;
        }
    }
    let mut open = 0;
    let mut lines: Vec<_> = days
        .into_iter()
        .map(|(at, (opened, closed))| {
            open = open + opened - closed;
            (day(at), opened, closed, open)
        })
        .collect();
    lines.reverse();
    let older = lines.len().saturating_sub(DAYS);
    lines.truncate(DAYS);
    History {
        first_seen: minute(desk.asset.first_seen),
        references: references.collect(),
        days: lines,
        older,
    }
}

pub(super) fn exceptions(desk: &Desk<'_>, all: &[Exception]) -> Vec<Excepted> {
    let mut lines: Vec<_> =
        all.iter().map(|exception| (order(desk, exception), line(desk, exception))).collect();
    lines.sort_by_key(|(order, _)| *order);
    lines.into_iter().map(|(_, line)| line).collect()
}

/// Those that hold first.
fn order(desk: &Desk<'_>, exception: &Exception) -> (bool, std::cmp::Reverse<Millis>) {
    (!exception.holds(desk.view.now), std::cmp::Reverse(exception.requested_at))
}

fn line(desk: &Desk<'_>, exception: &Exception) -> Excepted {
    let (now, target) = (desk.view.now, &exception.target);
    let of_image = desk.asset.image.filter(|image| target.included.contains(image));
    let way = match of_image.and_then(|image| desk.view.snapshot.asset(desk.scope, image)) {
        _ if target.included.contains(&desk.asset.no) => "names this asset".to_owned(),
        Some(image) => format!("inherited from its image {}", text(&image.name, &image.identity)),
        None => match &target.filter {
            Some(filter) => format!("by its question: {filter}"),
            None => "by its question".to_owned(),
        },
    };
    let named = target.vulnerabilities.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = target.vulnerabilities.len().saturating_sub(NAMED);
    Excepted {
        title: exception.title.clone(),
        link: Link::to("/exceptions").part(&exception.uuid.to_string()),
        standing: match exception.state {
            ExceptionState::Pending => "pending",
            ExceptionState::Rejected => "rejected",
            ExceptionState::Ended => "ended",
            ExceptionState::Approved if now < exception.start => "starts later",
            ExceptionState::Approved if now >= exception.end => "expired",
            ExceptionState::Approved => "holds",
        },
        way,
        vulnerabilities: match (named.is_empty(), more) {
            (true, _) => "all".to_owned(),
            (_, 0) => named,
            (_, more) => format!("{named} and {more} more"),
        },
        from: day(exception.start),
        until: minute(exception.end),
        by: exception.requested_by.clone(),
    }
}

/// The containers of an image, and how many there are.
pub(super) fn containers(desk: &Desk<'_>) -> (Vec<Container>, usize) {
    let all = desk.view.snapshot.containers_of(desk.scope, desk.asset.no);
    let lines = all.iter().take(MOST).map(|container| Container {
        name: text(&container.name, &container.identity),
        link: page_of(container),
        state: container.container_state().as_str(),
        host: container.container_facts.host.clone(),
        observed: minute(container.observed),
    });
    (lines.collect(), all.len())
}
