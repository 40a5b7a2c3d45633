//! The table of errors, row by row: what is sent, status, code. Nothing is changed by any of them.

use axum::http::Method;

use super::world::{World, count, element};
use crate::http::qualys_pc::error::{Code, PcError};

/// Replaces one parameter of a request, or takes it out.
fn with(request: &str, name: &str, value: Option<&str>) -> String {
    let kept = request.split('&').filter(|pair| pair.split('=').next() != Some(name));
    let mut pairs: Vec<String> = kept.map(str::to_owned).collect();
    pairs.extend(value.map(|value| format!("{name}={value}")));
    pairs.join("&")
}

#[tokio::test]
async fn a_request_is_refused_for_the_value_that_is_to_blame() {
    let world = World::new().await;
    let good = world.request(0);
    for name in ["control_id", "host_id", "policy_id", "technology_id", "assignee_id", "comments"] {
        for without in [with(&good, name, None), with(&good, name, Some(""))] {
            let answer = world.exceptions("manager", &without).await;
            assert_eq!(answer.error(), (400, 1903), "{without}");
            assert!(element(answer.text(), "TEXT").contains(name), "{}", answer.text());
        }
    }
    for (name, value) in [
        ("control_id", "x"),
        ("control_id", "-1"),
        ("control_id", "+5"),
        ("control_id", "1e3"),
        ("control_id", "99999999999999999999"),
        ("control_id", "28595192824"),
        ("control_id", "16832"),
        ("host_id", "28595192824"),
        ("host_id", "0"),
        ("policy_id", "801459496"),
        ("technology_id", "45"),
        ("assignee_id", "2449482824"),
        ("assignee_id", "2449482824reopen_on_evidence_change=1"),
        ("assignee_id", "0"),
        ("reopen_on_evidence_change", "2"),
        ("reopen_on_evidence_change", "yes"),
        ("echo_request", "true"),
        ("instance_string", "oracle10:1:1521:ora10204u"),
    ] {
        let answer = world.exceptions("manager", &with(&good, name, Some(value))).await;
        assert_eq!(answer.error(), (400, 1905), "{name}={value}: {}", answer.text());
        assert!(element(answer.text(), "TEXT").contains(name), "{name}: {}", answer.text());
        assert!(element(answer.text(), "TEXT").starts_with("parameter "), "{}", answer.text());
    }
    let passing = with(&good, "control_id", Some(&world.controls[1].to_string()));
    assert_eq!(world.exceptions("manager", &passing).await.error(), (400, 1905), "it does not fail there");
    let bare = with(&world.request(2), "instance_string", None);
    let answer = world.exceptions("manager", &bare).await;
    assert_eq!(answer.error(), (400, 1907), "the control has instances: {}", answer.text());
    let without_host = with(&world.request(2), "host_id", None);
    assert_eq!(world.exceptions("manager", &without_host).await.error(), (400, 1907));
    for misspelt in ["&Comments=x", "&control_ids=1", "&expiry_date=1", "&host_ids=1", "&tag_set_include=1"] {
        let answer = world.exceptions("manager", &format!("{good}{misspelt}")).await;
        assert_eq!(answer.error(), (400, 1901), "{misspelt}");
        let name = misspelt.trim_start_matches('&').split('=').next().unwrap();
        assert!(element(answer.text(), "TEXT").contains(name), "{}", answer.text());
    }
    let twice = format!("control_id=x&{good}");
    assert_eq!(world.exceptions("manager", &twice).await.status, 200, "the last value counts");
    let open = world.exceptions("manager", &good).await;
    assert_eq!(open.error(), (409, 1920), "{}", open.text());
    assert_eq!(open.headers["x-ratelimit-towait-sec"], "0", "nothing to wait for");
    assert_eq!(count(&world.listed("").await, "EXCEPTION"), 1);
}

#[tokio::test]
async fn a_change_is_refused_for_the_value_that_is_to_blame() {
    let world = World::new().await;
    world.ask("manager", 0, "").await;
    let change = "action=update&exception_numbers=1&comments=c";
    for (body, status, code) in [
        ("action=update&comments=c", 400, 1903),
        ("action=update&exception_numbers=1", 400, 1903),
        ("action=update&exception_numbers=9-&comments=c", 400, 1905),
        ("action=update&exception_numbers=5-3&comments=c", 400, 1905),
        ("action=update&exception_numbers=1-99999999999&comments=c", 400, 1905),
        ("action=update&exception_numbers=1,,2&comments=c", 400, 1905),
        ("action=update&exception_numbers=one&comments=c", 400, 1905),
        ("action=update&exception_numbers=2-4000000000&comments=c", 400, 1905),
        (&format!("{change}&status=Expired"), 400, 1905),
        (&format!("{change}&status=ok"), 400, 1905),
        (&format!("{change}&end_date=2027-02-01"), 400, 1905),
        (&format!("{change}&end_date=02/30/2027"), 400, 1905),
        (&format!("{change}&end_date=13/01/2027"), 400, 1905),
        (&format!("{change}&end_date=11/01/2026"), 400, 1905),
        (&format!("{change}&end_date=11/02/2026"), 400, 1905),
        (&format!("{change}&end_date=-1"), 400, 1905),
        (&format!("{change}&reassign_to=999"), 400, 1905),
        (&format!("{change}&reassign_to=me"), 400, 1905),
        (&format!("{change}&reopen_on_evidence_change=maybe"), 400, 1905),
        (&format!("{change}&control_id=1"), 400, 1901),
        (&format!("{change}&exception_number=1"), 400, 1901),
        ("action=delete", 400, 1903),
        ("action=delete&exception_numbers=0", 400, 1905),
        ("action=delete&exception_numbers=1&comments=c", 400, 1901),
        ("action=approve&exception_numbers=1", 400, 1905),
        ("exception_numbers=1", 400, 1903),
        ("", 400, 1903),
        ("action=list&exception_number=1&exception_numbers=2", 400, 1904),
        ("action=list&truncation_limit=0", 400, 1905),
        ("action=list&truncation_limit=1000001", 400, 1905),
        ("action=list&details=Everything", 400, 1905),
        ("action=list&is_active=2", 400, 1905),
        ("action=list&ip=web-01", 400, 1905),
        ("action=list&created_after_date=2026-11-02", 400, 1905),
        ("action=list&host_id=1", 400, 1901),
        ("action=list&ids=1&statuses=x", 400, 1901),
    ] {
        let answer = world.exceptions("manager", body).await;
        assert_eq!(answer.error(), (status, code), "{body}: {}", answer.text());
        assert!(!element(answer.text(), "TEXT").is_empty());
    }
    let shape = world.exceptions("manager", "action=update&exception_numbers=5-3&comments=c").await;
    let text = "parameter exception_numbers has invalid value: 5-3 (Invalid value: 5-3)";
    assert_eq!(element(shape.text(), "TEXT"), text);
    let long = format!("action=list&status={}", "x".repeat(100_000));
    assert!(world.exceptions("manager", &long).await.text().len() < 2_000, "errors repeat no novel");
    let list = world.listed("").await;
    assert_eq!((count(&list, "HISTORY"), element(&list, "STATUS")), (1, "Pending"), "nothing was changed");
}

#[tokio::test]
async fn methods_paths_and_bodies_that_are_none() {
    let world = World::new().await;
    let path = "/api/2.0/fo/compliance/exception/";
    for action in ["request", "create", "update", "delete"] {
        let answer = world.send("manager", Method::GET, &format!("{path}?action={action}"), "").await;
        assert_eq!(answer.error(), (400, 1908), "{action}");
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        assert_eq!(world.send("manager", method, path, "").await.error(), (400, 1908));
    }
    let answer = world.send("manager", Method::GET, "/api/2.0/fo/no/such/", "").await;
    assert_eq!((answer.status, answer.error().1), (404, 1901));
    let huge = "x".repeat(13 << 20);
    let answer = world.exceptions("manager", &huge).await;
    assert_eq!((answer.status, answer.error().1), (413, 1905));
    for bad in ["action=list&x=%ff", "action=list%00", "%c3%28=1"] {
        assert_eq!(world.exceptions("manager", bad).await.error(), (400, 1905), "{bad}");
    }
    for (target, code) in [
        ("/api/2.0/fo/compliance/posture/info/?action=list", 1922),
        ("/api/2.0/fo/compliance/posture/info/?action=list&policy_id=1&policy_ids=2", 1904),
        ("/api/2.0/fo/compliance/posture/info/?action=list&policy_id=99", 1905),
        ("/api/2.0/fo/compliance/posture/info/?action=list&policy_ids=1-11", 1905),
        ("/api/2.0/fo/compliance/posture/info/?action=list&policy_ids=1000&output_format=csv", 1907),
        ("/api/2.0/fo/compliance/posture/info/?action=list&policy_ids=1000&truncation_limit=5", 1907),
        ("/api/2.0/fo/compliance/posture/info/?action=list&policy_id=1000&status=Fine", 1905),
        ("/api/2.0/fo/compliance/posture/info/?action=list&policy_id=1000&criticality_labels=HUGE", 1905),
        (
            "/api/2.0/fo/compliance/posture/info/?action=list&policy_id=1000&criticality_labels=MEDIUM&criticality_values=2",
            1904,
        ),
        ("/api/2.0/fo/compliance/posture/info/?action=list&policy_id=1000&tag_set_include=1", 1905),
        ("/api/2.0/fo/compliance/posture/info/?action=list&policy_id=1000&asset_group_ids=1", 1907),
        ("/api/2.0/fo/compliance/posture/info/?policy_id=1000", 1903),
        ("/api/2.0/fo/compliance/control/?action=list&ids=3-1", 1905),
        ("/api/2.0/fo/compliance/control/?action=update", 1905),
        ("/api/2.0/fo/compliance/policy/?action=list&updated_after_datetime=yesterday", 1905),
        ("/api/2.0/fo/asset/host/?action=list&ips=here", 1905),
        ("/api/2.0/fo/asset/host/?action=list&os_pattern=((", 1905),
        ("/api/2.0/fo/asset/host/?action=list&ag_ids=1", 1907),
        ("/api/2.0/fo/asset/host/?action=list&colour=blue", 1901),
    ] {
        let answer = world.send("manager", Method::GET, target, "").await;
        assert_eq!(answer.error(), (400, code), "{target}: {}", answer.text());
    }
    let answer = world.send("manager", Method::GET, "/msp/user_list.php?colour=blue", "").await;
    assert_eq!(answer.status, 200, "the older API says 200");
    assert!(answer.text().contains("<ERROR number=\"1901\">"), "{}", answer.text());
}

/// The codes that come from the state of the server, and the status of each code there is.
#[test]
fn every_code_has_its_status() {
    for (code, number, status) in [
        (Code::Internal, 999, 500),
        (Code::UnknownParameter, 1901, 400),
        (Code::MissingParameter, 1903, 400),
        (Code::OnlyOneOf, 1904, 400),
        (Code::InvalidValue, 1905, 400),
        (Code::Combination, 1907, 400),
        (Code::Method, 1908, 400),
        (Code::Blocked, 1920, 409),
        (Code::AtLeastOneOf, 1922, 400),
        (Code::Concurrency, 1960, 409),
        (Code::Rate, 1965, 409),
        (Code::Maintenance, 1999, 503),
        (Code::BadLogin, 2000, 401),
        (Code::BasicNeeded, 2010, 401),
        (Code::NotEntitled, 2012, 403),
    ] {
        let error = PcError::new(code, "text");
        assert_eq!((error.code.number(), error.status.as_u16()), (number, status));
    }
    let waiting = PcError::from(parapet_service::Error::Throttled(7));
    assert_eq!((waiting.code, waiting.wait), (Code::Rate, Some(7)));
    assert!(waiting.text.starts_with("This API cannot be run again for another 7"));
    let newer = parapet_store::Error::SchemaNewer { found: 2, known: 1 };
    assert_eq!(PcError::from(newer).code, Code::Maintenance);
}

#[tokio::test]
async fn too_many_wrong_passwords_are_told_how_long_to_wait() {
    let world = World::new().await;
    let body = "action=login&username=manager&password=wrong";
    let mut last = (0, 0);
    for _ in 0..40 {
        let answer = world.send("reader", Method::POST, "/api/2.0/fo/session/", body).await;
        last = answer.error();
        if last == (409, 1965) {
            assert!(element(answer.text(), "TEXT").starts_with("This API cannot be run again for another"));
            return;
        }
    }
    panic!("never throttled: {last:?}");
}
