//! What the page of one exception needs beside it: its history, what may be done, another end.

use std::collections::HashMap;

use parapet_model::exception::{Decision, Exception, ExceptionState};
use parapet_model::{Millis, Permission, Principal};
use parapet_store::audit::AuditFilter;
use uuid::Uuid;

use super::{Exceptions, check_text, require_change};
use crate::error::{Error, Result};

/// An exception as it was from an instant on.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// When it was recorded.
    pub at: Millis,
    /// Who changed it then; `None` when nobody knows, or the asker may not read the audit trail.
    pub by: Option<String>,
    /// What it was.
    pub exception: Exception,
}

impl Exceptions<'_> {
    /// All versions of an exception, oldest first.
    pub async fn versions(&self, who: &Principal, id: Uuid) -> Result<Vec<Version>> {
        /// Audit events looked at.
        const MOST: u32 = 1_000;
        let exception = self.get(who, id).await?;
        let mut session = self.0.store.read().await?;
        let versions = session.exception_versions(exception.no).await?;
        let mut actors = HashMap::new();
        if who.may(Permission::AuditRead) {
            let subject = id.to_string();
            let filter = AuditFilter { kind: "exception", subject: &subject, ..AuditFilter::default() };
            let events = session.audit_events(Some(who.project), &filter, u32::MAX, MOST).await?;
            actors.extend(events.into_iter().map(|event| (event.at, event.actor)));
        }
        let version = |(at, exception)| Version { at, by: actors.remove(&at), exception };
        Ok(versions.into_iter().map(version).collect())
    }

    /// Whether [`Exceptions::decide`] would take the step now.
    pub fn may_decide(&self, who: &Principal, exception: &Exception, next: ExceptionState) -> bool {
        let own = exception.requested_by == who.name;
        let withdraws = next == ExceptionState::Ended && exception.state == ExceptionState::Pending && own;
        let right =
            withdraws && who.may(Permission::ExceptionsRequest) || who.may(Permission::ExceptionsApprove);
        let refused = next == ExceptionState::Approved && self.wants_others(who, exception);
        right && !refused && exception.life().step(next, None, self.0.now()).is_ok()
    }

    /// Whether [`Exceptions::set_end`] would move its end at all.
    pub fn may_set_end(&self, who: &Principal, exception: &Exception) -> bool {
        let open = matches!(exception.state, ExceptionState::Pending | ExceptionState::Approved);
        open && require_change(who, exception).is_ok()
    }

    /// Moves the end of an exception that is pending or approved; one that expired holds again then.
    ///
    /// # Errors
    /// [`Error::Forbidden`] like [`Exceptions::update`]; [`Error::Invalid`] for an end that is not after
    /// now and after the start; [`Error::Conflict`] when it is decided against, or when whoever asked for
    /// it wants more time and the rules want somebody else to approve that.
    pub async fn set_end(&self, who: &Principal, id: Uuid, end: Millis, comment: &str) -> Result<Exception> {
        check_text("comment", comment)?;
        let mut tx = self.0.store.begin().await?;
        let old = self.of_scope(&mut tx, who, id).await?;
        require_change(who, &old)?;
        let approved = old.state == ExceptionState::Approved;
        if !approved && old.state != ExceptionState::Pending {
            return Err(Error::Conflict(format!("a {} exception cannot be changed", old.state.as_str())));
        }
        if end <= old.start || end <= tx.recorded() {
            return Err(Error::Invalid("an exception must end after it starts, and after now".to_owned()));
        }
        let mut next = Exception { end, ..old.clone() };
        if approved {
            let (at, by, comment) = (tx.recorded(), who.name.clone(), comment.to_owned());
            next.decisions.push(Decision { at, by, state: next.state, comment });
        }
        self.store_next(tx, who, "update", &old, next).await
    }
}
