use axum::http::StatusCode;
use parapet_model::Permission as P;
use parapet_service::control_exceptions::ExceptionRules;
use parapet_service::notices::NotifyOptions;
use parapet_store::seal::Secret;

use crate::visit::{Answer, Browser};
use crate::world::World;

const PASSWORD: &str = "a password for tests";
const OTHER: &str = "another password, longer";

/// What stands behind a word of the list of facts that is shown once.
fn fact(page: &Answer, name: &str) -> String {
    let rest = page.text.split(&format!("<dt>{name}</dt><dd><code>")).nth(1).unwrap();
    rest.split('<').next().unwrap().to_owned()
}

async fn user(world: &World, name: &str, role: &str) -> Browser {
    let accounts = world.app.accounts();
    accounts.create_user(&world.who, name, Secret::new(PASSWORD), &[role.to_owned()]).await.unwrap();
    let signed_in = accounts.sign_in(name, Secret::new(PASSWORD)).await.unwrap();
    Browser::signed_in(world, signed_in)
}

#[tokio::test]
async fn a_user_is_made_and_a_made_up_password_shown_once() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    let refused = browser.post("/settings/users", &[("name", "nora")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    refused.says("Choose at least one role");
    let short = [("name", "nora"), ("role", "analyst"), ("password", "short")];
    let refused = browser.post("/settings/users", &short).await;
    assert!(refused.text.contains("id=\"problem-password\""), "{}", refused.text);
    assert!(refused.text.contains("value=\"nora\"") && !refused.text.contains("value=\"short\""));

    let made = browser.post("/settings/users", &[("name", "nora"), ("role", "analyst")]).await;
    made.says("This is shown once");
    assert_eq!(made.cache, "no-store");
    let password = fact(&made, "password");
    assert!(world.app.accounts().sign_in("nora", Secret::new(password.clone())).await.is_ok());
    let list = browser.get("/settings/users").await;
    list.says("nora analyst enabled");
    let page = browser.get("/settings/users/nora").await;
    assert!(!list.text.contains(&password) && !page.text.contains(&password));
    let file = browser.get("/settings/users?format=csv").await;
    assert!(file.text.contains("nora,analyst,enabled,2026-11-02T"), "{}", file.text);
    let twice = browser.post("/settings/users", &[("name", "Nora"), ("role", "reader")]).await;
    assert!(twice.text.contains("id=\"problem-name\""), "{}", twice.text);
}

#[tokio::test]
async fn a_key_is_shown_once_and_deleted() {
    let world = World::new().await;
    user(&world, "nora", "analyst").await;
    let browser = Browser::new(&world);
    let made = browser.post("/settings/users/nora/keys", &[]).await;
    assert_eq!((made.status, made.cache.as_str()), (StatusCode::OK, "no-store"));
    let (key, secret) = (fact(&made, "access key"), fact(&made, "secret"));
    let accounts = world.app.accounts();
    assert!(accounts.sign_in_with_key(&key, &Secret::new(secret.clone())).await.is_ok());
    let page = browser.get("/settings/users/nora").await;
    page.says(&key);
    assert!(!page.text.contains(&secret));
    let nobodys = browser.post("/settings/users/nora/keys/delete", &[("key", "another")]).await;
    assert_eq!(nobodys.status, StatusCode::NOT_FOUND);
    browser.post("/settings/users/nora/keys/delete", &[("key", &key)]).await;
    browser.get("/settings/users/nora").await.never_says(&key);
    assert!(accounts.sign_in_with_key(&key, &Secret::new(secret)).await.is_err());
}

#[tokio::test]
async fn roles_are_set_and_users_disabled_but_nobody_locks_themselves_out() {
    let world = World::new().await;
    let manager = user(&world, "mia", "manager").await;
    user(&world, "nora", "reader").await;
    let answer =
        manager.post("/settings/users/nora/roles", &[("role", "analyst"), ("role", "auditor")]).await;
    assert_eq!(answer.location, "/settings/users/nora?done=roles");
    manager.get("/settings/users").await.says("nora analyst, auditor enabled");
    let none = manager.post("/settings/users/nora/roles", &[]).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    none.says("at least one role");
    manager.post("/settings/users/nora/state", &[("state", "disabled")]).await;
    manager.get("/settings/users").await.says("nora analyst, auditor disabled");
    assert!(world.app.accounts().sign_in("nora", Secret::new(PASSWORD)).await.is_err());
    manager.get("/settings/users/nora").await.says("Enable nora").never_says("Disable…");

    let own = manager.get("/settings/users/mia").await;
    own.says("Nobody changes their own roles").never_says("Disable").never_says("Set the roles");
    for (path, form) in [("state", ("state", "disabled")), ("roles", ("role", "reader"))] {
        let refused = manager.post(&format!("/settings/users/mia/{path}"), &[form]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}");
        refused.says("nobody takes rights from themselves");
    }
    assert!(world.app.accounts().sign_in("mia", Secret::new(PASSWORD)).await.is_ok());
    let roles = manager.get("/settings/roles").await;
    roles.says("users.write").says("analyst");
}

#[tokio::test]
async fn everybody_changes_their_own_password() {
    let world = World::new().await;
    let reader = user(&world, "nora", "reader").await;
    let change = async |present: &str, new: &str, again: &str| {
        reader.post("/settings/password", &[("present", present), ("new", new), ("again", again)]).await
    };
    let wrong = change("something else", OTHER, OTHER).await;
    assert_eq!((wrong.status, wrong.cache.as_str()), (StatusCode::BAD_REQUEST, "no-store"));
    assert!(wrong.text.contains("id=\"problem-present\""), "{}", wrong.text);
    assert!(change(PASSWORD, OTHER, PASSWORD).await.text.contains("id=\"problem-again\""));
    assert!(change(PASSWORD, "short", "short").await.text.contains("id=\"problem-new\""));
    let accounts = world.app.accounts();
    let session = accounts.sign_in("nora", Secret::new(PASSWORD)).await.unwrap();
    let session = accounts.issue_session(&session).await.unwrap();
    assert_eq!(change(PASSWORD, OTHER, OTHER).await.location, "/sign-in?to=%2Fsettings");
    assert!(accounts.by_session(session.expose()).await.is_err(), "what was signed in with has ended");
    assert!(accounts.sign_in("nora", Secret::new(OTHER)).await.is_ok());
    assert!(accounts.sign_in("nora", Secret::new(PASSWORD)).await.is_err());
}

#[tokio::test]
async fn who_manages_nobody_sees_only_themselves() {
    let world = World::new().await;
    let reader = user(&world, "nora", "reader").await;
    let page = reader.get("/settings").await;
    page.says("You are nora").says("findings.read").says("Change your password");
    page.never_says("Users").never_says("Audit log").never_says("Notices");
    for path in ["/settings/users", "/settings/roles", "/settings/notices", "/settings/audit"] {
        assert_ne!(reader.get(path).await.status, StatusCode::OK, "{path}");
    }
    let projects = reader.get("/settings/enterprise-projects").await;
    projects
        .says("default")
        .never_says("Add an enterprise project")
        .never_says("Rename")
        .never_says("Granted");
    reader.get("/settings/retention").await.says("the audit log").says("7 days");
    let sensor = Browser::with_rights(&world, &[P::SensorReport]);
    sensor.get("/settings").await.says("sensor.report").never_says("Enterprise projects");
}

#[tokio::test]
async fn enterprise_projects_are_made_named_and_granted() {
    let world = World::new().await;
    user(&world, "nora", "analyst").await;
    let browser = Browser::new(&world);
    browser.post("/settings/enterprise-projects", &[("name", "Finance"), ("id", "finance")]).await;
    let taken = browser.post("/settings/enterprise-projects", &[("name", "Other"), ("id", "finance")]).await;
    assert_eq!(taken.status, StatusCode::BAD_REQUEST);
    browser.post("/settings/enterprise-projects/finance", &[("name", "Money")]).await;
    browser.get("/settings/enterprise-projects").await.says("Money finance");
    let none = browser.post("/settings/users/nora/grant", &[("good_on", "these")]).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    none.says("at least one enterprise project, or all");
    browser.post("/settings/users/nora/grant", &[("good_on", "these"), ("project", "finance")]).await;
    browser.get("/settings/enterprise-projects").await.says("Money finance nora");
    let signed_in = world.app.accounts().sign_in("nora", Secret::new(PASSWORD)).await.unwrap();
    let nora = Browser::signed_in(&world, signed_in);
    nora.get("/settings").await.says("You see 1 enterprise project.");
    browser.post("/settings/users/nora/grant", &[("good_on", "all")]).await;
    browser.get("/settings/enterprise-projects").await.never_says("nora");
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    for page in ["/settings/users", "/sources", "/feeds", "/exports"] {
        let tag = browser.get(page).await.tag;
        let again = browser.ask(page, &[("If-None-Match", &tag)]).await;
        assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""), "{page}");
    }
    let tag = browser.get("/settings/users").await.tag;
    browser.post("/settings/users", &[("name", "nora"), ("role", "analyst")]).await;
    browser.ask("/settings/users", &[("If-None-Match", &tag)]).await.says("nora analyst");
}

#[tokio::test]
async fn the_audit_log_is_searched_paged_and_downloaded() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    for at in 0..60 {
        let name = format!("user-{at}");
        browser.post("/settings/users", &[("name", &name), ("role", "reader"), ("password", PASSWORD)]).await;
    }
    browser.post("/settings/users/user-7/state", &[("state", "disabled")]).await;
    let page = browser.get("/settings/audit").await;
    page.says("61 events.").says("disable").says("Older");
    let older = page.text.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    browser.get(&older).await.says("61 events.").says("Newest").never_says("Older");
    let found = browser.get("/settings/audit?what=disable&who=local&kind=user").await;
    found.says("1 event.").says("disabled");
    let link = found.text.split("href=\"/settings/audit/").nth(1).unwrap().split('"').next().unwrap();
    let event = browser.get(&format!("/settings/audit/{link}")).await;
    event.says("disabled false true").says("all that happened to it");
    browser.get("/settings/audit?from=2026-11-03").await.says("No event matches");
    browser.get("/settings/audit?to=2026-11-02").await.says("61 events.");
    let wrong = browser.get("/settings/audit?from=yesterday").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    wrong.says("A day like");
    assert!(wrong.text.contains("value=\"yesterday\""), "what was typed stays");
    let file = browser.ask("/settings/audit?what=create", &[("Accept", "text/csv")]).await;
    assert_eq!(file.text.lines().count(), 61, "titles and sixty rows");
    assert!(!file.text.contains(PASSWORD));
    assert_eq!(browser.get("/settings/audit/999999").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_test_notice_is_sent_and_told_whether_it_arrived() {
    let quiet = World::new().await;
    let page = Browser::new(&quiet).get("/settings/notices").await;
    page.says("Without a channel nobody is told").never_says("Send a test notice");
    let refused = Browser::new(&quiet).post("/settings/notices/test", &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let hook = axum::routing::post(async move |body: String| heard.send(body).unwrap());
    let router = axum::Router::new().route("/hook", hook);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let notify = NotifyOptions { webhook: Some((url, Secret::new("key"))), mail: None };
    let world = World::with(ExceptionRules::default(), notify).await;
    let browser = Browser::new(&world);
    browser.post("/settings/notices/test", &[]).await;
    browser.get("/settings/notices").await.says("notices of this server arrive here webhook queued");
    world.app.run_jobs().await.unwrap();
    assert!(hears.recv().await.unwrap().contains("\"event\":\"test\""));
    browser.get("/settings/notices").await.says("notices of this server arrive here webhook succeeded");
}
