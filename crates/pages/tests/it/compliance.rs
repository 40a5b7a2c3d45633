use axum::http::StatusCode;
use parapet_model::time::DAY;
use parapet_model::{Permission as P, Principal};
use parapet_service::compliance::ImportOptions;
use parapet_service::control_exceptions::ExceptionRules;
use parapet_service::notices::NotifyOptions;
use parapet_store::seal::Secret;

use crate::visit::Browser;
use crate::world::World;

const TEMPLATE: &str = include_str!("../../../catalog/fixtures/host.arf.xml");

const READER: &[P] = &[P::FindingsRead, P::ExceptionsRead];

/// Records a report of a host; what is not said is as usual.
pub(crate) async fn report(world: &World, changes: &[(&str, &str)]) {
    report_of(world, changes, |text| text).await;
}

async fn report_of(world: &World, changes: &[(&str, &str)], edit: impl FnOnce(String) -> String) {
    let usual = [
        ("VERSION", "0"),
        ("HOST", "web-1.example.test"),
        ("MAC", "01"),
        ("ADDRESS", "192.0.2.15"),
        ("TIME", "2026-10-01T10:00:00Z"),
        ("ID", "100"),
        ("UMASK", "18"),
        ("UMASK_TEST", "false"),
        ("UMASK_RESULT", "fail"),
        ("READABLE", "true"),
        ("SHADOW_RESULT", "fail"),
    ];
    let mut text = TEMPLATE.to_owned();
    for (name, value) in changes.iter().chain(&usual) {
        text = text.replace(&format!("{{{{{name}}}}}"), value);
    }
    world.write("results.xml", &edit(text));
    let file = world.path("results.xml");
    world.app.compliance().import(&world.who, &file, &ImportOptions::default()).await.unwrap();
}

/// A second host, on which two controls pass.
async fn second_host(world: &World) {
    let host = [("HOST", "web-2.example.test"), ("MAC", "02"), ("ADDRESS", "192.0.2.16"), ("ID", "200")];
    let passes =
        [("UMASK", "63"), ("UMASK_RESULT", "pass"), ("SHADOW_RESULT", "pass"), ("READABLE", "false")];
    report(world, &[&host[..], &passes[..]].concat()).await;
}

/// A user of the project, who signs in as a person does.
async fn user(world: &World, name: &str, role: &str) -> Browser {
    let password = || Secret::new("correct horse battery".to_owned());
    let roles = [role.to_owned()];
    world.app.accounts().create_user(&world.who, name, password(), &roles).await.unwrap();
    let signed_in = world.app.accounts().sign_in(name, password()).await.unwrap();
    let who: Principal = signed_in.principal;
    Browser::of(world, who)
}

/// The address of the result of the umask.
async fn umask(browser: &Browser) -> String {
    let list = browser.get("/compliance?view=list&posture=failed").await;
    let row = list.text.split("<tr data-row>").find(|row| row.contains("umask")).unwrap();
    let from = row.find("/compliance/results/").unwrap();
    row[from..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_policy_is_a_table_of_controls_and_hosts() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    browser.get("/compliance").await.says("No checklist was run yet");
    report(&world, &[]).await;
    second_host(&world).await;
    let page = browser.get("/compliance").await;
    page.says("House rules (basic)").says("passed 2").says("failed 4").says("failed, but excepted 0");
    page.says("Default umask").says("web-1.example.test 3 failed").says("web-2.example.test 1 failed");
    page.says("Controls 1–4 of 4").says("Hosts 1–2 of 2");
    // What fails most often comes first.
    let words = page.words();
    assert!(words.find("Package is there") < words.find("Password file"), "{words}");
    let page = browser.get("/compliance?text=UMASK&host=web-2").await;
    page.says("Hosts 1–1 of 1").says("passed").never_says("web-1.example").never_says("Password file");
    browser.get("/compliance?failing=1&text=container").await.says("No control that fails matches");
    browser.get("/compliance?criticality=critical").await.says("Password file").never_says("Default umask");
    assert_eq!(browser.get("/compliance?policy=99").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn several_policies_are_listed_with_how_they_stand() {
    let world = World::new().await;
    report(&world, &[]).await;
    let other = [("TIME", "2026-10-02T10:00:00Z"), ("ID", "300")];
    let text = |text: String| text.replace("house_profile_basic", "house_profile_strict");
    report_of(&world, &other, text).await;
    let browser = Browser::new(&world);
    let list = browser.get("/compliance").await;
    assert!(list.text.contains("data-load=\"/compliance?count=1\""), "{}", list.text);
    list.says("Policy Passed Failed Excepted Error").says("… … … …");
    browser.get("/compliance?count=1").await.says("1.0 0 3 0 0 2026-10-02T10:00Z");
    let link = list.text.split("href=\"/compliance?policy=").nth(1).unwrap().split('"').next().unwrap();
    let chosen = browser.get(&format!("/compliance?policy={link}")).await;
    chosen.says("failed 3").says("Policy House rules");
    let csv = browser.get("/compliance?format=csv").await;
    assert_eq!(csv.text.lines().count(), 3, "{}", csv.text);
}

#[tokio::test]
async fn results_are_listed_with_exact_totals_and_downloaded() {
    let world = World::new().await;
    report(&world, &[]).await;
    second_host(&world).await;
    let browser = Browser::new(&world);
    browser.get("/compliance?view=list&posture=failed").await.says("1–4 of 4");
    browser.get("/compliance?view=list&posture=passed").await.says("1–2 of 2").never_says("web-1.example");
    browser.get("/compliance?view=list&posture=error").await.says("Nothing stands so").says("no rows");
    let table = browser.get("/compliance").await;
    let link = table.text.split("href=\"").find(|part| part.contains("control=") && part.contains("failed"));
    let link = link.unwrap().split('"').next().unwrap().replace("&#38;", "&");
    browser.get(&link).await.says("control: Package is there").says("1–2 of 2").never_says("Default umask");
    let csv = browser.ask("/compliance", &[("Accept", "text/csv")]).await;
    assert_eq!(csv.text.lines().count(), 7, "{}", csv.text);
    assert!(csv.text.contains(",rule_umask,Default umask,medium,web-1.example.test,"), "{}", csv.text);
}

#[tokio::test]
async fn evidence_is_shown_then_and_now() {
    let world = World::new().await;
    report(&world, &[]).await;
    let browser = Browser::new(&world);
    let page = umask(&browser).await;
    browser.get(&page).await.says("umask is strict: 18").says("Nothing else was found before");
    report(&world, &[("TIME", "2026-10-30T10:00:00Z"), ("UMASK", "22")]).await;
    let now = browser.get(&page).await;
    now.says("lines with − were found then only").says("value bitwise and 63");
    assert!(now.text.contains("<del class=\"removed\">  18</del>"), "{}", now.text);
    assert!(now.text.contains("<ins class=\"added\">  22</ins>"), "{}", now.text);
    now.says("2026-10-01T10:00Z 2026-10-30T10:00Z failed 18 shown").says("Files stay private.");
    browser.get("/compliance").await.says("failed changed 2026-10-30");
    for nowhere in ["/compliance/results/99", "/compliance/results/x", "/compliance/exceptions/1"] {
        assert_eq!(browser.get(nowhere).await.status, StatusCode::NOT_FOUND, "{nowhere}");
    }
}

#[tokio::test]
async fn an_exception_is_asked_for_approved_by_another_and_reopened_when_evidence_changes() {
    let rules = ExceptionRules { four_eyes: true, ..ExceptionRules::default() };
    let world = World::with(rules, NotifyOptions::default()).await;
    report(&world, &[]).await;
    let asker = user(&world, "asker", "auditor").await;
    let second = user(&world, "second", "auditor").await;
    let result = umask(&asker).await;

    let empty = asker.post(&result, &[("comment", ""), ("reopens", "1")]).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
    empty.says("Say why the failure can be accepted");
    let made = asker.post(&result, &[("comment", "old software needs it"), ("reopens", "1")]).await;
    assert_eq!(made.location, "/compliance/exceptions/1?done=requested");
    let again = asker.post(&result, &[("comment", "once more")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    asker.get(&result).await.says("Exception 1 waiting").never_says("Ask for an exception");

    // Not by oneself.
    let own = asker.get("/compliance/exceptions/1").await;
    own.says("somebody else has to approve it").says("old software needs it");
    assert!(!own.text.contains("value=\"approve\""), "{}", own.text);
    let refused = asker.post("/compliance/exceptions/1", &[("act", "approve"), ("until", "30")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    refused.says("You asked for it, so somebody else has to approve it");

    second
        .get("/compliance/exceptions")
        .await
        .says("1: Default umask")
        .says("1–1 of 1")
        .never_says("reopened");
    let wrong = [("act", "approve"), ("until", "date"), ("end", "2026-01-01"), ("note", "kept")];
    let wrong = second.post("/compliance/exceptions/1", &wrong).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    wrong.says("The last day has passed").says("kept");
    let approved = second
        .post("/compliance/exceptions/1", &[("act", "approve"), ("until", "30"), ("note", "fine")])
        .await;
    assert_eq!(approved.location, "/compliance/exceptions/1?done=approved");
    second.get("/compliance").await.says("failed 2").says("failed, but excepted 1").says("excepted");
    second.get("/compliance/exceptions?state=approved").await.says("1: Default umask");

    // Something else is found: it waits again, and says why.
    report(&world, &[("TIME", "2026-10-30T10:00:00Z"), ("UMASK", "22")]).await;
    let queue = second.get("/compliance/exceptions").await;
    queue.says("waiting reopened").says("Approved value: 18").says("New value: 22");
    second.get("/compliance").await.says("failed, but excepted 0");
    let csv = second.get("/compliance/exceptions?format=csv").await;
    assert!(csv.text.contains("1,pending,"), "{}", csv.text);

    // Rejected, and approved again, until its end.
    let rejected = second.post("/compliance/exceptions/1", &[("act", "reject"), ("note", "no more")]).await;
    assert_eq!(rejected.status, StatusCode::SEE_OTHER);
    second.post("/compliance/exceptions/1", &[("act", "approve"), ("until", "7")]).await;
    second.get("/compliance").await.says("failed, but excepted 1");
    world.clock.advance(7 * DAY);
    second.get("/compliance").await.says("failed, but excepted 0");
    second.get("/compliance/exceptions?state=expired").await.says("1–1 of 1");
    second.get("/compliance/exceptions").await.says("None stands so");
}

#[tokio::test]
async fn back_costs_nothing_until_a_control_or_its_exception_changes() {
    let world = World::new().await;
    report(&world, &[]).await;
    let browser = user(&world, "ann", "auditor").await;
    let result = umask(&browser).await;
    browser.post(&result, &[("comment", "old software needs it"), ("reopens", "1")]).await;
    let pages = ["/compliance", "/compliance/exceptions", "/compliance/exceptions/1", &result];
    let mut tags = Vec::new();
    for page in pages {
        tags.push(browser.get(page).await.tag);
    }
    let mut changes = async |status, why| {
        for (page, tag) in pages.iter().zip(&mut tags) {
            let answer = browser.ask(page, &[("If-None-Match", tag)]).await;
            assert_eq!(answer.status, status, "{page} when {why}");
            *tag = answer.tag;
        }
    };
    changes(StatusCode::NOT_MODIFIED, "nothing changed").await;
    browser.post("/compliance/exceptions/1", &[("act", "comment"), ("note", "please")]).await;
    changes(StatusCode::OK, "something was said").await;
    browser.post("/compliance/exceptions/1", &[("act", "approve"), ("until", "7")]).await;
    changes(StatusCode::OK, "it was approved").await;
    changes(StatusCode::NOT_MODIFIED, "nothing changed").await;
    report(&world, &[("TIME", "2026-10-30T10:00:00Z"), ("UMASK", "22")]).await;
    changes(StatusCode::OK, "something else was found").await;
    browser.post("/compliance/exceptions/1", &[("act", "approve"), ("until", "7")]).await;
    changes(StatusCode::OK, "it was approved again").await;
    world.clock.advance(7 * DAY);
    changes(StatusCode::OK, "it ended").await;
}

#[tokio::test]
async fn who_may_only_read_sees_no_form() {
    let world = World::new().await;
    report(&world, &[]).await;
    let asker = user(&world, "asker", "requester").await;
    let result = umask(&asker).await;
    asker.post(&result, &[("comment", "why not"), ("reopens", "1")]).await;
    let own = asker.get("/compliance/exceptions/1").await;
    own.says("Only say it");
    assert!(
        !own.text.contains("value=\"approve\"") && !own.text.contains("value=\"reject\""),
        "{}",
        own.text
    );
    let refused = asker.post("/compliance/exceptions/1", &[("act", "approve")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let said = asker.post("/compliance/exceptions/1", &[("act", "comment"), ("note", "please")]).await;
    assert_eq!(said.location, "/compliance/exceptions/1?done=said");

    let reader = Browser::with_rights(&world, READER);
    for page in [result.as_str(), "/compliance/exceptions/1"] {
        let page = reader.get(page).await;
        assert!(!page.text.contains("<form class=\"form\""), "{}", page.text);
    }
    // Without the right to see exceptions, compliance is still there.
    let blind = Browser::with_rights(&world, &[P::FindingsRead]);
    blind.get("/compliance").await.says("Default umask").never_says("exceptions wait");
    blind.get(&result).await.says("failed").never_says("Exception 1");
    assert_eq!(blind.get("/compliance/exceptions").await.status, StatusCode::NOT_FOUND);
}
