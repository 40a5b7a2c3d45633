use axum::http::StatusCode;
use parapet_model::{Filter, Permission as P};
use parapet_service::Error;
use parapet_service::exports::ExportRequest;

use crate::findings::two_findings;
use crate::links::{follow, href};
use crate::visit::Browser;

#[tokio::test]
async fn an_export_is_asked_for_counted_watched_and_offered() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    browser.get("/exports").await.says("Nothing was exported yet");
    let form = follow(&browser, &browser.get("/findings?where=fixable").await, "Export all").await;
    assert!(form.text.contains("value=\"fixable\""), "{}", form.text);
    follow(&browser, &form, "Count the rows").await.says("The file will have 1 row,");

    let fields = [
        ("where", "fixable"),
        ("format", "csv"),
        ("keep_days", "3"),
        ("columns", "vulnerability"),
        ("columns", "package"),
    ];
    let made = browser.post("/exports", &fields).await;
    assert_eq!((made.status, made.location.as_str()), (StatusCode::SEE_OTHER, "/exports"));
    let waiting = browser.get("/exports").await;
    waiting.says("queued").says("fixable");
    assert!(waiting.text.contains("data-poll"), "a list with something unfinished looks again");

    world.app.run_jobs().await.unwrap();
    let done = browser.get("/exports").await;
    done.says("succeeded").says("SHA-256").says("2026-11-05T00:00Z").says("1 export in all");
    assert!(!done.text.contains("data-poll"), "nothing more will happen");
    let file = href(&done, "findings-1793577600000.csv");
    assert!(file.starts_with("/exports/") && file.ends_with("/file"), "{file}");
    let rows = browser.get("/exports?format=csv").await;
    assert_eq!(rows.text.lines().count(), 2, "{}", rows.text);
    assert!(rows.text.contains("succeeded,,1,findings-1793577600000.csv,42,"), "{}", rows.text);
}

#[tokio::test]
async fn a_mistake_in_the_form_is_shown_and_what_was_typed_stays() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    let answer = browser.post("/exports", &[("where", "fixable and awful"), ("format", "csv")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    answer.says("no field");
    let fields = [("where", "fixable"), ("format", "jsonl"), ("as_of", "yesterday"), ("zip", "1")];
    let answer = browser.post("/exports", &fields).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    answer.says("Write a day such as");
    for kept in ["value=\"yesterday\"", "value=\"jsonl\" checked", "name=\"zip\" value=\"1\" checked"] {
        assert!(answer.text.contains(kept), "{kept}: {}", answer.text);
    }
    let answer = browser.post("/exports", &[("format", "csv"), ("as_of", "2031-01-01")]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    answer.says("as_of lies in the future");
    for days in ["0", "366", "many"] {
        let answer = browser.post("/exports", &[("format", "csv"), ("keep_days", days)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{days}");
        answer.says("1 to 365 days.");
        assert!(answer.text.contains(&format!("value=\"{days}\"")), "{}", answer.text);
    }
    browser.get("/exports").await.says("Nothing was exported yet");
}

#[tokio::test]
async fn an_export_is_cancelled_by_whoever_may() {
    let world = two_findings().await;
    let browser = Browser::new(&world);
    browser.post("/exports", &[("format", "csv")]).await;
    let reader = Browser::with_rights(&world, &[P::FindingsRead, P::ExportsCreate]);
    reader.get("/exports").await.says("queued").never_says("Cancel");
    let list = browser.get("/exports").await;
    let (_, rest) = list.text.split_once("action=\"/exports/").unwrap();
    let action = format!("/exports/{}", rest.split('"').next().unwrap());
    assert_eq!(reader.post(&action, &[]).await.status, StatusCode::NOT_FOUND, "no such route for them");
    assert_eq!(browser.post(&action, &[]).await.status, StatusCode::SEE_OTHER);
    browser.get("/exports").await.says("cancelled").never_says("Cancel");
}

#[tokio::test]
async fn who_may_not_export_sees_no_way_to() {
    let world = two_findings().await;
    let reader = Browser::with_rights(&world, &[P::FindingsRead]);
    reader.get("/findings").await.never_says("Exports").never_says("Export all");
    assert_eq!(reader.get("/exports").await.status, StatusCode::NOT_FOUND);
    // The use cases refuse too, whatever asks them.
    let who = parapet_model::Principal { permissions: [P::FindingsRead].into(), ..world.who.clone() };
    let (exports, all) = (world.app.exports(), ExportRequest::findings(Filter::All));
    assert!(matches!(exports.list(&who, u32::MAX, 10).await, Err(Error::Forbidden(P::ExportsCreate))));
    assert!(matches!(exports.rows(&who, all).await, Err(Error::Forbidden(P::ExportsCreate))));
    let scanned = world.app.scans().rescan(&who, uuid::Uuid::nil()).await;
    assert!(matches!(scanned, Err(Error::Forbidden(P::AssetsWrite))));
}
