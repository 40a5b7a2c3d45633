//! What the parameters refer to: controls, policies, posture, hosts, users.

use axum::http::Method;
use parapet_model::compliance::{ControlStatus, WHOLE_HOST};

use super::world::{INSTANCE, World, add_host, count, element};

async fn get(world: &World, target: &str) -> String {
    let answer = world.send("manager", Method::GET, target, "").await;
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    answer.text().to_owned()
}

#[tokio::test]
async fn every_id_of_a_request_is_found_in_a_list() {
    for world in World::on_both_stores().await {
        let policies = get(&world, "/api/2.0/fo/compliance/policy/?action=list&details=All").await;
        assert_eq!(element(&policies, "ID"), world.policy.to_string());
        assert_eq!(element(&policies, "TITLE"), "ANSSI-BP-028 (enhanced)");
        let controls = get(&world, "/api/2.0/fo/compliance/control/?action=list&details=All").await;
        assert_eq!((count(&controls, "CONTROL"), count(&policies, "CONTROL")), (3, 3));
        assert_eq!(element(&controls, "ID"), world.controls[0].to_string());
        for text in [
            "<CATEGORY>Access</CATEGORY>",
            "Accounts & files",
            "files stay private <here>",
            "MEDIUM",
            "CIS",
            "5.4.2",
        ] {
            assert!(controls.contains(text), "{text}: {controls}");
        }
        for list in [&policies, &controls] {
            let technology = list.split("<TECHNOLOGY>").nth(1).unwrap();
            assert_eq!(element(technology, "ID"), world.technology.to_string());
            assert_eq!(element(technology, "NAME"), "Debian GNU/Linux 12.x");
        }
        let hosts = get(&world, "/api/2.0/fo/asset/host/?action=list").await;
        assert_eq!(element(&hosts, "ID"), world.host.to_string());
        for (name, value) in [
            ("IP", "192.0.2.15"),
            ("TRACKING_METHOD", "IP"),
            ("DNS", "web-01.example.test"),
            ("HOSTNAME", "web-01"),
            ("LAST_COMPLIANCE_SCAN_DATETIME", "2026-11-02T00:00:01Z"),
        ] {
            assert_eq!(element(&hosts, name), value, "{name}");
        }
        let users = get(&world, "/msp/user_list.php").await;
        let manager = users.split("<USER>").find(|user| user.contains("<USER_LOGIN>manager<")).unwrap();
        assert_eq!(element(manager, "USER_ID"), world.users["manager"].to_string());
        assert_eq!((element(manager, "USER_ROLE"), element(manager, "USER_STATUS")), ("Manager", "Active"));
        assert!(!users.contains("<RESPONSE>"));
        let posture = format!("/api/2.0/fo/compliance/posture/info/?action=list&policy_id={}", world.policy);
        let posture = get(&world, &posture).await;
        let third = posture.split("<INFO>").find(|info| info.contains("MSSQL")).unwrap();
        assert_eq!(element(third, "INSTANCE"), INSTANCE);
        assert_eq!(element(third, "CONTROL_ID"), world.controls[2].to_string());
    }
}

#[tokio::test]
async fn a_user_without_the_right_sees_only_their_own_login_and_number() {
    for world in World::on_both_stores().await {
        let answer = world.send("analyst", Method::GET, "/msp/user_list.php", "").await;
        let text = answer.text();
        assert_eq!((count(text, "USER_ID"), element(text, "USER_LOGIN")), (1, "analyst"));
        assert!(count(text, "USER") > 3, "the others are there, without login and number: {text}");
    }
}

#[tokio::test]
async fn details_and_cursors_of_the_lists() {
    for world in World::on_both_stores().await {
        add_host(&world.server, "db-01", "192.0.2.20", 0).await;
        let path = "/api/2.0/fo/compliance/control/";
        let ids = get(&world, &format!("{path}?action=list&details=None")).await;
        assert!(element(&ids, "ID_RANGE").contains('-') && !ids.contains("<CONTROL>"), "{ids}");
        let first = get(&world, &format!("{path}?action=list&truncation_limit=2")).await;
        assert_eq!(count(&first, "CONTROL"), 2);
        let url = element(&first, "URL").replace("&amp;", "&");
        assert!(url.ends_with(&format!("id_min={}", world.controls[2])), "{url}");
        let rest = get(&world, url.strip_prefix("http://pc.example.test").unwrap()).await;
        assert_eq!((count(&rest, "CONTROL"), count(&rest, "WARNING")), (1, 0));
        let one = get(&world, &format!("{path}?action=list&ids={}", world.controls[1])).await;
        assert_eq!(element(&one, "STATEMENT"), "Telnet is not installed");
        let none = get(&world, &format!("{path}?action=list&created_after_datetime=2027-01-01")).await;
        assert!(!none.contains("CONTROL_LIST>"));
        let policies = get(&world, "/api/2.0/fo/compliance/policy/?action=list&details=None").await;
        assert!(policies.contains("<TITLE>") && !policies.contains("<CREATED>"));
        for (filter, hosts) in [
            ("", 2),
            ("&compliance_enabled=1", 1),
            ("&compliance_enabled=0", 1),
            ("&ips=192.0.2.16-192.0.2.20", 1),
            ("&os_hostname=DB-01", 1),
            ("&compliance_scan_since=2026-11-03", 0),
            ("&no_compliance_scan_since=2026-11-03", 2),
            ("&details=All", 2),
        ] {
            let list = get(&world, &format!("/api/2.0/fo/asset/host/?action=list{filter}")).await;
            assert_eq!(count(&list, "HOST"), hosts, "{filter}: {list}");
        }
        let cut = get(&world, "/api/2.0/fo/asset/host/?action=list&truncation_limit=1").await;
        let next = element(&cut, "URL").replace("&amp;", "&");
        let rest = get(&world, next.strip_prefix("http://pc.example.test").unwrap()).await;
        assert_eq!((count(&cut, "HOST"), count(&rest, "HOST"), count(&rest, "WARNING")), (1, 1, 0));
    }
}

#[tokio::test]
async fn posture_tells_at_each_level_what_it_should() {
    for world in World::on_both_stores().await {
        let path = format!("/api/2.0/fo/compliance/posture/info/?action=list&policy_id={}", world.policy);
        let basic = get(&world, &format!("{path}&cause_of_failure=1")).await;
        assert_eq!((count(&basic, "INFO"), count(&basic, "CAUSE_OF_FAILURE")), (3, 2), "{basic}");
        assert!(!basic.contains("<EVIDENCE>") && basic.contains("<GLOSSARY>"));
        let summary = &basic[basic.find("<SUMMARY>").unwrap()..];
        for (name, value) in [
            ("TOTAL_ASSETS", "1"),
            ("TOTAL_CONTROLS", "3"),
            ("TOTAL", "3"),
            ("TOTAL_PASSED", "1"),
            ("TOTAL_FAILED", "2"),
            ("TOTAL_ERROR", "0"),
            ("TOTAL_EXCEPTIONS", "0"),
        ] {
            assert_eq!(element(summary, name), value, "{name}");
        }
        let failed = basic.split("<INFO>").nth(1).unwrap();
        assert_eq!((element(failed, "STATUS"), element(failed, "INSTANCE")), ("Failed", "os"));
        assert_eq!(element(failed, "UNEXPECTED").trim(), "<V><![CDATA[022]]></V>");
        assert_eq!(element(failed, "MISSING").trim(), "<V><![CDATA[077]]></V>");
        let light = get(&world, &format!("{path}&details=Light")).await;
        assert_eq!(element(&light, "BOOLEAN_EXPR"), ":dp_1 == 077");
        assert!(
            light.contains("<LABEL>:dp_1</LABEL>") && light.contains("lastUpdated=\"2026-11-02T00:00:01Z\"")
        );
        assert!(light.contains("nothing found") && !light.contains("<PERCENTAGE>"));
        let all = get(&world, &format!("{path}&details=All&show_extended_evidence=1")).await;
        assert_eq!(element(&all, "PERCENTAGE"), "33%");
        assert!(all.contains("<EXTENDED_EVIDENCE>") && all.contains("<RATIONALE_LIST>"));
        let hidden = get(&world, &format!("{path}&details=All&hide_evidence=1")).await;
        assert!(!hidden.contains("<EVIDENCE>"));
        let ids = get(&world, &format!("{path}&details=None")).await;
        assert!(!element(&ids, "ID_SET").is_empty() && !ids.contains("<SUMMARY>"), "{ids}");
        let several = path.replace("policy_id", "policy_ids");
        let several = get(&world, &several).await;
        assert_eq!((count(&several, "POLICY"), count(&several, "INFO")), (1, 3), "{several}");
    }
}

#[tokio::test]
async fn a_failure_under_an_exception_is_shown_as_passed_with_it() {
    for world in World::on_both_stores().await {
        let path = format!("/api/2.0/fo/compliance/posture/info/?action=list&policy_id={}", world.policy);
        world.ask("analyst", 0, "").await;
        let pending = get(&world, &path).await;
        let info = pending.split("<INFO>").find(|info| info.contains("<EXCEPTION>")).unwrap();
        let block = element(info, "EXCEPTION");
        assert_eq!((element(info, "STATUS"), element(block, "STATUS")), ("Failed", "Pending"));
        assert_eq!(element(block, "END_DATETIME"), "2026-11-02T23:59:59Z");
        assert_eq!((element(block, "ASSIGNEE"), element(block, "BY")), ("manager", "analyst"));
        let body = "action=update&exception_numbers=1&comments=agreed&status=Approved&end_date=02/01/2027";
        assert_eq!(world.exceptions("manager", body).await.status, 200);
        let approved = get(&world, &format!("{path}&details=All")).await;
        let info = approved.split("<INFO>").find(|info| info.contains("<EXCEPTION>")).unwrap();
        assert_eq!(
            (element(info, "STATUS"), element(element(info, "EXCEPTION"), "STATUS")),
            ("Passed", "Approved")
        );
        assert!(info.contains("<COMMENT_LIST>") && info.contains("agreed"));
        for (name, value) in [("TOTAL_PASSED", "2"), ("TOTAL_FAILED", "1"), ("TOTAL_EXCEPTIONS", "1")] {
            assert_eq!(element(&approved, name), value, "{name}");
        }
        assert_eq!(element(&approved, "PERCENTAGE"), "66%");
        for (filter, infos) in [
            ("&status=Passed", 2),
            ("&status=Failed", 1),
            ("&status=error", 0),
            ("&criticality_labels=MEDIUM,high".trim_end_matches(",high"), 3),
            ("&criticality_values=5", 0),
            ("&ips=192.0.2.15", 3),
            ("&ips=192.0.2.16", 0),
            ("&host_ids=1-9", 3),
            ("&host_ids=77", 0),
            ("&evaluation_date=2026-11-03", 0),
            ("&status_changes_since=2026-11-02", 3),
        ] {
            let list = get(&world, &format!("{path}{filter}")).await;
            assert_eq!(count(&list, "INFO"), infos, "{filter}: {list}");
        }
        world.server.clock.advance(120 * parapet_model::time::DAY);
        let expired = get(&world, &path).await;
        let info = expired.split("<INFO>").find(|info| info.contains("<EXCEPTION>")).unwrap();
        assert_eq!(
            (element(info, "STATUS"), element(element(info, "EXCEPTION"), "STATUS")),
            ("Failed", "Expired")
        );
    }
}

#[tokio::test]
async fn posture_is_cut_off_at_the_limit_and_comes_as_a_table_too() {
    for mut world in World::on_both_stores().await {
        let path = format!("/api/2.0/fo/compliance/posture/info/?action=list&policy_id={}", world.policy);
        let mut target = format!("{path}&truncation_limit=2");
        let (mut infos, mut calls) = (0, 0);
        loop {
            let page = get(&world, &target).await;
            infos += count(&page, "INFO");
            calls += 1;
            let url = element(&page, "URL").replace("&amp;", "&");
            let Some(next) = url.strip_prefix("http://pc.example.test") else { break };
            assert!(next.contains("id_min="));
            target = next.to_owned();
        }
        assert_eq!((infos, calls), (3, 2));
        let whole = get(&world, &format!("{path}&truncation_limit=0")).await;
        assert_eq!((count(&whole, "INFO"), count(&whole, "WARNING")), (3, 0));
        let second = add_host(&world.server, "=cmd()", "192.0.2.30", 0).await;
        let now = world.server.app.now();
        world
            .look_at(second, now, &[(0, WHOLE_HOST, ControlStatus::Fail, Some("a \"quoted\", value"))])
            .await;
        let table = get(&world, &format!("{path}&output_format=CSV_NO_METADATA")).await;
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 5, "{table}");
        assert!(lines[0].starts_with("\"Posture ID\",\"Host ID\""));
        assert!(table.contains("\"'=cmd()\"") && table.contains("a \"\"quoted\"\", value"), "{table}");
        let table = get(&world, &format!("{path}&output_format=csv")).await;
        assert!(table.starts_with("\"Policy ID\"") && table.contains("\r\n\r\n\"Posture ID\""));
    }
}
