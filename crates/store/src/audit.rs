//! The audit trail: who changed what, when, from what to what. Events are written in the
//! transaction of the change itself, so that neither exists without the other, and never changed.
//!
//! Secrets do not get in. [`State`] takes only what can be serialized, which a
//! [`Secret`](crate::seal::Secret) cannot, and hides members whose names say that they are secret.

use parapet_model::{Millis, ProjectNo};
use serde::Serialize;
use serde_json::Value as Json;

use crate::error::Result;
use crate::numbers::Counter;
use crate::session::Session;
use crate::sql::{Row, args, to_json};
use crate::tx::Tx;

const INSERT: &str = "INSERT INTO audit \
     (no, recorded, project, actor, action, kind, subject, state_before, state_after) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const LIST: &str = "SELECT no, recorded, project, actor, action, kind, subject, state_before, state_after \
     FROM audit WHERE project = $1 AND no < $2 AND ($3 = '' OR kind = $3) AND ($4 = '' OR subject = $4) \
     AND ($5 = '' OR actor = $5) AND recorded >= $6 AND recorded < $7 AND ($8 = '' OR action = $8) \
     ORDER BY no DESC LIMIT $9";
const COUNT: &str = "SELECT COUNT(*) FROM audit WHERE project = $1 AND ($2 = '' OR kind = $2) \
     AND ($3 = '' OR subject = $3) AND ($4 = '' OR actor = $4) AND recorded >= $5 AND recorded < $6 \
     AND ($7 = '' OR action = $7)";

/// Member names whose values are never kept, whatever they hold.
const HIDDEN: &[&str] = &[
    "authorization",
    "credentials",
    "password",
    "password_hash",
    "private_key",
    "secret",
    "secret_key",
    "token",
];

/// A subject before or after a change, as JSON without secrets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State(Option<Json>);

impl State {
    /// There is none: before it was made, after it was deleted.
    pub const NONE: Self = Self(None);

    /// The state as its own serialization shows it; members named like a secret are hidden.
    ///
    /// # Errors
    /// When the value cannot be JSON, such as a map whose keys are no text.
    pub fn of<T: Serialize>(value: &T) -> Result<Self> {
        let mut json = serde_json::to_value(value)
            .map_err(|e| crate::Error::Invalid(format!("cannot be written as JSON: {e}")))?;
        hide_secrets(&mut json);
        Ok(Self(Some(json)))
    }

    /// The JSON, if there is a state.
    pub fn json(&self) -> Option<&Json> {
        self.0.as_ref()
    }

    fn text(&self) -> Result<String> {
        self.0.as_ref().map_or_else(|| Ok(String::new()), to_json)
    }
}

/// `serde_json` bounds the depth of what it parses, and our own types are shallow.
fn hide_secrets(json: &mut Json) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(hide_secrets),
        Json::Object(members) => {
            for (name, value) in members {
                if HIDDEN.contains(&name.to_ascii_lowercase().as_str()) {
                    *value = Json::from("(hidden)");
                } else {
                    hide_secrets(value);
                }
            }
        }
        _ => {}
    }
}

/// A change to be written down.
#[derive(Debug, Clone)]
pub struct AuditEvent<'a> {
    /// Name of the user, or `local` for the command line.
    pub actor: &'a str,
    /// What was done: `create`, `update`, `delete`, `approve`, …
    pub action: &'a str,
    /// Kind of the subject: `registry`, `user`, `exception`, …
    pub kind: &'a str,
    /// Its id or name for people.
    pub subject: &'a str,
    /// Whose it is; `None` for what concerns the whole store.
    pub project: Option<ProjectNo>,
    /// What it was.
    pub before: State,
    /// What it became.
    pub after: State,
}

/// A change as it was written down.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Number, growing with time.
    pub no: u32,
    /// When, recorded time.
    pub at: Millis,
    /// See [`AuditEvent`].
    pub project: Option<ProjectNo>,
    /// See [`AuditEvent`].
    pub actor: String,
    /// See [`AuditEvent`].
    pub action: String,
    /// See [`AuditEvent`].
    pub kind: String,
    /// See [`AuditEvent`].
    pub subject: String,
    /// See [`AuditEvent`].
    pub before: State,
    /// See [`AuditEvent`].
    pub after: State,
}

/// Which events are wanted. Empty texts ask for all.
#[derive(Debug, Clone, Copy)]
pub struct AuditFilter<'a> {
    /// Kind of the subject.
    pub kind: &'a str,
    /// The subject.
    pub subject: &'a str,
    /// Who did it.
    pub actor: &'a str,
    /// What was done.
    pub action: &'a str,
    /// First instant wanted.
    pub from: Millis,
    /// First instant no longer wanted.
    pub to: Millis,
}

impl Default for AuditFilter<'_> {
    fn default() -> Self {
        Self { kind: "", subject: "", actor: "", action: "", from: Millis::MIN, to: Millis::MAX }
    }
}

fn number(project: Option<ProjectNo>) -> ProjectNo {
    project.unwrap_or(ProjectNo(0))
}

fn audit_row(row: &Row) -> Result<AuditRow> {
    let mut f = row.fields("audit");
    let (no, at, project) = (f.u32("no")?, f.i64()?, f.u32("project")?);
    let (actor, action, kind, subject) = (f.text()?, f.text()?, f.text()?, f.text()?);
    let mut state = |column| -> Result<State> {
        let text = f.str()?;
        if text.is_empty() {
            return Ok(State::NONE);
        }
        serde_json::from_str(text).map(|json| State(Some(json))).map_err(|_| f.inconsistent(column))
    };
    let (before, after) = (state("state_before")?, state("state_after")?);
    let project = (project != 0).then_some(ProjectNo(project));
    Ok(AuditRow { no, at, project, actor, action, kind, subject, before, after })
}

impl Session {
    /// Events of a project (`None`: of the store as a whole), newest first, at most `limit` with
    /// numbers below `before` (`u32::MAX` for the first page).
    pub async fn audit_events(
        &mut self,
        project: Option<ProjectNo>,
        filter: &AuditFilter<'_>,
        before: u32,
        limit: u32,
    ) -> Result<Vec<AuditRow>> {
        let AuditFilter { kind, subject, actor, action, from, to } = *filter;
        let wanted = args![number(project), before, kind, subject, actor, from, to, action, limit];
        self.fetch(LIST, wanted).await?.iter().map(audit_row).collect()
    }

    /// How many events there are.
    pub async fn audit_count(&mut self, project: Option<ProjectNo>, filter: &AuditFilter<'_>) -> Result<u64> {
        let AuditFilter { kind, subject, actor, action, from, to } = *filter;
        let row =
            self.fetch_one(COUNT, args![number(project), kind, subject, actor, from, to, action]).await?;
        row.map_or(Ok(0), |row| row.fields("audit").u64("count"))
    }
}

impl Tx {
    /// Writes an event down; it stands or falls with this transaction. Its number is returned.
    pub async fn audit(&mut self, event: &AuditEvent<'_>) -> Result<u32> {
        let no = self.take_number(Counter::Audit).await?;
        let (before, after, at) = (event.before.text()?, event.after.text()?, self.recorded());
        self.execute(
            INSERT,
            args![
                no,
                at,
                number(event.project),
                event.actor,
                event.action,
                event.kind,
                event.subject,
                &before,
                &after
            ],
        )
        .await?;
        Ok(no)
    }
}
