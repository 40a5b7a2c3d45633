//! Exceptions: ask, preview, decide, end. One engine; wire families bring their own words to it.

use parapet_model::exception::{Decision, Exception, ExceptionState, Target, TargetKind};
use parapet_model::filter::{Field, Filter};
use parapet_model::{
    AssetNo, EnterpriseProjectNo, ExceptionNo, FOREVER, Millis, Permission, Principal, Scope,
};
use parapet_posture::{Counts, Query};
use serde_json::json;
use uuid::Uuid;

use crate::accounts::require;
use crate::app::App;
use crate::audit;
use crate::error::{Error, Result};

/// Longest title, reason and comment, in characters.
const MAX_TEXT: usize = 4096;
/// Most assets or vulnerabilities named one by one.
const MAX_NAMED: usize = 100_000;

/// An exception as it is asked for.
#[derive(Debug, Clone)]
pub struct NewException {
    /// One line.
    pub title: String,
    /// Why.
    pub reason: String,
    /// Longer text.
    pub comment: String,
    /// Whether the filter is evaluated once or live.
    pub kind: TargetKind,
    /// Findings it is for; `None` when assets are named.
    pub filter: Option<Filter>,
    /// Assets it is for.
    pub assets: Vec<Uuid>,
    /// Vulnerability ids; empty means all.
    pub vulnerabilities: Vec<String>,
    /// First instant; `None` means now.
    pub start: Option<Millis>,
    /// First instant it no longer holds; `None` means without end.
    pub end: Option<Millis>,
}

/// Use cases around exceptions.
#[derive(Debug, Clone, Copy)]
pub struct Exceptions<'a>(pub(crate) &'a App);

impl Exceptions<'_> {
    /// What the exception would hide if it held, without storing anything.
    pub async fn preview(&self, who: &Principal, new: &NewException) -> Result<Counts> {
        require(who, Permission::ExceptionsRead)?;
        let app = self.0;
        let mut exception = self.draft(who, new, app.now())?;
        exception.state = ExceptionState::Approved;
        // A window that starts later is previewed as if it had started.
        exception.start = exception.start.min(app.now());
        exception.no = ExceptionNo(u32::MAX);
        Ok(app.live().snapshot().preview(&exception, &who.scope(), app.now()))
    }

    /// Makes an exception: approved when the asker may approve, otherwise pending.
    pub async fn create(&self, who: &Principal, new: &NewException) -> Result<Exception> {
        require(who, Permission::ExceptionsRequest)?;
        let app = self.0;
        let approves = who.may(Permission::ExceptionsApprove);
        let mut tx = app.store.begin().await?;
        let now = tx.recorded();
        let mut exception = self.draft(who, new, now)?;
        if approves {
            exception.state = ExceptionState::Approved;
            let by = who.name.clone();
            exception.decisions.push(Decision {
                at: now,
                by,
                state: exception.state,
                comment: String::new(),
            });
        }
        let exception = tx.put_exception(&exception).await?;
        let id = exception.uuid.to_string();
        audit::event(&mut tx, who, "create", "exception", &id, audit::NONE, Some(summary(&exception)))
            .await?;
        tx.commit().await?;
        app.live().catch_up().await?;
        Ok(exception)
    }

    /// Decides on an exception: approve, reject or end.
    pub async fn decide(
        &self,
        who: &Principal,
        id: Uuid,
        next: ExceptionState,
        comment: &str,
    ) -> Result<Exception> {
        let app = self.0;
        check_text("comment", comment)?;
        let mut tx = app.store.begin().await?;
        let found = tx.exception(who.project, &id).await?;
        let mut exception = found
            .filter(|e| who.scope().sees(e.project, e.enterprise_project))
            .ok_or_else(|| Error::NotFound("exception".to_owned()))?;
        let withdraws = next == ExceptionState::Ended
            && exception.state == ExceptionState::Pending
            && exception.requested_by == who.name;
        if !withdraws {
            require(who, Permission::ExceptionsApprove)?;
        }
        if !exception.state.may_become(next) {
            return Err(Error::Conflict(format!(
                "a {} exception cannot become {}",
                exception.state.as_str(),
                next.as_str()
            )));
        }
        let before = summary(&exception);
        exception.state = next;
        exception.decisions.push(Decision {
            at: tx.recorded(),
            by: who.name.clone(),
            state: next,
            comment: comment.to_owned(),
        });
        tx.put_exception(&exception).await?;
        let after = summary(&exception);
        audit::event(&mut tx, who, next.as_str(), "exception", &id.to_string(), Some(before), Some(after))
            .await?;
        tx.commit().await?;
        app.live().catch_up().await?;
        Ok(exception)
    }

    /// An exception of the asker's scope.
    pub async fn get(&self, who: &Principal, id: Uuid) -> Result<Exception> {
        require(who, Permission::ExceptionsRead)?;
        let found = self.0.store.read().await?.exception(who.project, &id).await?;
        found
            .filter(|e| who.scope().sees(e.project, e.enterprise_project))
            .ok_or_else(|| Error::NotFound("exception".to_owned()))
    }

    /// Exceptions of the asker's project after `after`, oldest first.
    pub async fn list(&self, who: &Principal, after: ExceptionNo, limit: u32) -> Result<Vec<Exception>> {
        require(who, Permission::ExceptionsRead)?;
        let scope = who.scope();
        let mut list = self.0.store.read().await?.exceptions(who.project, after, limit).await?;
        list.retain(|e| scope.sees(e.project, e.enterprise_project));
        Ok(list)
    }

    /// Checks the request and resolves what a static one holds.
    fn draft(&self, who: &Principal, new: &NewException, now: Millis) -> Result<Exception> {
        check_text("title", &new.title)?;
        check_text("reason", &new.reason)?;
        check_text("comment", &new.comment)?;
        if new.title.trim().is_empty() {
            return Err(Error::Invalid("an exception needs a title".to_owned()));
        }
        if new.assets.len() > MAX_NAMED || new.vulnerabilities.len() > MAX_NAMED {
            return Err(Error::Invalid(format!("more than {MAX_NAMED} assets or vulnerabilities")));
        }
        if new.filter.is_none() && new.assets.is_empty() {
            return Err(Error::Invalid("an exception needs a filter or assets".to_owned()));
        }
        let (start, end) = (new.start.unwrap_or(now), new.end.unwrap_or(FOREVER));
        if end <= start || end <= now {
            return Err(Error::Invalid("an exception must end after it starts, and after now".to_owned()));
        }
        let scope = who.scope();
        let mut included = self.assets_named(&scope, &new.assets)?;
        let mut filter = new.filter.clone();
        if let Some(wanted) = &filter {
            check_filter(wanted)?;
            if new.kind == TargetKind::Static {
                let held = self.assets_held(&scope, wanted, now);
                if held.is_empty() && included.is_empty() {
                    let message = "a static exception must hold at least one asset; the filter holds none";
                    return Err(Error::Invalid(message.to_owned()));
                }
                included.extend(held);
                filter = None;
            }
        }
        included.sort_unstable();
        included.dedup();
        Ok(Exception {
            no: ExceptionNo(0),
            uuid: Uuid::nil(),
            project: who.project,
            enterprise_project: EnterpriseProjectNo(0),
            title: new.title.clone(),
            reason: new.reason.clone(),
            comment: new.comment.clone(),
            target: Target {
                kind: new.kind,
                filter,
                included,
                excluded: Vec::new(),
                vulnerabilities: new.vulnerabilities.clone(),
            },
            start,
            end,
            state: ExceptionState::Pending,
            requested_by: who.name.clone(),
            requested_at: now,
            decisions: Vec::new(),
        })
    }

    fn assets_named(&self, scope: &Scope, ids: &[Uuid]) -> Result<Vec<AssetNo>> {
        let snapshot = self.0.live().snapshot();
        ids.iter()
            .map(|id| {
                let asset = snapshot.asset_by_uuid(scope, *id);
                asset.map(|a| a.no).ok_or_else(|| Error::NotFound(format!("asset {id}")))
            })
            .collect()
    }

    fn assets_held(&self, scope: &Scope, filter: &Filter, now: Millis) -> Vec<AssetNo> {
        let snapshot = self.0.live().snapshot();
        let query = Query { include_not_run_here: true, ..Query::new(scope, filter, now) };
        let list = snapshot.assets(&query, parapet_posture::AssetOrder::Number, parapet_posture::Window::ALL);
        list.rows.into_iter().map(|row| row.asset.no).collect()
    }
}

/// An exception cannot depend on exceptions.
fn check_filter(filter: &Filter) -> Result<()> {
    let mut result = Ok(());
    filter.each_test(&mut |test| {
        if matches!(test.field, Field::Excepted | Field::Exception) {
            result = Err(Error::Invalid(format!("an exception's filter cannot test {}", test.field)));
        }
    });
    result
}

fn check_text(what: &str, text: &str) -> Result<()> {
    if text.chars().count() > MAX_TEXT || text.contains('\0') {
        return Err(Error::Invalid(format!("{what} is longer than {MAX_TEXT} characters or holds a NUL")));
    }
    Ok(())
}

/// What the audit trail keeps.
fn summary(exception: &Exception) -> serde_json::Value {
    json!({
        "title": exception.title,
        "reason": exception.reason,
        "state": exception.state.as_str(),
        "kind": exception.target.kind,
        "filter": exception.target.filter.as_ref().map(ToString::to_string),
        "assets": exception.target.included.len(),
        "vulnerabilities": exception.target.vulnerabilities,
        "start": parapet_model::time::format_rfc3339(exception.start),
        "end": parapet_model::time::format_rfc3339(exception.end),
    })
}
