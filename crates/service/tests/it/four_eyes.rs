//! Four eyes: whoever asks for an exception neither approves it nor makes it more than was approved.

use parapet_model::compliance::ControlPosture;
use parapet_model::exception::{Asked, Exception, ExceptionState};
use parapet_model::time::{DAY, FOREVER};
use parapet_model::{ControlResultNo, Filter, Principal, Ranges};
use parapet_service::control_exceptions::{Change, ExceptionRules, NewControlException, WhyNot};
use parapet_service::exceptions::NewException;
use parapet_service::handling::WHITELISTED;
use parapet_service::lists::NewList;
use parapet_service::notices::NotifyOptions;
use parapet_service::{Error, Result};
use parapet_store::compliance::ResultFilter;
use parapet_store::seal::Secret;
use uuid::Uuid;

use crate::notices::new_exception;
use crate::world::World;

async fn four_eyes() -> World {
    let rules = ExceptionRules { four_eyes: true, ..ExceptionRules::default() };
    World::with(rules, NotifyOptions::default()).await
}

fn somebody_else(world: &World) -> Principal {
    Principal { name: "somebody else".to_owned(), ..world.who.clone() }
}

#[track_caller]
fn refused(result: Result<impl std::fmt::Debug>) {
    let Err(Error::Conflict(why)) = &result else { panic!("{result:?}") };
    assert!(why.starts_with("somebody else has to"), "{why}");
}

/// Asked for by the first, approved by the other where the rules want another.
async fn approved(world: &World, new: &NewException) -> Exception {
    let asked = world.app.exceptions().create(&world.who, new).await.unwrap();
    if asked.state == ExceptionState::Approved {
        return asked;
    }
    let other = somebody_else(world);
    world.app.exceptions().decide(&other, asked.uuid, ExceptionState::Approved, "ok").await.unwrap()
}

#[tokio::test]
async fn nobody_approves_what_they_asked_for() {
    let world = four_eyes().await;
    let asked = world.app.exceptions().create(&world.who, &new_exception("legacy", None)).await.unwrap();
    assert_eq!(asked.state, ExceptionState::Pending, "whoever may approve asks like everybody else");
    refused(world.app.exceptions().decide(&world.who, asked.uuid, ExceptionState::Approved, "ok").await);
    assert_eq!(approved(&world, &new_exception("other", None)).await.state, ExceptionState::Approved);
}

/// A start, an end and the vulnerabilities; for the filter of [`new_exception`].
fn asked_for(world: &World) -> NewException {
    let now = world.app.now();
    NewException {
        vulnerabilities: vec!["CVE-2026-1".to_owned(), "CVE-2026-2".to_owned()],
        start: Some(now + DAY),
        ..new_exception("legacy", Some(now + 30 * DAY))
    }
}

/// What changes one exception to more than it was.
fn more(world: &World, asset: Uuid) -> Vec<NewException> {
    let asked = || asked_for(world);
    let filter = |text: &str| Some(Filter::parse(text).unwrap());
    vec![
        NewException { end: Some(world.app.now() + 31 * DAY), ..asked() },
        NewException { end: None, ..asked() },
        NewException { start: None, ..asked() },
        NewException { filter: filter("severity >= high"), ..asked() },
        NewException { vulnerabilities: Vec::new(), ..asked() },
        NewException { vulnerabilities: vec!["CVE-2026-3".to_owned()], ..asked() },
        NewException { assets: vec![asset], ..asked() },
    ]
}

#[tokio::test]
async fn nobody_makes_their_own_approved_exception_more() {
    let world = four_eyes().await;
    let asset = world.scan().await.asset;
    let exceptions = world.app.exceptions();
    let own = approved(&world, &asked_for(&world)).await;
    for wider in more(&world, asset) {
        refused(exceptions.update(&world.who, own.uuid, &wider, &[]).await);
    }
    refused(exceptions.assign(&world.who, own.uuid, asset, true).await);
    refused(exceptions.set_end(&world.who, own.uuid, FOREVER, "").await);
    assert_eq!(exceptions.get(&world.who, own.uuid).await.unwrap(), own);

    // Less, and other words.
    let less = NewException {
        title: "old".to_owned(),
        comment: "only one of them".to_owned(),
        vulnerabilities: vec!["CVE-2026-2".to_owned()],
        start: Some(own.start + DAY),
        end: Some(own.end - DAY),
        ..asked_for(&world)
    };
    let changed = exceptions.update(&world.who, own.uuid, &less, &[asset]).await.unwrap();
    assert_eq!((changed.title.as_str(), changed.target.vulnerabilities.len()), ("old", 1));
    assert_eq!((changed.target.excluded.len(), changed.state), (1, ExceptionState::Approved));
    refused(exceptions.update(&world.who, own.uuid, &asked_for(&world), &[]).await);
    refused(exceptions.assign(&world.who, own.uuid, asset, true).await);
    // Another one may.
    let other = somebody_else(&world);
    for wider in more(&world, asset) {
        exceptions.update(&other, own.uuid, &wider, &[]).await.unwrap();
    }
}

#[tokio::test]
async fn what_waits_is_changed_by_whoever_asked() {
    let world = four_eyes().await;
    let asset = world.scan().await.asset;
    let asked = world.app.exceptions().create(&world.who, &asked_for(&world)).await.unwrap();
    for wider in more(&world, asset) {
        world.app.exceptions().update(&world.who, asked.uuid, &wider, &[]).await.unwrap();
    }
}

#[tokio::test]
async fn without_four_eyes_whoever_approves_changes_their_own() {
    let world = World::new().await;
    let asset = world.scan().await.asset;
    let own = approved(&world, &asked_for(&world)).await;
    for wider in more(&world, asset) {
        world.app.exceptions().update(&world.who, own.uuid, &wider, &[]).await.unwrap();
    }
}

#[tokio::test]
async fn a_list_or_the_white_list_is_no_way_around() {
    let world = four_eyes().await;
    let asset = world.scan().await.asset;
    let app = &world.app;
    let list = |entries: &[&str]| NewList {
        name: "accepted".to_owned(),
        description: String::new(),
        entries: entries.iter().map(|&id| id.to_owned()).collect(),
    };
    let made = app.lists().create(&world.who, &list(&["CVE-2026-1", "CVE-2026-2"])).await.unwrap();
    let asked = Asked { list: Some(made.uuid), ..Asked::default() };
    let own = approved(&world, &NewException { asked, ..new_exception("by list", None) }).await;
    refused(app.lists().update(&world.who, made.uuid, &list(&["CVE-2026-1", "CVE-2026-3"])).await);
    assert_eq!(app.lists().get(&world.who, made.uuid).await.unwrap(), made);
    app.lists().update(&world.who, made.uuid, &list(&["CVE-2026-1"])).await.unwrap();
    let now = app.exceptions().get(&world.who, own.uuid).await.unwrap();
    assert_eq!(now.target.vulnerabilities, ["CVE-2026-1"]);
    app.lists().update(&somebody_else(&world), made.uuid, &list(&["CVE-2026-3"])).await.unwrap();

    let named = NewException {
        reason: WHITELISTED.to_owned(),
        filter: None,
        assets: vec![asset],
        ..new_exception("white", None)
    };
    let entry = approved(&world, &named).await;
    refused(app.handling().change_whitelist(&world.who, entry.uuid, None, None).await);
    app.handling().change_whitelist(&world.who, entry.uuid, Some(&[asset]), Some("why")).await.unwrap();
    app.handling().unlist(&world.who, &[entry.uuid]).await.unwrap();
}

#[tokio::test]
async fn the_same_holds_for_exceptions_of_controls() {
    let world = four_eyes().await;
    world.import_results(&[]).await;
    let accounts = world.app.accounts();
    let mut people = Vec::new();
    for name in ["asker", "second"] {
        let password = || Secret::new("a password for tests");
        accounts.create_user(&world.who, name, password(), &["auditor".to_owned()]).await.unwrap();
        people.push(accounts.sign_in(name, password()).await.unwrap().principal);
    }
    let [asker, second] = &people[..] else { unreachable!() };
    let failed = ResultFilter { postures: vec![ControlPosture::Failed], ..ResultFilter::default() };
    let compliance = world.app.compliance();
    let results = compliance.results(asker, &failed, None, ControlResultNo(0), 1).await.unwrap();
    let (identity, technology) = (&results[0].identity, results[0].technology);
    let new = NewControlException {
        host: identity.host.0.into(),
        policy: identity.policy.0.into(),
        control: identity.control.0.into(),
        technology: technology.0.into(),
        instance: None,
        assignee: second.user.into(),
        comment: "old software".to_owned(),
        reopen_on_evidence_change: true,
    };
    let exceptions = world.app.control_exceptions();
    let numbers = Ranges::from_each([exceptions.request(asker, &new).await.unwrap().no.0.into()]);
    let until = |days: i64| Some(world.app.now() + days * DAY);
    let done = async |who: &Principal, change: &Change| {
        let batch = exceptions.update(who, &numbers, change).await.unwrap();
        match &batch.refused[..] {
            [] => None,
            refused => Some(refused[0].0),
        }
    };
    let approve = Change { status: Some(ExceptionState::Approved), end: until(30), ..Change::default() };
    assert_eq!(done(asker, &approve).await, Some(WhyNot::OwnRequest));
    assert_eq!(done(second, &approve).await, None);
    let longer = Change { end: until(31), ..Change::default() };
    assert_eq!(done(asker, &longer).await, Some(WhyNot::OwnRequest));
    let longer_by_the_way = Change { end: until(31), ..approve.clone() };
    assert_eq!(done(asker, &longer_by_the_way).await, Some(WhyNot::OwnRequest));
    let whatever_is_found = Change { reopen_on_evidence_change: Some(false), ..Change::default() };
    assert_eq!(done(asker, &whatever_is_found).await, Some(WhyNot::OwnRequest));
    let shorter = Change { end: until(29), ..Change::default() };
    assert_eq!(done(asker, &shorter).await, None);
    assert_eq!(done(second, &longer).await, None);
    assert_eq!(done(second, &whatever_is_found).await, None);
}
