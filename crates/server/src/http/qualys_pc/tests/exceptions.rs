//! The workflow over the wire: asking, deciding, deleting, listing, the passing of time.

use axum::http::Method;
use parapet_model::time::DAY;

use super::world::{INSTANCE, World, count, element};

const LATER: &str = "&end_date=02/01/2027";

async fn update(world: &World, numbers: &str, more: &str) -> crate::http::testing::Answer {
    world
        .exceptions("manager", &format!("action=update&exception_numbers={numbers}&comments=looked at{more}"))
        .await
}

/// What the list says of one exception.
async fn state(world: &World, number: &str) -> (String, String) {
    let list = world.listed(&format!("&exception_number={number}")).await;
    (element(&list, "STATUS").to_owned(), element(&list, "EXPIRATION_DATE").to_owned())
}

#[tokio::test]
async fn a_request_is_answered_as_the_page_shows() {
    for world in World::on_both_stores().await {
        let answer = world.exceptions("manager", &world.request(0)).await;
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n\
            <!DOCTYPE SIMPLE_RETURN SYSTEM \"http://pc.example.test/api/2.0/simple_return.dtd\">\n\
            <SIMPLE_RETURN>\n  <RESPONSE>\n    <DATETIME>2026-11-02T00:00:01Z</DATETIME>\n    \
            <TEXT>Exception created successfully</TEXT>\n    <ITEM_LIST>\n      <ITEM>\n        \
            <KEY>EXCEPTION_NUMBER</KEY>\n        <VALUE>1</VALUE>\n      </ITEM>\n    </ITEM_LIST>\n  \
            </RESPONSE>\n</SIMPLE_RETURN>\n";
        assert_eq!((answer.status, answer.text()), (200, expected));
        // `create` is the same; another control, by its instance.
        let create = world.request(2).replace("action=request", "action=create");
        let answer = world.exceptions("analyst", &create).await;
        assert_eq!(element(answer.text(), "VALUE"), "2", "{}", answer.text());
        let list = world.listed("").await;
        assert_eq!(count(&list, "EXCEPTION"), 2);
        assert_eq!(element(&list, "EXPIRATION_DATE"), "2026-11-02T00:00:00Z", "the day it was made");
        for (element_name, value) in [
            ("STATUS", "Pending"),
            ("ACTIVE", "1"),
            ("REOPEN_ON_EVIDENCE_CHANGE", "0"),
            ("ASSIGNEE", "manager"),
            ("IP_ADDRESS", "192.0.2.15"),
            ("NAME", "Debian GNU/Linux 12.x"),
            ("STATEMENT", "Default umask in login.defs"),
            ("COMMENT", "legacy job"),
            ("USER", "manager"),
        ] {
            assert_eq!(element(&list, element_name), value, "{element_name}");
        }
        assert!(!list.contains(INSTANCE), "the list has no element for it");
    }
}

#[tokio::test]
async fn a_decision_is_kept_with_who_when_what_and_why() {
    for world in World::on_both_stores().await {
        let no = world.ask("analyst", 0, "&reopen_on_evidence_change=1").await;
        world.server.clock.advance(60_000);
        let change = format!("&status=approved{LATER}&reassign_to={}", world.users["auditor"]);
        let answer = world
            .exceptions("auditor", &format!("action=update&exception_numbers={no}&comments=agreed{change}"))
            .await;
        assert_eq!(element(answer.text(), "TEXT"), "Successfully Updated", "{}", answer.text());
        assert_eq!(element(answer.text(), "NUMBER"), no);
        let list = world.listed("").await;
        assert_eq!(element(&list, "STATUS"), "Approved");
        assert_eq!(element(&list, "EXPIRATION_DATE"), "2027-02-01T00:00:00Z");
        assert_eq!(element(&list, "ASSIGNEE"), "auditor");
        assert_eq!(element(&list, "MODIFIED_DATE"), "2026-11-02T00:01:01Z");
        let history: Vec<&str> = list.split("<HISTORY>").skip(1).collect();
        assert_eq!(history.len(), 2, "{list}");
        assert_eq!((element(history[0], "USER"), element(history[1], "USER")), ("analyst", "auditor"));
        assert_eq!(element(history[1], "INSERTION_DATE"), "2026-11-02T00:01:01Z");
        let comment = element(history[1], "COMMENT");
        assert!(comment.starts_with("agreed\n[Status: pending to approved"), "{comment}");
        assert!(comment.contains("End: 2027-02-01"), "{comment}");
        let basic = world.exceptions("manager", "action=list").await;
        assert!(!basic.text().contains("<HISTORY_LIST>"), "only with details=All");
        let audit =
            world.server.app.audit(&world.server.local, &Default::default(), u32::MAX, 10).await.unwrap();
        let seen: Vec<(&str, &str, &str)> =
            audit.iter().map(|a| (a.actor.as_str(), a.action.as_str(), a.kind.as_str())).collect();
        assert!(seen.contains(&("auditor", "update", "control_exception")), "{seen:?}");
        assert!(seen.contains(&("analyst", "create", "control_exception")), "{seen:?}");
    }
}

#[tokio::test]
async fn the_day_ends_at_24_utc_and_what_expired_can_be_taken_up_again() {
    for world in World::on_both_stores().await {
        let no = world.ask("analyst", 0, "").await;
        // Approved on the day it was made, without an end: it holds until midnight.
        assert_eq!(update(&world, &no, "&status=Approved").await.status, 200);
        world.server.clock.set(world.server.clock_start() + DAY - 1);
        assert_eq!(state(&world, &no).await.0, "Approved");
        world.server.clock.advance(1);
        assert_eq!(state(&world, &no).await.0, "Expired");
        let expired = world.listed("&status=expired").await;
        assert_eq!(count(&expired, "EXCEPTION"), 1);
        assert_eq!(count(&world.listed("&status=approved").await, "EXCEPTION"), 0);
        // Nothing but a step with another end brings it back.
        assert_eq!(update(&world, &no, LATER).await.error(), (400, 1905));
        assert_eq!(update(&world, &no, "&status=Rejected").await.error(), (400, 1905));
        assert_eq!(update(&world, &no, "&status=Approved").await.error(), (400, 1903));
        assert_eq!(update(&world, &no, "").await.status, 200, "a comment is always taken");
        let again = world.exceptions("analyst", &world.request(0)).await;
        assert_eq!(element(again.text(), "VALUE"), "2", "an expired one is not in the way: {}", again.text());
        assert_eq!(update(&world, &no, "&status=Approved&end_date=0").await.error(), (409, 1920));
        assert_eq!(update(&world, "2", "&status=Rejected").await.status, 200);
        assert_eq!(update(&world, &no, "&status=Approved&end_date=0").await.status, 200);
        assert_eq!(state(&world, &no).await, ("Approved".to_owned(), "N/A".to_owned()));
    }
}

#[tokio::test]
async fn steps_follow_the_table_and_approving_late_needs_an_end() {
    for world in World::on_both_stores().await {
        let no = world.ask("analyst", 0, "").await;
        world.server.clock.advance(2 * DAY);
        assert_eq!(state(&world, &no).await.0, "Pending", "what is pending does not expire");
        let late = update(&world, &no, "&status=Approved").await;
        assert_eq!(late.error(), (400, 1903));
        assert!(element(late.text(), "TEXT").contains("end_date"));
        for (step, standing) in [
            ("&status=Rejected", "Rejected"),
            ("&status=Rejected", "Rejected"),
            ("&status=PENDING", "Pending"),
            ("&status=approved&end_date=02/01/2027", "Approved"),
            ("&end_date=03/01/2027", "Approved"),
            ("&status=Pending", "Pending"),
            ("&status=Approved", "Approved"),
            ("&status=Rejected", "Rejected"),
            ("&status=Approved&end_date=0", "Approved"),
        ] {
            let answer = update(&world, &no, step).await;
            assert_eq!(answer.status, 200, "{step}: {}", answer.text());
            assert_eq!(state(&world, &no).await.0, standing, "{step}");
        }
    }
}

#[tokio::test]
async fn many_are_decided_at_once_and_each_failure_has_its_own_batch() {
    for mut world in World::on_both_stores().await {
        let (first, third) = (world.ask("analyst", 0, "").await, world.ask("analyst", 2, "").await);
        assert_eq!((first.as_str(), third.as_str()), ("1", "2"));
        let answer = update(&world, "1-3,9", &format!("&status=Approved{LATER}")).await;
        let text = answer.text();
        assert_eq!((answer.status, count(text, "BATCH")), (200, 2), "{text}");
        assert!(text.contains("exception/exception_batch_return.dtd\""));
        let batches: Vec<&str> = text.split("<BATCH>").skip(1).collect();
        assert_eq!(element(batches[0], "CODE"), "");
        assert_eq!(element(batches[0], "NUMBER_RANGE"), "1-2");
        assert_eq!(element(batches[1], "CODE"), "1905");
        assert_eq!((element(batches[1], "NUMBER"), count(batches[1], "NUMBER")), ("3", 2));
        let none = update(&world, "7-9", "&status=Approved&end_date=0").await;
        assert_eq!((none.error(), none.text().contains("<SIMPLE_RETURN>")), ((400, 1905), true));
        let gone = world.exceptions("manager", "action=delete&exception_numbers=1-2").await;
        assert_eq!(element(gone.text(), "TEXT"), "Exception(s) deleted successfully", "{}", gone.text());
        assert_eq!(element(gone.text(), "NUMBER_RANGE"), "1-2");
        assert_eq!(count(&world.listed("").await, "EXCEPTION"), 0);
        assert_eq!(update(&world, "1", "").await.error(), (400, 1905), "what was deleted is no more");
        assert_eq!(
            world.exceptions("manager", "action=delete&exception_numbers=1").await.error(),
            (400, 1905)
        );
        assert_eq!(world.look(&super::world::FIRST).await, 0);
        assert_eq!(world.ask("analyst", 0, "").await, "3", "a number is never given twice");
    }
}

#[tokio::test]
async fn lists_are_filtered_and_cut_off_with_the_way_on() {
    for world in World::on_both_stores().await {
        world.ask("analyst", 0, "").await;
        world.ask("manager", 2, "").await;
        world.server.clock.advance(DAY);
        assert_eq!(update(&world, "2", "&status=Approved&end_date=12/24/2026").await.status, 200);
        let control = world.controls[0].to_string();
        let analyst = format!("&created_by={}", world.users["analyst"]);
        for (filter, wanted) in [
            ("&status=Pending", vec!["1"]),
            ("&status=approved", vec!["2"]),
            ("&status=rejected", vec![]),
            ("&exception_numbers=2-9", vec!["2"]),
            ("&exception_number_min=2", vec!["2"]),
            ("&exception_number_max=1", vec!["1"]),
            ("&ip=192.0.2.15", vec!["1", "2"]),
            ("&ip=192.0.2.16", vec![]),
            ("&network_name=Global Default Network", vec!["1", "2"]),
            ("&network_name=other", vec![]),
            ("&is_active=1", vec!["1", "2"]),
            ("&is_active=0", vec![]),
            (&format!("&control_id={}", &control[..control.len() - 1]), vec!["1", "2"]),
            (&format!("&control_id={control}"), vec!["1"]),
            ("&control_statement=UMASK in", vec!["1"]),
            ("&technology_name=debian gnu/linux 12.x", vec!["1", "2"]),
            ("&technology_name=Debian", vec![]),
            (&analyst, vec!["1"]),
            (&format!("&modified_by={}", world.users["manager"]), vec!["2"]),
            ("&created_after_date=11/02/2026", vec!["1", "2"]),
            ("&created_after_date=11/03/2026", vec![]),
            ("&updated_after_date=11/03/2026", vec!["2"]),
            ("&expired_before_date=12/24/2026", vec!["1"]),
            ("&expired_before_date=12/25/2026", vec!["1", "2"]),
            ("&expired_after_date=12/24/2026", vec!["2"]),
            ("&status=Pending&ip=192.0.2.15&control_statement=telnet", vec![]),
        ] {
            let list = world.listed(filter).await;
            let numbers: Vec<&str> = list
                .split("<EXCEPTION_NUMBER>")
                .skip(1)
                .map(|rest| rest.split('<').next().unwrap())
                .collect();
            assert_eq!(numbers, wanted, "{filter}");
        }
        let none = world.exceptions("manager", "action=list&details=None").await;
        assert_eq!(element(none.text(), "NUMBER_RANGE"), "1-2");
        let empty = world.exceptions("manager", "action=list&status=rejected").await;
        assert!(!empty.text().contains("LIST>") && empty.text().contains("<DATETIME>"), "{}", empty.text());

        let target =
            "/api/2.0/fo/compliance/exception/?action=list&truncation_limit=1&control_statement=u%26i%20 "
                .trim_end();
        let target = target.replace("&control_statement=u%26i%20", "");
        let first = world.send("manager", Method::GET, &target, "").await;
        assert_eq!(count(first.text(), "EXCEPTION"), 1);
        assert_eq!(element(first.text(), "CODE"), "1980");
        let url = element(first.text(), "URL").replace("&amp;", "&");
        assert_eq!(
            url,
            "http://pc.example.test/api/2.0/fo/compliance/exception/?action=list&truncation_limit=1&exception_number_min=2"
        );
        let next = url.strip_prefix("http://pc.example.test").unwrap();
        let second = world.send("manager", Method::GET, next, "").await;
        assert_eq!(element(second.text(), "EXCEPTION_NUMBER"), "2");
        assert!(!second.text().contains("<WARNING>"), "the cursor ends: {}", second.text());
    }
}

#[tokio::test]
async fn the_two_commands_of_the_page_work_with_ids_of_64_bits() {
    for world in World::on_both_stores().await {
        let body = |assignee: &str| {
            format!(
                "action=request&control_id=1113&host_id=28595192824&policy_id=801459496&technology_id=45\
                 &assignee_id={assignee}&comments=new exception"
            )
        };
        // The second sample lacks an ampersand: one value is to blame, and nothing is guessed.
        let printed = world.exceptions("manager", &body("2449482824reopen_on_evidence_change=1")).await;
        assert_eq!(printed.error(), (400, 1905));
        assert!(
            element(printed.text(), "TEXT")
                .starts_with("parameter assignee_id has invalid value: 2449482824reopen")
        );
        let unknown = world.exceptions("manager", &body("2449482824")).await;
        assert_eq!(unknown.error(), (400, 1905), "64 bits are read: the host is unknown, not the number");
        assert!(element(unknown.text(), "TEXT").contains("host_id has invalid value: 28595192824"));
    }
}
