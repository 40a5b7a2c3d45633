//! `/sources/registries/{id}/schedules/new` and `/edit`: when a registry is scanned, and what of it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use parapet_model::schedule::{Cadence, Weekday};
use parapet_store::schedules::{RepoTag, ScanPlan, Schedule, ScheduleFilter, ScheduleSettings};
use uuid::Uuid;

use super::HERE;
use super::forms::{Pick, minute};
use super::rows::{self, capitalized, registry_link};
use crate::PageResult;
use crate::layout::Layout;
use crate::link::Link;
use crate::render::html;
use crate::state::Pages;
use crate::visitor::{Form, Visitor};
use crate::words::{ForVisitor as _, Problem, refused, see};

/// The last minute of a day.
const LAST: u16 = 24 * 60 - 1;

/// What is in the fields.
#[derive(Debug, Default)]
struct Fields {
    name: String,
    once: bool,
    days: String,
    time: String,
    week_day: String,
    repositories: String,
    tags: String,
    age: String,
    newest: String,
    force: bool,
}

#[derive(Debug, Template)]
#[template(path = "sources/schedule_form.html")]
struct View {
    layout: Layout,
    heading: String,
    to: Link,
    back: Link,
    problem: Option<Problem>,
    fields: Fields,
    week_days: Vec<Pick>,
    ages: Vec<Pick>,
    /// What a schedule scans that is there already, which cannot be changed.
    fixed: Option<String>,
}

impl Fields {
    fn empty() -> Self {
        Self { days: "1".to_owned(), time: "02:00".to_owned(), age: "0".to_owned(), ..Self::default() }
    }

    fn of(settings: &ScheduleSettings) -> Self {
        let cadence = settings.cadence;
        Self {
            name: settings.name.clone().unwrap_or_default(),
            once: cadence.is_none(),
            days: cadence.map_or(1, |cadence| cadence.interval_days).to_string(),
            time: cadence.map(|c| format!("{:02}:{:02}", c.minute / 60, c.minute % 60)).unwrap_or_default(),
            week_day: cadence.and_then(|c| c.week_day).map(|day| day.as_str().to_owned()).unwrap_or_default(),
            newest: settings.plan.newest.map(|n| n.to_string()).unwrap_or_default(),
            force: settings.force,
            ..Self::default()
        }
    }

    fn typed(form: &Form) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Self {
            name: text("name"),
            once: form.text("when") == "once",
            days: text("days"),
            time: text("time"),
            week_day: text("week_day"),
            repositories: text("repositories"),
            tags: text("tags"),
            age: text("age"),
            newest: text("newest"),
            force: form.is_set("force"),
        }
    }

    fn cadence(&self) -> Result<Option<Cadence>, Problem> {
        if self.once {
            return Ok(None);
        }
        let days = self.days.parse().ok().filter(|days| (1..=365).contains(days));
        let interval_days = days.ok_or_else(|| Problem::of("days", "Every 1 to 365 days."))?;
        let time = minute(&self.time, LAST);
        let minute = time.ok_or_else(|| Problem::of("time", "A time of day, 00:00 to 23:59, in UTC."))?;
        let week_day = match (interval_days, self.week_day.as_str()) {
            (7, "") => return Err(Problem::of("week_day", "Every 7 days needs a day of the week.")),
            (7, day) => {
                let known = Weekday::parse(day);
                Some(known.ok_or_else(|| Problem::of("week_day", "There is no such day."))?)
            }
            _ => None,
        };
        Ok(Some(Cadence { minute, interval_days, week_day }))
    }

    fn newest(&self) -> Result<Option<u32>, Problem> {
        match self.newest.as_str() {
            "" => Ok(None),
            text => {
                text.parse().map(Some).map_err(|_| Problem::of("newest", "A number of tags, or nothing."))
            }
        }
    }

    fn plan(&self) -> Result<ScanPlan, Problem> {
        let days = self.age.parse().map_err(|_| Problem::of("age", "A number of days."))?;
        let tag = Some(self.tags.clone()).filter(|tags| !tags.is_empty());
        let repo_tags = match (self.repositories.as_str(), &tag) {
            ("", None) => Vec::new(),
            ("", Some(_)) => vec![RepoTag { repo: "*".to_owned(), tag }],
            (repo, _) => vec![RepoTag { repo: repo.to_owned(), tag }],
        };
        let filters = match (repo_tags.is_empty(), days) {
            (true, 0) => Vec::new(),
            _ => vec![ScheduleFilter { repo_tags, days }],
        };
        Ok(ScanPlan { filters, newest: self.newest()? })
    }

    fn settings(&self, plan: ScanPlan) -> Result<ScheduleSettings, Problem> {
        let name = Some(self.name.clone()).filter(|name| !name.is_empty());
        Ok(ScheduleSettings { name, cadence: self.cadence()?, plan, force: self.force })
    }
}

async fn view(
    state: &Pages,
    visitor: &Visitor,
    id: Uuid,
    fields: Fields,
    old: Option<&Schedule>,
) -> PageResult<View> {
    let registry = state.app.registries().get(visitor.principal(), id).await?;
    let (name, link) = (registry.settings.name, registry_link(id).part("schedules"));
    let (heading, to, back) = match old {
        Some(old) => {
            let link = link.part(&old.uuid.to_string());
            (format!("Change a schedule of {name}"), link.clone().part("edit"), link)
        }
        None => (format!("Make a schedule of {name}"), link.part("new"), registry_link(id)),
    };
    let days = Weekday::ALL.map(|day| Pick::new(day.as_str(), capitalized(day.as_str()), &fields.week_day));
    let none = Pick::new("", "–", &fields.week_day);
    let age = |days: &u16| match days {
        0 => "any age".to_owned(),
        1 => "built within a day".to_owned(),
        days => format!("built within {days} days"),
    };
    let ages =
        [0, 1, 2, 3, 4, 5, 6, 7, 14].map(|days: u16| Pick::new(days.to_string(), age(&days), &fields.age));
    Ok(View {
        layout: visitor.layout(&heading, HERE),
        heading,
        to,
        back,
        problem: None,
        week_days: [none].into_iter().chain(days).collect(),
        ages: ages.into(),
        fixed: old.map(|old| rows::plan(&ScanPlan { newest: None, ..old.settings.plan.clone() })),
        fields,
    })
}

/// The empty form.
pub(crate) async fn new(State(state): State<Pages>, visitor: Visitor, Path(id): Path<Uuid>) -> PageResult {
    Ok(html(&view(&state, &visitor, id, Fields::empty(), None).await.shown_to(&visitor)?))
}

/// The form of a schedule.
pub(crate) async fn edit(
    State(state): State<Pages>,
    visitor: Visitor,
    Path((id, schedule)): Path<(Uuid, Uuid)>,
) -> PageResult {
    let standing = state.app.schedules().get(visitor.principal(), id, schedule).await.shown_to(&visitor)?;
    let fields = Fields::of(&standing.schedule.settings);
    Ok(html(&view(&state, &visitor, id, fields, Some(&standing.schedule)).await.shown_to(&visitor)?))
}

/// Makes it. One for once runs now.
pub(crate) async fn create(
    State(state): State<Pages>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    form: Form,
) -> PageResult {
    let fields = Fields::typed(&form);
    let problem = match fields.plan().and_then(|plan| fields.settings(plan)) {
        Ok(settings) => match state.app.schedules().create(visitor.principal(), id, &settings).await {
            Ok(_) => return see(registry_link(id).with("done", "scheduled")),
            Err(error) => Problem::said(error, "").shown_to(&visitor)?,
        },
        Err(problem) => problem,
    };
    again(view(&state, &visitor, id, fields, None).await.shown_to(&visitor)?, problem)
}

/// Changes it.
pub(crate) async fn update(
    State(state): State<Pages>,
    visitor: Visitor,
    Path((id, schedule)): Path<(Uuid, Uuid)>,
    form: Form,
) -> PageResult {
    let (schedules, who) = (state.app.schedules(), visitor.principal());
    let old = schedules.get(who, id, schedule).await.shown_to(&visitor)?.schedule;
    let fields = Fields::typed(&form);
    let settings = fields.newest().and_then(|newest| {
        let plan = ScanPlan { filters: old.settings.plan.filters.clone(), newest };
        fields.settings(plan)
    });
    let problem = match settings {
        Ok(settings) => match schedules.update(who, id, schedule, &settings).await {
            Ok(_) => return see(registry_link(id).with("done", "scheduled")),
            Err(error) => Problem::said(error, "").shown_to(&visitor)?,
        },
        Err(problem) => problem,
    };
    again(view(&state, &visitor, id, fields, Some(&old)).await.shown_to(&visitor)?, problem)
}

fn again(mut view: View, problem: Problem) -> PageResult {
    view.problem = Some(problem);
    Ok(refused(&view, StatusCode::BAD_REQUEST))
}
