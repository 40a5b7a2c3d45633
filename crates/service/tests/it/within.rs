//! Whoever manages users gives nobody more than they have, and takes nobody over who has more.

use parapet_model::exception::{Asked, TargetKind};
use parapet_model::{EnterpriseProjectNo, Filter, Permission, Principal, Role};
use parapet_posture::Query;
use parapet_service::exceptions::NewException;
use parapet_service::feeds::ImportOptions;
use parapet_service::{ChosenAssets, Error, Result, TokenScope};
use parapet_store::seal::Secret;

use crate::world::World;

fn password() -> Secret {
    Secret::new("a password for tests")
}

fn other_password() -> Secret {
    Secret::new("another password for tests")
}

impl World {
    /// Somebody with a role, made by `by`, good on these enterprise projects where some are named.
    async fn add(&self, by: &Principal, name: &str, role: &str, on: &[&str]) -> Principal {
        let accounts = self.app.accounts();
        accounts.create_user(by, name, password(), &[role.to_owned()]).await.unwrap();
        if !on.is_empty() {
            let on: Vec<String> = on.iter().map(|&id| id.to_owned()).collect();
            accounts.grant(by, name, Some(&on)).await.unwrap();
        }
        self.signed_in(name).await
    }

    async fn signed_in(&self, name: &str) -> Principal {
        self.app.accounts().sign_in(name, password()).await.unwrap().principal
    }

    /// Everything that changes a user, tried on one.
    async fn changes(&self, who: &Principal, name: &str) -> Vec<(&'static str, Result<()>)> {
        let accounts = self.app.accounts();
        let local = &self.who;
        let signed_in = accounts.sign_in(name, password()).await.unwrap();
        let (token, _) = accounts.issue_token(&signed_in, &TokenScope::HomeProject).await.unwrap();
        let key = accounts.create_key(local, name).await.unwrap().access_key;
        let role = vec!["requester".to_owned()];
        let finance = vec!["finance".to_owned()];
        vec![
            ("token", accounts.end_token(who, token.expose()).await),
            ("key", accounts.create_key(who, name).await.map(drop)),
            ("no key", accounts.delete_key(who, &key).await),
            ("off", accounts.set_disabled(who, name, true).await),
            ("on", accounts.set_disabled(who, name, false).await),
            ("grant", accounts.grant(who, name, Some(&finance)).await),
            ("roles", accounts.set_roles(who, name, &role).await),
            ("password", accounts.set_password(who, name, other_password()).await),
        ]
    }
}

async fn divided() -> World {
    let world = World::new().await;
    for (name, id) in [("Finance", "finance"), ("Sales", "sales")] {
        world.app.accounts().create_enterprise_project(&world.who, name, Some(id)).await.unwrap();
    }
    world
}

#[tokio::test]
async fn a_manager_of_some_enterprise_projects_changes_nobody_who_sees_others() {
    let world = divided().await;
    let lima = world.add(&world.who, "lima", "manager", &["finance"]).await;
    // A reader may do less than a manager, but sees more, or something else.
    for (name, on) in [("all", &[][..]), ("sales", &["sales"]), ("both", &["finance", "sales"])] {
        let other = world.add(&world.who, name, "reader", on).await;
        for (what, result) in world.changes(&lima, name).await {
            assert!(
                matches!(&result, Err(Error::EnterpriseProject(whose)) if whose == name),
                "{name}, {what}: {result:?}"
            );
        }
        assert_eq!(world.signed_in(name).await, other, "as before");
    }
    world.add(&world.who, "peer", "manager", &["finance"]).await;
    for (what, result) in world.changes(&lima, "peer").await {
        assert!(result.is_ok(), "{what}: {result:?}");
    }
}

#[tokio::test]
async fn a_manager_of_some_enterprise_projects_makes_users_of_those() {
    let world = divided().await;
    let lima = world.add(&world.who, "lima", "manager", &["finance", "sales"]).await;
    let accounts = world.app.accounts();
    let made = world.add(&lima, "made", "manager", &[]).await;
    assert_eq!(made.enterprise_projects, lima.enterprise_projects);
    let all = accounts.grant(&lima, "made", None).await;
    assert!(matches!(all, Err(Error::Forbidden(Permission::UsersWrite))), "{all:?}");
    let foreign = accounts.grant(&lima, "made", Some(&["0".to_owned()])).await;
    assert!(matches!(foreign, Err(Error::NotFound(_))), "{foreign:?}");
    accounts.grant(&lima, "made", Some(&["sales".to_owned()])).await.unwrap();
    let seen = world.signed_in("made").await.enterprise_projects.unwrap();
    assert_eq!(seen.len(), 1);
    assert!(!seen.contains(&EnterpriseProjectNo::default()));
    for (what, result) in world.changes(&lima, "made").await {
        assert!(result.is_ok(), "{what}: {result:?}");
    }
    // What the local command line makes is good on all.
    assert_eq!(world.add(&world.who, "free", "reader", &[]).await.enterprise_projects, None);
}

#[tokio::test]
async fn nobody_gives_or_takes_over_rights_that_they_do_not_hold() {
    let world = divided().await;
    let desk = Role {
        name: "desk".to_owned(),
        permissions: [Permission::UsersWrite, Permission::FindingsRead, Permission::ExceptionsRead].into(),
    };
    let mut tx = world.app.store().begin().await.unwrap();
    tx.put_role(&desk).await.unwrap();
    tx.commit().await.unwrap();
    let helper = world.add(&world.who, "helper", "desk", &[]).await;
    let accounts = world.app.accounts();
    for role in ["manager", "reader", "requester"] {
        let made = accounts.create_user(&helper, "made", password(), &[role.to_owned()]).await;
        let Err(Error::Forbidden(missing)) = made else { panic!("{role}: {made:?}") };
        assert!(!helper.may(missing));
    }
    assert!(accounts.user(&world.who, "made").await.is_err(), "nobody was made");

    world.add(&helper, "made", "desk", &[]).await;
    let both = ["desk".to_owned(), "manager".to_owned()];
    let raised = accounts.set_roles(&helper, "made", &both).await;
    assert!(matches!(raised, Err(Error::Forbidden(_))), "{raised:?}");
    assert_eq!(world.signed_in("made").await.permissions, desk.permissions);

    for role in ["manager", "requester"] {
        let other = world.add(&world.who, role, role, &[]).await;
        for (what, result) in world.changes(&helper, role).await {
            assert!(matches!(result, Err(Error::Forbidden(_))), "{role}, {what}: {result:?}");
        }
        assert_eq!(world.signed_in(role).await, other, "as before");
    }
    // Switched off, they are out of reach all the same.
    accounts.set_disabled(&world.who, "manager", true).await.unwrap();
    let on = accounts.set_disabled(&helper, "manager", false).await;
    assert!(matches!(on, Err(Error::Forbidden(_))), "{on:?}");
}

#[tokio::test]
async fn a_manager_of_all_changes_everybody_else() {
    let world = divided().await;
    let root = world.add(&world.who, "root", "manager", &[]).await;
    for (name, role, on) in
        [("second", "manager", &[][..]), ("nora", "reader", &["sales"]), ("probe", "sensor", &[])]
    {
        world.add(&root, name, role, on).await;
        for (what, result) in world.changes(&root, name).await {
            assert!(result.is_ok(), "{name}, {what}: {result:?}");
        }
    }
}

#[tokio::test]
async fn an_exception_of_whoever_sees_some_enterprise_projects_hides_nothing_elsewhere() {
    let world = divided().await;
    world.advise("DSA-1-1", "CVE-2026-0001", "glass", Some("1.0-2"));
    world.import(&ImportOptions::default()).await;
    for (name, project) in [("here", "finance"), ("there", "sales")] {
        world.host(name);
        world.scan().await;
        let which = ChosenAssets::Where(Filter::parse(&format!("asset = {name}")).unwrap());
        world.app.accounts().move_assets(&world.who, project, which).await.unwrap();
    }
    let lima = world.add(&world.who, "lima", "manager", &["finance"]).await;
    let everything = NewException {
        title: "All of it".to_owned(),
        reason: "risk_accepted".to_owned(),
        comment: String::new(),
        kind: TargetKind::Dynamic,
        filter: Some(Filter::All),
        assets: Vec::new(),
        vulnerabilities: Vec::new(),
        asked: Asked::default(),
        start: None,
        end: None,
    };
    world.clock.advance(60_000);
    let exceptions = world.app.exceptions();
    let made = exceptions.create(&lima, &everything).await.unwrap();
    let hidden = |filter: &str| {
        let (scope, filter) = (world.who.scope(), Filter::parse(filter).unwrap());
        let query = Query::new(&scope, &filter, world.app.now());
        world.app.live().snapshot().asset_numbers(&query).len()
    };
    assert_eq!((hidden("excepted and asset = here"), hidden("excepted and asset = there")), (1, 0));
    assert_eq!(exceptions.get(&lima, made.uuid).await.unwrap().title, "All of it");
    let sara = world.add(&world.who, "sara", "manager", &["sales"]).await;
    assert!(matches!(exceptions.get(&sara, made.uuid).await, Err(Error::NotFound(_))));
}
