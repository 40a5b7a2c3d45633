//! What somebody typed into the form of an exception, and what is wrong with it.

use parapet_model::exception::{Asked, TargetKind};
use parapet_model::filter::{Field, Op};
use parapet_model::time::{DAY, end_of_day, parse_instant, start_of_day};
use parapet_model::{AssetNo, FOREVER, Filter, Millis, Scope};
use parapet_posture::{Query, Snapshot};
use parapet_service::exceptions::NewException;
use serde::Deserialize;
use uuid::Uuid;

use crate::parts::QuestionError;
use crate::visitor::Form;

/// Longest text, in characters, as the service has it.
const MAX_TEXT: usize = 4096;
/// Assets that can be typed.
const MAX_ASSETS: usize = 200;
/// Vulnerabilities that can be typed.
const MAX_VULNERABILITIES: usize = 1000;

/// The fields of the form, as they were typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    /// One line.
    pub(crate) title: String,
    /// Why, in a word of the API or in one's own.
    pub(crate) reason: String,
    /// Longer text.
    pub(crate) comment: String,
    /// `assets` for chosen ones; else the question.
    pub(crate) scope: String,
    /// The question.
    #[serde(rename = "where")]
    pub(crate) where_: String,
    /// `static` for the assets that match today only.
    pub(crate) kind: String,
    /// Names or ids of assets, one a line.
    pub(crate) assets: String,
    /// Ids of vulnerabilities.
    pub(crate) vulnerabilities: String,
    /// First day; now when empty.
    pub(crate) start: String,
    /// `7`, `30`, `90` days, `date` or `never`.
    pub(crate) until: String,
    /// Last day, for `date`.
    pub(crate) end: String,
}

/// What is wrong, field by field; empty where nothing is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Errors {
    /// Of the title.
    pub(crate) title: String,
    /// Of the reason.
    pub(crate) reason: String,
    /// Of the longer text.
    pub(crate) comment: String,
    /// Where the question cannot be read.
    pub(crate) question: Option<QuestionError>,
    /// What is wrong with what it asks.
    pub(crate) where_: String,
    /// Of the assets.
    pub(crate) assets: String,
    /// Of the vulnerabilities.
    pub(crate) vulnerabilities: String,
    /// Of the first day.
    pub(crate) start: String,
    /// Of the last day.
    pub(crate) end: String,
    /// Of the whole.
    pub(crate) whole: String,
}

impl Errors {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        let texts = [
            &self.title,
            &self.reason,
            &self.comment,
            &self.where_,
            &self.assets,
            &self.vulnerabilities,
            &self.start,
            &self.end,
            &self.whole,
        ];
        self.question.is_none() && texts.into_iter().all(String::is_empty)
    }
}

impl Typed {
    /// What a form holds.
    pub(crate) fn of(form: &Form) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Self {
            title: text("title"),
            reason: text("reason"),
            comment: text("comment"),
            scope: text("scope"),
            where_: text("where"),
            kind: text("kind"),
            assets: text("assets"),
            vulnerabilities: text("vulnerabilities"),
            start: text("start"),
            until: text("until"),
            end: text("end"),
        }
    }

    /// Whether assets are chosen one by one.
    pub(crate) fn names_assets(&self) -> bool {
        self.scope == "assets"
    }

    /// Whether it says what it is for at all.
    pub(crate) fn says_for_what(&self) -> bool {
        let for_what = if self.names_assets() { &self.assets } else { &self.where_ };
        !for_what.trim().is_empty() || !self.vulnerabilities.trim().is_empty()
    }

    /// The end that is chosen.
    pub(crate) fn until(&self) -> &str {
        known_until(&self.until)
    }

    /// The exception that is asked for.
    ///
    /// # Errors
    /// All that is wrong at once.
    pub(crate) fn read(
        &self,
        snapshot: &Snapshot,
        scope: &Scope,
        now: Millis,
    ) -> Result<NewException, Box<Errors>> {
        let mut errors = Errors::default();
        if self.title.trim().is_empty() {
            errors.title = "Give it a title that others understand.".to_owned();
        }
        let texts = [
            (&self.title, &mut errors.title),
            (&self.reason, &mut errors.reason),
            (&self.comment, &mut errors.comment),
        ];
        for (text, error) in texts {
            if text.chars().count() > MAX_TEXT {
                *error = format!("This is longer than {MAX_TEXT} characters.");
            }
        }
        let vulnerabilities = words(&self.vulnerabilities);
        if vulnerabilities.len() > MAX_VULNERABILITIES {
            errors.vulnerabilities = format!("Name at most {MAX_VULNERABILITIES}, or ask a question.");
        }
        let (mut filter, mut assets) = (None, Vec::new());
        if self.names_assets() {
            assets = named(&self.assets, snapshot, scope, now).unwrap_or_else(|error| {
                errors.assets = error;
                Vec::new()
            });
        } else {
            filter = self.question(&mut errors);
            if self.where_.trim().is_empty() && vulnerabilities.is_empty() {
                errors.where_ =
                    "Say which findings, or name vulnerabilities: nothing at all would hide everything."
                        .to_owned();
            }
        }
        let start = self.start(now).unwrap_or_else(|error| {
            errors.start = error;
            None
        });
        let end = self.end(start.unwrap_or(now), now).unwrap_or_else(|error| {
            errors.end = error;
            FOREVER
        });
        if !errors.is_empty() {
            return Err(Box::new(errors));
        }
        Ok(NewException {
            title: self.title.trim().to_owned(),
            reason: self.reason.trim().to_owned(),
            comment: self.comment.trim().to_owned(),
            kind: if self.kind == "static" { TargetKind::Static } else { TargetKind::Dynamic },
            filter,
            assets,
            vulnerabilities,
            asked: Asked::default(),
            // Said, because recorded time may run ahead of the clock that says whether it holds.
            start: Some(start.unwrap_or(now)),
            end: (end != FOREVER).then_some(end),
        })
    }

    fn question(&self, errors: &mut Errors) -> Option<Filter> {
        let typed = self.where_.trim();
        let filter = match Filter::parse(typed) {
            Ok(filter) => filter,
            Err(error) => {
                errors.question = Some(QuestionError::new(typed, error.column, &error.message));
                return None;
            }
        };
        filter.each_test(&mut |test| {
            if matches!(test.field, Field::Excepted | Field::Exception) {
                errors.where_ = format!(
                    "What an exception is for cannot depend on exceptions: take “{}” out.",
                    test.field
                );
            }
        });
        Some(filter)
    }

    fn start(&self, now: Millis) -> Result<Option<Millis>, String> {
        match self.start.trim() {
            "" => Ok(None),
            text => match parse_instant(text) {
                Some(at) if at < start_of_day(now) => Err("This day has passed.".to_owned()),
                // A day that has begun is now.
                Some(at) => Ok((at > now).then_some(at)),
                None => Err("Write a day as 2026-12-31.".to_owned()),
            },
        }
    }

    fn end(&self, start: Millis, now: Millis) -> Result<Millis, String> {
        end_typed(self.until(), &self.end, start, now)
    }
}

/// One of the ends that the form offers.
pub(crate) fn known_until(until: &str) -> &str {
    match until {
        known @ ("7" | "30" | "90" | "date" | "never") => known,
        _ => "30",
    }
}

/// The end of what lasts some days, up to a day, or for ever.
pub(crate) fn end_typed(until: &str, day: &str, start: Millis, now: Millis) -> Result<Millis, String> {
    match until {
        "never" => Ok(FOREVER),
        "date" => last_day_typed(day, start, now),
        days => Ok(start + days.parse().unwrap_or(30).clamp(1, 3650) * DAY),
    }
}

/// The end of what lasts up to and including a day.
pub(crate) fn last_day_typed(text: &str, start: Millis, now: Millis) -> Result<Millis, String> {
    let text = text.trim();
    let day = if text.len() == 10 { parse_instant(text) } else { None };
    let end = end_of_day(day.ok_or("Write the last day as 2026-12-31.")?);
    if end <= now {
        return Err("The last day has passed.".to_owned());
    }
    if end <= start {
        return Err("The last day lies before the first.".to_owned());
    }
    Ok(end)
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty()) {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

/// The assets of a text that holds one a line, by name or id.
fn named(text: &str, snapshot: &Snapshot, scope: &Scope, now: Millis) -> Result<Vec<Uuid>, String> {
    let lines: Vec<&str> = text.split(['\n', ',']).map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return Err("Name at least one asset.".to_owned());
    }
    if lines.len() > MAX_ASSETS {
        return Err(format!("Name at most {MAX_ASSETS}, or ask a question."));
    }
    let mut found = Vec::with_capacity(lines.len());
    for line in lines {
        if let Ok(id) = line.parse::<Uuid>() {
            let asset = snapshot.asset_by_uuid(scope, id);
            found.push(asset.ok_or_else(|| format!("There is no asset {id} that you may see."))?.uuid);
            continue;
        }
        let filter = Filter::test(Field::Asset, Op::Eq, line.to_owned());
        let numbers = snapshot.asset_numbers(&Query::new(scope, &filter, now));
        let asset = match (numbers.len(), numbers.min()) {
            (1, Some(no)) => snapshot.asset(scope, AssetNo(no)),
            (0, _) => return Err(format!("There is no asset “{line}” that you may see.")),
            (several, _) => return Err(format!("{several} assets are called “{line}”. Use the id of one.")),
        };
        found.extend(asset.map(|asset| asset.uuid));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
