//! Audit events: who changed what, when, with before and after.

use parapet_model::Principal;
use parapet_store::Tx;
use parapet_store::audit::{AuditEvent, State};
use serde_json::Value;

use crate::error::Result;

/// No state: before it was made, after it was deleted.
pub(crate) const NONE: Option<Value> = None;

/// Writes one event in the transaction that makes the change. Members named like a secret are
/// hidden by the store.
pub(crate) async fn event(
    tx: &mut Tx,
    who: &Principal,
    action: &str,
    kind: &str,
    subject: &str,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<()> {
    let state = |value: Option<Value>| value.map_or(Ok(State::NONE), |v| State::of(&v));
    let (before, after) = (state(before)?, state(after)?);
    let event =
        AuditEvent { actor: &who.name, action, kind, subject, project: Some(who.project), before, after };
    tx.audit(&event).await?;
    Ok(())
}
