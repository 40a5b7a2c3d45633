//! The fields of a sensor profile, read and written.

use std::collections::BTreeSet;

use parapet_model::schedule::Weekday;
use parapet_model::sensor::BlackoutWindow;
use parapet_service::sensors::ProfileView;
use parapet_store::sensors::{ProfileKind, ProfileSettings, ScanningPolicy};
use uuid::Uuid;

use super::forms::minute;
use super::rows::capitalized;
use crate::visitor::Form;
use crate::words::{Problem, lines};

/// Registries, and sensors, that the form has boxes for.
pub(crate) const SHOWN: usize = 200;

/// Kinds with the words people choose from.
pub(crate) const KINDS: [(ProfileKind, &str, &str); 5] = [
    (ProfileKind::General, "General", "hosts"),
    (ProfileKind::Registry, "Registry", "registries"),
    (ProfileKind::Cicd, "CICD", "build machines"),
    (ProfileKind::Cluster, "Cluster", "clusters"),
    (ProfileKind::Runtime, "RUNTIME", "what runs"),
];

/// What is in the fields.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) kind: String,
    pub(crate) hours: String,
    pub(crate) concurrent: String,
    pub(crate) exclusions: String,
    pub(crate) blackouts: String,
    pub(crate) registries: BTreeSet<Uuid>,
    pub(crate) sensors: BTreeSet<Uuid>,
}

impl Fields {
    pub(crate) fn empty() -> Self {
        Self {
            kind: "General".to_owned(),
            hours: "48".to_owned(),
            concurrent: "2".to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn of(view: &ProfileView) -> Self {
        let settings = &view.profile.settings;
        let kind = KINDS.iter().find(|(kind, ..)| *kind == settings.kind);
        Self {
            name: settings.name.clone(),
            description: settings.description.clone(),
            kind: kind.map_or("", |(_, word, _)| word).to_owned(),
            hours: settings.interval_hours.to_string(),
            concurrent: settings.concurrent_scans.to_string(),
            exclusions: settings.image_exclusions.join("\n"),
            blackouts: settings.blackouts.iter().map(written).collect::<Vec<_>>().join("\n"),
            registries: settings.registries.iter().copied().collect(),
            sensors: view.sensors.iter().copied().collect(),
        }
    }

    pub(crate) fn typed(form: &Form) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        let ids = |name: &str| form.all(name).filter_map(|id| Uuid::try_parse(id).ok()).collect();
        Self {
            name: text("name"),
            description: text("description"),
            kind: text("kind"),
            hours: text("hours"),
            concurrent: text("concurrent"),
            exclusions: text("exclusions"),
            blackouts: text("blackouts"),
            registries: ids("registry"),
            sensors: ids("sensor"),
        }
    }

    /// The settings; what has no field stays as it was in `old`.
    pub(crate) fn read(&self, old: Option<&ProfileSettings>) -> Result<ProfileSettings, Problem> {
        if self.name.is_empty() {
            return Err(Problem::of("name", "It needs a name."));
        }
        let kind = KINDS.iter().find(|(_, word, _)| *word == self.kind);
        let (kind, ..) = kind.ok_or_else(|| Problem::of("kind", "Choose what its sensors look at."))?;
        let number = |field: &'static str, text: &str| {
            text.parse::<u32>().map_err(|_| Problem::of(field, "A number is needed."))
        };
        let windows: Result<_, Problem> = lines(&self.blackouts).iter().map(|line| window(line)).collect();
        let runtime = *kind == ProfileKind::Runtime;
        Ok(ProfileSettings {
            name: self.name.clone(),
            description: self.description.clone(),
            kind: *kind,
            registries: self.registries.iter().copied().collect(),
            runtime: runtime.then(|| old.and_then(|old| old.runtime).unwrap_or(true)),
            ignore_processes: old
                .filter(|_| runtime)
                .map(|old| old.ignore_processes.clone())
                .unwrap_or_default(),
            propagates: old.is_some_and(|old| old.propagates),
            filter: old.map(|old| old.filter.clone()).unwrap_or_default(),
            blackouts: windows?,
            interval_hours: number("hours", &self.hours)?,
            image_exclusions: lines(&self.exclusions),
            global: old.is_some_and(|old| old.global),
            policy: old.map_or(ScanningPolicy::default(), |old| old.policy),
            archived_logs: old.and_then(|old| old.archived_logs),
            log_size: old.and_then(|old| old.log_size),
            concurrent_scans: number("concurrent", &self.concurrent)?,
        })
    }
}

/// `Monday, Tuesday 08:00-18:00`.
fn written(window: &BlackoutWindow) -> String {
    let days: Vec<String> = window.days.iter().map(|day| capitalized(day.as_str())).collect();
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{} {}-{}", days.join(", "), time(window.start), time(window.end))
}

fn window(line: &str) -> Result<BlackoutWindow, Problem> {
    let wrong = || {
        let why = format!("{line:?} is not like \"Monday, Tuesday 08:00-18:00\"; 24:00 ends a day.");
        Problem::of("blackouts", why)
    };
    let (days, times) = line.rsplit_once(' ').ok_or_else(wrong)?;
    let (start, end) = times.split_once('-').ok_or_else(wrong)?;
    let days: Option<BTreeSet<Weekday>> = days.split(',').map(|day| Weekday::parse(day.trim())).collect();
    let start = minute(start, 1440).ok_or_else(wrong)?;
    let end = minute(end, 1440).ok_or_else(wrong)?;
    Ok(BlackoutWindow { start, end, days: days.ok_or_else(wrong)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_read_as_it_is_written() {
        let text = "Monday, Sunday 01:00-24:00";
        let read = window(text).unwrap();
        assert_eq!((read.start, read.end, read.days.len()), (60, 1440, 2));
        assert_eq!(written(&read), text);
        for wrong in ["", "Monday", "Monday 8-9", "Someday 08:00-09:00", "08:00-09:00"] {
            assert_eq!(window(wrong).unwrap_err().field, "blackouts", "{wrong:?}");
        }
    }
}
