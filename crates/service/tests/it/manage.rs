//! What pages need of the services beside the APIs: its rights, and that it does what it says.

use parapet_model::job::{JobKind, JobState};
use parapet_model::{Permission, Principal};
use parapet_service::Error;
use parapet_service::jobs::About;
use parapet_store::audit::AuditFilter;
use parapet_store::registries::RegistrySettings;
use parapet_store::seal::Secret;

use crate::registry::TestRegistry;
use crate::world::World;

const PASSWORD: &str = "a password for tests";

/// Somebody with all rights but one.
fn without(world: &World, right: Permission) -> Principal {
    let mut who = world.who.clone();
    who.permissions.remove(&right);
    who
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>, right: Permission) {
    assert!(matches!(&result, Err(Error::Forbidden(missing)) if *missing == right), "{result:?}");
}

#[tokio::test]
async fn every_use_case_asks_for_its_right() {
    let world = World::new().await;
    let app = &world.app;
    let users = without(&world, Permission::UsersWrite);
    refused(app.accounts().user(&users, "nora").await, Permission::UsersWrite);
    refused(app.accounts().grants(&users).await, Permission::UsersWrite);
    refused(app.accounts().set_roles(&users, "nora", &["manager".to_owned()]).await, Permission::UsersWrite);
    refused(app.notices().channels(&users), Permission::UsersWrite);
    refused(app.notices().told(&users, 1).await, Permission::UsersWrite);
    refused(app.notices().test(&users).await, Permission::UsersWrite);
    let audit = without(&world, Permission::AuditRead);
    refused(app.audit_count(&audit, &AuditFilter::default()).await, Permission::AuditRead);
    let feeds = without(&world, Permission::FeedsRead);
    refused(app.feeds().estate(&feeds), Permission::FeedsRead);
    refused(app.feeds().checks(&feeds).await, Permission::FeedsRead);
    let findings = without(&world, Permission::FindingsRead);
    refused(app.feeds().assets_showing(&findings, "Debian:12"), Permission::FindingsRead);
    refused(app.jobs().watched(&findings, None, u32::MAX, 1).await, Permission::FindingsRead);
    let registries = without(&world, Permission::RegistriesRead);
    refused(app.jobs().last_walks(&registries, &[]).await, Permission::RegistriesRead);
    let id = app.fresh_id();
    refused(app.schedules().get(&registries, id, id).await, Permission::RegistriesRead);
    refused(
        app.registries().ping(&without(&world, Permission::RegistriesWrite), id).await,
        Permission::RegistriesWrite,
    );
    refused(app.jobs().retry(&without(&world, Permission::AssetsWrite), id).await, Permission::AssetsWrite);
}

#[tokio::test]
async fn the_last_walk_of_each_registry_is_found_among_many_jobs() {
    let (world, remote) = (World::new().await, TestRegistry::start().await);
    remote.image("team/web", "1", "glass", "2026-01-02T03:04:05Z");
    let registries = world.app.registries();
    let mut made = Vec::new();
    for name in ["one", "two", "never"] {
        let settings = RegistrySettings {
            name: name.to_owned(),
            endpoint: remote.endpoint.clone(),
            plain_http: true,
            platform: "linux/amd64".to_owned(),
            ..RegistrySettings::default()
        };
        made.push(registries.create(&world.who, settings, Secret::default()).await.unwrap());
    }
    let mut walks = Vec::new();
    for at in [0, 1, 0] {
        walks.push(registries.scan_job(&world.who, made[at].uuid, false).await.unwrap());
        world.app.run_jobs().await.unwrap();
    }
    let jobs = world.app.jobs();
    let last = jobs.last_walks(&world.who, &made).await.unwrap();
    let mut found: Vec<_> = last.iter().map(|job| (About::of(job).registry, job.uuid)).collect();
    found.sort_by_key(|(registry, _)| *registry != Some(made[0].uuid));
    assert_eq!(found, [(Some(made[0].uuid), walks[2]), (Some(made[1].uuid), walks[1])]);
    let watched = jobs.watched(&world.who, None, u32::MAX, 10).await.unwrap().jobs;
    assert!(watched.iter().all(|job| job.kind == JobKind::ListRegistry && job.state == JobState::Succeeded));
    assert_eq!(watched.len(), 3, "the scans of single images are not among them");
    let none = jobs.watched(&world.who, Some(JobKind::ImportFeed), u32::MAX, 10).await.unwrap();
    assert!(none.jobs.is_empty());
}

#[tokio::test]
async fn a_failed_walk_is_asked_for_again_once() {
    let (world, remote) = (World::new().await, TestRegistry::start().await);
    remote.image("team/web", "1", "glass", "2026-01-02T03:04:05Z");
    remote.hide_catalogue();
    let settings = RegistrySettings {
        name: "r".to_owned(),
        endpoint: remote.endpoint.clone(),
        plain_http: true,
        platform: "linux/amd64".to_owned(),
        ..RegistrySettings::default()
    };
    let registry = world.app.registries().create(&world.who, settings, Secret::default()).await.unwrap();
    let walk = world.app.registries().scan_job(&world.who, registry.uuid, false).await.unwrap();
    let jobs = world.app.jobs();
    assert!(matches!(jobs.retry(&world.who, walk).await, Err(Error::Conflict(_))), "it is not over");
    world.app.run_jobs().await.unwrap();
    assert_eq!(jobs.get(&world.who, walk).await.unwrap().0.state, JobState::Failed);
    let again = jobs.retry(&world.who, walk).await.unwrap();
    assert_eq!(jobs.retry(&world.who, walk).await.unwrap(), again, "asked twice, it is one job");
    let (job, _) = jobs.get(&world.who, again).await.unwrap();
    assert_eq!((job.kind, About::of(&job).registry), (JobKind::ListRegistry, Some(registry.uuid)));
    let filter = AuditFilter { kind: "job", action: "retry", ..AuditFilter::default() };
    assert_eq!(world.app.audit(&world.who, &filter, u32::MAX, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn roles_are_set_without_touching_grants() {
    let world = World::new().await;
    let accounts = world.app.accounts();
    accounts.create_user(&world.who, "nora", Secret::new(PASSWORD), &["reader".to_owned()]).await.unwrap();
    let project = accounts.create_enterprise_project(&world.who, "Finance", None).await.unwrap();
    accounts.grant(&world.who, "nora", Some(&[project.id])).await.unwrap();
    accounts.set_roles(&world.who, "nora", &["analyst".to_owned()]).await.unwrap();
    let (_, membership) = accounts.user(&world.who, "nora").await.unwrap();
    let membership = membership.unwrap();
    assert_eq!(membership.roles.into_iter().collect::<Vec<_>>(), ["analyst"]);
    assert_eq!(membership.enterprise_projects.map(|granted| granted.len()), Some(1));
    let unknown = accounts.set_roles(&world.who, "nora", &["emperor".to_owned()]).await;
    assert!(unknown.is_err(), "no such role");
    let signed_in = accounts.sign_in("nora", Secret::new(PASSWORD)).await.unwrap();
    assert!(signed_in.principal.may(Permission::AssetsWrite));
}
