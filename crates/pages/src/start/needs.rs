//! What needs somebody: decisions, exceptions that end, and what may be worse than it looks.

use std::collections::BTreeSet;

use parapet_model::exception::ExceptionState;
use parapet_model::filter::{Field, Op};
use parapet_model::job::JobKind;
use parapet_model::lifecycle::Standing;
use parapet_model::sensor::SensorStatus;
use parapet_model::time::DAY;
use parapet_model::{Coverage, FOREVER, Filter, Millis, Permission};
use parapet_service::View;
use parapet_service::control_exceptions::Filter as Asked;
use parapet_service::schedules::Status;

use super::view::{Alarm, Compliance, Expiring, Waiting};
use crate::PageResult;
use crate::dates::minute;
use crate::link::Link;
use crate::question::asked;
use crate::state::Pages;
use crate::visitor::Visitor;

/// What ends sooner is told.
const SOON: Millis = 14 * DAY;
/// Exceptions of controls and failed jobs that are counted.
const COUNTED: usize = 100;
/// Names in one alarm.
const NAMED: usize = 5;

/// Exceptions that wait for a decision.
pub(super) fn approvals(view: &View, visitor: &Visitor) -> Option<Waiting> {
    let scope = visitor.principal().scope();
    let waiting = view.snapshot.exceptions(&scope).filter(|e| e.state == ExceptionState::Pending);
    visitor
        .may(Permission::ExceptionsApprove)
        .then(|| Waiting { count: waiting.count(), link: Link::to("/exceptions").with("state", "waiting") })
}

/// Exceptions that end soon, the next one first.
pub(super) fn expiring(view: &View, visitor: &Visitor) -> Option<Vec<Expiring>> {
    if !visitor.may(Permission::ExceptionsRead) {
        return None;
    }
    let scope = visitor.principal().scope();
    let soon = view.snapshot.exceptions(&scope).filter(|exception| {
        exception.state == ExceptionState::Approved
            && exception.end != FOREVER
            && exception.end > view.now
            && exception.end - view.now <= SOON
    });
    let mut soon: Vec<_> = soon.collect();
    soon.sort_by_key(|exception| (exception.end, exception.no));
    let line = |exception: &parapet_model::exception::Exception| Expiring {
        title: exception.title.clone(),
        link: Link::to("/exceptions").part(&exception.uuid.to_string()),
        at: minute(exception.end),
    };
    Some(soon.into_iter().map(line).collect())
}

/// The same of controls.
pub(super) async fn compliance(state: &Pages, visitor: &Visitor, now: Millis) -> PageResult<Compliance> {
    let (exceptions, who) = (state.app.control_exceptions(), visitor.principal());
    let page = Link::to("/compliance/exceptions");
    let mut cut = false;
    let mut waiting = None;
    if visitor.may(Permission::ExceptionsApprove) {
        let pending = Asked { standing: Some(Standing::Pending), ..Asked::default() };
        let found = exceptions.list(who, &pending, COUNTED, false).await?;
        cut |= found.next.is_some();
        waiting = Some(Waiting { count: found.rows.len(), link: page.clone().with("state", "pending") });
    }
    let soon = Asked {
        standing: Some(Standing::Approved),
        expired_after: Some(now),
        expired_before: Some(now + SOON),
        ..Asked::default()
    };
    let found = exceptions.list(who, &soon, COUNTED, false).await?;
    cut |= found.next.is_some();
    let expiring = Waiting { count: found.rows.len(), link: page.with("state", "approved") };
    Ok(Compliance { waiting, expiring, cut })
}

/// What may be worse than it looks.
pub(super) async fn alarms(
    state: &Pages,
    view: &View,
    visitor: &Visitor,
    since: Millis,
) -> PageResult<Vec<Alarm>> {
    let (app, who) = (&state.app, visitor.principal());
    let mut alarms = Vec::new();
    if !visitor.may(Permission::FindingsRead) {
        return Ok(alarms);
    }
    let (of, asker) = (view.clone(), visitor.clone());
    alarms.extend(state.turns.work(move || of_assets(&of, &asker)).await?);
    alarms.extend(of_feeds(view, visitor));
    if visitor.may(Permission::FeedsWrite) {
        let held = app.feeds().status(who).await?.iter().filter(|feed| feed.held.is_some()).count();
        alarms.push(Alarm {
            count: held as u64,
            what: agreed(held as u64, "feed import is", "feed imports are", "held"),
            why: "They would open or close more than allowed; somebody has to decide.".to_owned(),
            link: Some(Link::to("/feeds")),
        });
    }
    let silent = app.sensors().list(who).await?;
    let silent: Vec<_> = silent.iter().filter(|sensor| sensor.status == SensorStatus::Unknown).collect();
    let name = |sensor: &parapet_service::sensors::SensorView| match &sensor.sensor.registration {
        said if said.name.is_empty() => said.hostname.clone(),
        said => said.name.clone(),
    };
    let names: Vec<String> = silent.iter().take(NAMED).map(|sensor| name(sensor)).collect();
    alarms.push(Alarm {
        count: silent.len() as u64,
        what: agreed(silent.len() as u64, "sensor is", "sensors are", "silent"),
        why: names.join(", "),
        link: visitor.may(Permission::RegistriesRead).then(|| Link::to("/sources")),
    });
    if visitor.may(Permission::RegistriesRead) {
        let all = app.schedules().of_project(who).await?;
        let failed: Vec<_> = all.iter().filter(|schedule| schedule.status == Status::Error).collect();
        let names = failed.iter().filter_map(|one| one.schedule.settings.name.clone());
        let names: Vec<String> = names.take(NAMED).collect();
        alarms.push(Alarm {
            count: failed.len() as u64,
            what: agreed(failed.len() as u64, "schedule", "schedules", "failed in the last run"),
            why: names.join(", "),
            link: Some(Link::to("/sources")),
        });
    }
    let mut failed = 0;
    for kind in [JobKind::ScanImage, JobKind::ListRegistry] {
        failed += app.jobs().failed_since(who, kind, since, COUNTED).await?;
    }
    alarms.push(Alarm {
        count: failed as u64,
        what: agreed(failed as u64, "scan", "scans", "failed since then"),
        why: format!("Counted up to {COUNTED} of each kind."),
        link: visitor.may(Permission::RegistriesRead).then(|| Link::to("/sources")),
    });
    alarms.retain(|alarm| alarm.count > 0);
    Ok(alarms)
}

/// What so many things are or do.
fn agreed(count: u64, one: &str, more: &str, what: &str) -> String {
    format!("{} {what}", if count == 1 { one } else { more })
}

/// Assets that are not wholly judged, and those whose last scan failed, by kind.
pub(super) fn of_assets(view: &View, visitor: &Visitor) -> Vec<Alarm> {
    let scope = visitor.principal().scope();
    let of = |field, text: &str| Filter::test(field, Op::Eq, text.to_owned());
    let mut alarms = Vec::new();
    for (kind, word) in [("image", ""), ("container", "container"), ("host", "host")] {
        let page =
            Link::to("/assets").with("kind", word).with("by", if word.is_empty() { "image" } else { "" });
        let of_kind = of(Field::Kind, kind);
        let all = view.snapshot.asset_numbers(&view.query(&scope, &of_kind));
        let words = view.snapshot.coverage_among(&all);
        let mut bad: Vec<_> = words.into_iter().filter(|(word, _)| *word != Coverage::Assessed).collect();
        bad.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let why: Vec<String> =
            bad.iter().map(|(word, count)| format!("{count} {}", word.as_str().replace('-', " "))).collect();
        let count = bad.iter().map(|(_, count)| count).sum();
        alarms.push(Alarm {
            count,
            what: agreed(count, &format!("{kind} is"), &format!("{kind}s are"), "not wholly assessed"),
            why: why.join(", "),
            link: Some(asked(&page, &of(Field::Coverage, Coverage::Assessed.as_str()).negate())),
        });
        let failed = of(Field::Scan, "failed");
        let count = view.snapshot.asset_numbers(&view.query(&scope, &of_kind.and(failed.clone()))).len();
        alarms.push(Alarm {
            count,
            what: agreed(count, kind, &format!("{kind}s"), "could not be read at the last scan"),
            why: String::new(),
            link: Some(asked(&page, &failed)),
        });
    }
    alarms
}

/// Feeds that are too old for what they judge.
fn of_feeds(view: &View, visitor: &Visitor) -> Option<Alarm> {
    let stale = view.snapshot.ecosystems().iter().filter(|row| row.coverage == Coverage::StaleFeed);
    let names: BTreeSet<&str> = stale.clone().map(|row| row.ecosystem.as_str()).collect();
    let count = names.len() as u64;
    let named: Vec<&str> = names.into_iter().take(NAMED).collect();
    (count > 0).then(|| Alarm {
        count,
        what: agreed(count, "ecosystem is", "ecosystems are", "judged by a stale feed"),
        why: named.join(", "),
        link: visitor.may(Permission::FeedsRead).then(|| Link::to("/feeds")),
    })
}
