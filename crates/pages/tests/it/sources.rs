use axum::http::StatusCode;
use parapet_model::Permission as P;
use parapet_model::sensor::{Registration, SILENT_AFTER};
use parapet_model::time::DAY;

use crate::registry::TestRegistry;
use crate::visit::{Answer, Browser};
use crate::world::World;

const OLD: &str = "2026-01-02T03:04:05Z";
/// What a form must never give back.
const SECRET: &str = "hunter2-hunter2";

/// The fields of a registry.
fn fields<'a>(remote: &'a TestRegistry, name: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("name", name),
        ("kind", "v2"),
        ("endpoint", &remote.endpoint),
        ("plain_http", "yes"),
        ("platform", "linux/amd64"),
    ]
}

/// The path of an address without what was done.
fn path(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.words());
    answer.location.split('?').next().unwrap().to_owned()
}

struct Estate {
    world: World,
    remote: TestRegistry,
    browser: Browser,
    /// The page of the registry.
    registry: String,
}

impl Estate {
    async fn new() -> Self {
        let (world, remote) = (World::new().await, TestRegistry::start().await);
        let browser = Browser::new(&world);
        let registry = path(&browser.post("/sources/registries/new", &fields(&remote, "hub")).await);
        Self { world, remote, browser, registry }
    }

    /// Scans and gives the page of the run.
    async fn scan(&self) -> String {
        let run = path(&self.browser.post(&format!("{}/scan", self.registry), &[]).await);
        self.world.app.run_jobs().await.unwrap();
        run
    }
}

#[tokio::test]
async fn a_registry_is_added_tried_scanned_and_its_run_watched() {
    let (world, remote) = (World::new().await, TestRegistry::start().await);
    let browser = Browser::new(&world);
    browser.get("/sources").await.says("There is no registry").says("Add a registry");
    let mut form = fields(&remote, "hub");
    form.extend([("username", "ann"), ("password", SECRET), ("do", "test")]);
    let tried = browser.post("/sources/registries/new", &form).await;
    tried.says("The registry answers and accepts who asks.");
    assert!(!tried.text.contains(SECRET) && tried.cache == "no-store", "the secret is not given back");
    browser.get("/sources").await.says("There is no registry");
    form.pop();
    let page = path(&browser.post("/sources/registries/new", &form).await);
    let shown = browser.get(&page).await;
    shown.says("hub").says("as ann, with a stored password").says("It was never walked");
    assert!(!shown.text.contains(SECRET));
    browser.get("/sources").await.says("hub was never walked");

    remote.image("team/web", "1", "glass", OLD);
    remote.image("team/app", "1", "stone", OLD);
    let run = path(&browser.post(&format!("{page}/scan"), &[]).await);
    let waiting = browser.get(&run).await;
    waiting.says("Walk of hub").says("queued").says("Listing waits").says("Cancel the run");
    assert!(waiting.text.contains("data-poll"), "it follows the run");
    world.app.run_jobs().await.unwrap();
    let over = browser.get(&run).await;
    over.says("succeeded").says("2 of 2 images read").never_says("Cancel the run").never_says("again");
    assert!(!over.text.contains("data-poll"), "it is over");
    browser.get("/sources?part=images").await.says("hub 2 2 2 0");
    browser.get("/sources").await.says("hub has no schedule").never_says("never walked");
}

#[tokio::test]
async fn what_cannot_be_meant_stands_beside_its_field_and_what_was_typed_stays() {
    let (world, remote) = (World::new().await, TestRegistry::start().await);
    let browser = Browser::new(&world);
    let mut form = fields(&remote, "hub");
    form.retain(|(name, _)| *name != "endpoint");
    form.push(("include", "team/*"));
    let again = browser.post("/sources/registries/new", &form).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    again.says("Address Where is it?").says("team/*");
    assert!(again.text.contains("value=\"hub\""), "{}", again.text);
    browser.post("/sources/registries/new", &fields(&remote, "hub")).await;
    let taken = browser.post("/sources/registries/new", &fields(&remote, "hub")).await;
    assert_eq!(taken.status, StatusCode::BAD_REQUEST);
    assert!(taken.text.contains("id=\"problem-name\""), "{}", taken.text);
    let mut silent = fields(&remote, "other");
    silent.retain(|(name, _)| *name != "endpoint");
    silent.extend([("endpoint", "http://127.0.0.1:1"), ("do", "test")]);
    let refused = browser.post("/sources/registries/new", &silent).await;
    assert!(refused.text.contains("id=\"problem-endpoint\""), "{}", refused.text);
}

#[tokio::test]
async fn a_stored_password_does_not_follow_to_another_address() {
    let estate = Estate::new().await;
    let edit = format!("{}/edit", estate.registry);
    let mut form = fields(&estate.remote, "hub");
    form.extend([("username", "ann"), ("password", SECRET)]);
    path(&estate.browser.post(&edit, &form).await);
    let shown = estate.browser.get(&edit).await;
    shown.says("One is stored");
    assert!(!shown.text.contains(SECRET));
    form.pop();
    path(&estate.browser.post(&edit, &form).await);
    let other = TestRegistry::start().await;
    let mut moved = fields(&other, "hub");
    moved.push(("username", "ann"));
    let refused = estate.browser.post(&edit, &moved).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    refused.says("Type the password again");
    moved.push(("password", SECRET));
    path(&estate.browser.post(&edit, &moved).await);
    estate.browser.get(&estate.registry).await.says(&other.endpoint);
}

#[tokio::test]
async fn what_failed_is_named_and_scanned_again() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    estate.remote.image("team/app", "1", "stone", OLD);
    estate.remote.spoil("team/app", "1");
    let run = estate.scan().await;
    let page = estate.browser.get(&run).await;
    page.says("1 of 2 images read").says("team/app:1").says("Scan the 1 that failed again");
    let reader = Browser::with_rights(&estate.world, &[P::FindingsRead, P::RegistriesRead]);
    reader.get(&run).await.says("team/app:1").never_says("failed again");
    estate.remote.image("team/app", "1", "stone", OLD);
    let again = path(&estate.browser.post(&format!("{run}/retry"), &[]).await);
    estate.world.app.run_jobs().await.unwrap();
    estate.browser.get(&again).await.says("Scan of 1 image").says("succeeded").says("1 of 1 image read");
    let runs = estate.browser.get("/sources/runs").await;
    runs.says("Scan of 1 image").says("Walk of hub");
    assert_eq!(
        runs.text.matches("<tr data-row").count(),
        2,
        "parts of a walk are not listed: {}",
        runs.words()
    );
    let nothing = estate.browser.post(&format!("{again}/retry"), &[]).await;
    assert_eq!(nothing.status, StatusCode::CONFLICT);
    nothing.says("nothing of the job failed");
}

#[tokio::test]
async fn a_run_is_cancelled() {
    let estate = Estate::new().await;
    let run = path(&estate.browser.post(&format!("{}/scan", estate.registry), &[]).await);
    let done = estate.browser.post(&format!("{run}/cancel"), &[]).await;
    assert_eq!(done.location, format!("{run}?done=cancelled"));
    estate.browser.get(&run).await.says("cancelled").never_says("Cancel the run");
    let over = estate.browser.post(&format!("{run}/cancel"), &[]).await;
    assert_eq!(over.location, format!("{run}?done=over"));
}

#[tokio::test]
async fn a_schedule_is_made_fires_is_changed_cancelled_and_deleted() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    estate.remote.image("other/app", "1", "stone", OLD);
    let new = format!("{}/schedules/new", estate.registry);
    let weekly =
        [("when", "again"), ("days", "7"), ("time", "09:30"), ("age", "0"), ("repositories", "team/*")];
    let refused = estate.browser.post(&new, &weekly).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    refused.says("Every 7 days needs a day of the week");
    assert!(refused.text.contains("value=\"team/*\""), "what was typed stays");
    let mut form = weekly.to_vec();
    form.push(("week_day", "THURSDAY"));
    path(&estate.browser.post(&new, &form).await);
    // The world begins on Monday, 2026-11-02.
    let page = estate.browser.get("/sources/schedules").await;
    page.says("every Thursday at 09:30 UTC").says("2026-11-05T09:30:00Z").says("in 3 days").says("Created");
    let list = estate.browser.get("/sources/schedules?format=csv").await;
    assert!(
        list.text.contains("hub,team/*,every Thursday at 09:30 UTC,team/*,2026-11-05T09:30:00Z"),
        "{}",
        list.text
    );
    let link = page.text.split("href=\"").find(|part| part.contains("/schedules/")).unwrap();
    let schedule = link.split('"').next().unwrap().to_owned();

    estate.world.clock.advance(4 * DAY);
    estate.world.app.schedules().fire_due().await.unwrap();
    estate.browser.get(&schedule).await.says("Queued").says("Cancel the schedule");
    estate.world.app.run_jobs().await.unwrap();
    let ran = estate.browser.get(&schedule).await;
    ran.says("2026-11-05T09:30:00Z").says("Finished").says("2026-11-12T09:30:00Z");
    estate.browser.get(&estate.registry).await.says("every Thursday").says("succeeded");

    let edit = format!("{schedule}/edit");
    estate.browser.get(&edit).await.says("team/*. This cannot be changed");
    path(&estate.browser.post(&edit, &[("days", "1"), ("time", "01:00"), ("newest", "5")]).await);
    let changed = estate.browser.get(&schedule).await;
    changed.says("every day at 01:00 UTC").says("team/*; the newest 5 tags of each repository");
    path(&estate.browser.post(&format!("{schedule}/delete"), &[]).await);
    estate.browser.get("/sources/schedules").await.says("There is no schedule");
}

#[tokio::test]
async fn a_schedule_is_cancelled_until_it_is_changed() {
    let estate = Estate::new().await;
    let form = [("when", "again"), ("days", "1"), ("time", "09:30"), ("age", "0")];
    path(&estate.browser.post(&format!("{}/schedules/new", estate.registry), &form).await);
    let page = estate.browser.get(&estate.registry).await;
    let link = page.text.split("href=\"").find(|part| part.contains("/schedules/") && !part.contains("/new"));
    let schedule = link.unwrap().split('"').next().unwrap().to_owned();
    path(&estate.browser.post(&format!("{schedule}/cancel"), &[]).await);
    let cancelled = estate.browser.get(&schedule).await;
    cancelled.says("Canceled").says("next run –").never_says("Cancel the schedule");
    let reader = Browser::with_rights(&estate.world, &[P::FindingsRead, P::RegistriesRead]);
    reader.get(&schedule).await.says("Canceled").never_says("Change").never_says("Delete");
    path(&estate.browser.post(&format!("{schedule}/edit"), &[("days", "1"), ("time", "10:00")]).await);
    estate.browser.get(&schedule).await.says("2026-11-02T10:00:00Z");
}

#[tokio::test]
async fn who_may_only_look_sees_no_control() {
    let estate = Estate::new().await;
    estate.remote.image("team/web", "1", "glass", OLD);
    let run = estate.scan().await;
    let reader = Browser::with_rights(&estate.world, &[P::FindingsRead, P::RegistriesRead]);
    reader.get("/sources").await.says("hub").never_says("Add a registry").never_says("Sensor profiles");
    let page = reader.get(&estate.registry).await;
    page.says("hub").never_says("Scan now").never_says("Change").never_says("Delete").never_says("Test the");
    page.never_says("Make a schedule");
    assert!(!page.text.contains("method=\"post\" action=\"/sources"), "{}", page.text);
    reader.get(&run).await.says("succeeded");
    reader.get("/sources/connectors").await.says("There is no connector").never_says("Add a connector");
    for path in ["/sources/registries/new", &format!("{}/edit", estate.registry)] {
        assert_ne!(reader.get(path).await.status, StatusCode::OK, "{path}");
    }
    let blind = Browser::with_rights(&estate.world, &[P::FindingsRead]);
    blind.get("/findings").await.never_says("Sources");
    blind.get("/sources/sensors").await.says("No sensor");
}

#[tokio::test]
async fn a_registry_is_deleted_after_asking_once_more() {
    let estate = Estate::new().await;
    estate.browser.get(&estate.registry).await.says("Delete this registry…").says("Its schedules go with it");
    let done = estate.browser.post(&format!("{}/delete", estate.registry), &[]).await;
    assert_eq!(done.location, "/sources?done=deleted");
    estate.browser.get(&done.location).await.says("The registry is deleted").says("There is no registry");
    assert_eq!(estate.browser.get(&estate.registry).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_silent_sensor_stands_first_and_is_forgotten() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    for name in ["quiet", "lively"] {
        let said = Registration {
            identity: format!("{name:0>32}"),
            name: name.to_owned(),
            hostname: format!("{name}-host"),
            version: "1.2".to_owned(),
            ..Registration::default()
        };
        world.app.sensors().register(&world.who, said.clone()).await.unwrap();
        if name == "quiet" {
            world.clock.advance(SILENT_AFTER + 60_000);
        }
    }
    let page = browser.get("/sources").await;
    page.says("quiet is silent").says("lively checks in").says("16 minutes ago");
    let list = browser.get("/sources/sensors?format=csv").await;
    assert!(list.text.lines().nth(1).unwrap().starts_with("quiet,quiet-host,UNKNOWN,"), "{}", list.text);
    let sensors = world.app.sensors().list(&world.who).await.unwrap();
    let link = |at: usize| format!("/sources/sensors/{}", sensors[at].sensor.uuid);
    browser.get(&link(0)).await.says("It was last heard of").says("1.2").says("Forget quiet");
    browser.get(&link(1)).await.says("checks in").never_says("Forget");
    let reader = Browser::with_rights(&world, &[P::FindingsRead]);
    reader.get(&link(0)).await.says("silent").never_says("Forget");
    let refused = browser.post(&format!("{}/delete", link(1)), &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    path(&browser.post(&format!("{}/delete", link(0)), &[]).await);
    browser.get("/sources").await.never_says("quiet");
}

#[tokio::test]
async fn a_profile_is_made_changed_and_deleted() {
    let estate = Estate::new().await;
    let browser = &estate.browser;
    let registry = estate.registry.rsplit('/').next().unwrap();
    let form = [
        ("name", "night"),
        ("kind", "Registry"),
        ("hours", "24"),
        ("concurrent", "2"),
        ("blackouts", "Monday, Tuesday 08:00-18:00"),
        ("registry", registry),
    ];
    let mut wrong = form.to_vec();
    wrong[4] = ("blackouts", "working days");
    let refused = browser.post("/sources/profiles/new", &wrong).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text.contains("id=\"problem-blackouts\""), "{}", refused.text);
    path(&browser.post("/sources/profiles/new", &form).await);
    let list = browser.get("/sources/profiles").await;
    list.says("night registries 0 1 24 hours 1");
    let viewer = Browser::with_rights(&estate.world, &[P::SensorProfilesView, P::RegistriesRead]);
    let seen = viewer.get("/sources/profiles").await;
    seen.says("night").never_says("Make a profile").never_says("Delete");
    assert!(!seen.text.contains("/edit"), "{}", seen.text);
    let profiles = estate.world.app.sensor_profiles().list(&estate.world.who).await.unwrap();
    let link = format!("/sources/profiles/{}", profiles[0].profile.uuid);
    let edit = browser.get(&format!("{link}/edit")).await;
    edit.says("Monday, Tuesday 08:00-18:00");
    let mut changed = form.to_vec();
    changed[2] = ("hours", "48");
    changed.pop();
    path(&browser.post(&format!("{link}/edit"), &changed).await);
    browser.get("/sources/profiles").await.says("night registries 0 0 48 hours 1");
    path(&browser.post(&format!("{link}/delete"), &[]).await);
    browser.get("/sources/profiles").await.says("There is no profile");
}

#[tokio::test]
async fn a_connector_is_added_and_deleted_and_its_secret_never_shown() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    let role = [("cloud", "aws"), ("name", "role"), ("identity", "arn:nonsense"), ("account_type", "Global")];
    let refused = browser.post("/sources/connectors", &role).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    refused.says("arn must be that of a role");
    let app = [("cloud", "azure"), ("name", "shop"), ("identity", "app-1"), ("secret", SECRET)];
    path(&browser.post("/sources/connectors", &app).await);
    let list = browser.get("/sources/connectors").await;
    list.says("shop Azure app-1");
    assert!(!list.text.contains(SECRET));
    let link = list.text.split("action=\"").find(|part| part.contains("/delete")).unwrap();
    path(&browser.post(link.split('"').next().unwrap(), &[]).await);
    browser.get("/sources/connectors").await.says("There is no connector");
}
