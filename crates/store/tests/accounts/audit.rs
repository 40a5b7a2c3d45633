//! The audit trail.

use parapet_model::ProjectNo;
use parapet_store::audit::{AuditEvent, AuditFilter, State};
use serde_json::json;

use crate::DEFAULT;
use crate::support::{TestStore, on_both_stores};

fn event<'a>(actor: &'a str, kind: &'a str, subject: &'a str) -> AuditEvent<'a> {
    let after = State::of(&json!({ "name": subject })).unwrap();
    AuditEvent { actor, action: "create", kind, subject, project: Some(DEFAULT), before: State::NONE, after }
}

#[test]
fn events_are_paged_newest_first_and_filtered() {
    on_both_stores(async |t: TestStore| {
        for (at, actor, kind, subject) in [
            (2_000_000, "ann", "registry", "hub"),
            (3_000_000, "bob", "registry", "hub"),
            (4_000_000, "ann", "user", "cy"),
            (5_000_000, "ann", "registry", "quay"),
        ] {
            t.clock.set(at);
            let mut tx = t.store.begin().await.unwrap();
            tx.audit(&event(actor, kind, subject)).await.unwrap();
            tx.commit().await.unwrap();
        }
        let mut tx = t.store.begin().await.unwrap();
        tx.audit(&AuditEvent { project: None, ..event("local", "role", "r") }).await.unwrap();
        tx.commit().await.unwrap();

        let mut read = t.store.read().await.unwrap();
        let all = AuditFilter::default();
        let first = read.audit_events(Some(DEFAULT), &all, u32::MAX, 3).await.unwrap();
        assert_eq!(first.iter().map(|e| e.subject.as_str()).collect::<Vec<_>>(), ["quay", "cy", "hub"]);
        let second = read.audit_events(Some(DEFAULT), &all, first[2].no, 3).await.unwrap();
        assert_eq!(second.len(), 1);
        assert_eq!((second[0].at, second[0].actor.as_str()), (2_000_000, "ann"));
        assert_eq!(second[0].before.json(), None);
        assert_eq!(second[0].after.json(), Some(&json!({ "name": "hub" })));

        for (filter, expected) in [
            (AuditFilter { kind: "registry", actor: "ann", ..all }, 2),
            (AuditFilter { subject: "hub", ..all }, 2),
            (AuditFilter { subject: "hub", action: "create", ..all }, 2),
            (AuditFilter { action: "delete", ..all }, 0),
            (AuditFilter { from: 3_000_000, to: 4_000_000, ..all }, 1),
            (AuditFilter { kind: "feed", ..all }, 0),
        ] {
            let found = read.audit_events(Some(DEFAULT), &filter, u32::MAX, 10).await.unwrap();
            assert_eq!(found.len(), expected, "{filter:?}");
            let count = read.audit_count(Some(DEFAULT), &filter).await.unwrap();
            assert_eq!(count, expected as u64, "{filter:?}");
        }
        assert!(read.audit_events(Some(ProjectNo(2)), &all, u32::MAX, 10).await.unwrap().is_empty());
        assert_eq!(read.audit_events(None, &all, u32::MAX, 10).await.unwrap().len(), 1);
    });
}

#[test]
fn an_event_of_a_change_that_failed_does_not_exist() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        tx.audit(&event("ann", "user", "x")).await.unwrap();
        drop(tx);
        let mut read = t.store.read().await.unwrap();
        let none = read.audit_events(Some(DEFAULT), &AuditFilter::default(), u32::MAX, 10).await.unwrap();
        assert!(none.is_empty());
    });
}

#[test]
fn members_named_like_secrets_are_hidden() {
    let state = State::of(&json!({
        "username": "u",
        "Password": "p1",
        "nested": [{ "secret": { "deep": "p2" }, "token_hosts": ["t"] }],
    }));
    let shown = state.unwrap().json().unwrap().to_string();
    assert!(!shown.contains("p1") && !shown.contains("p2"), "{shown}");
    assert!(shown.contains("token_hosts") && shown.contains("\"u\""), "{shown}");
}
