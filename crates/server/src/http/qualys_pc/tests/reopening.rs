//! `reopen_on_evidence_change`: a later result with another value, while the control still fails.

use parapet_model::compliance::{ControlStatus, WHOLE_HOST};

use super::world::{FIRST, World, count, element};

const FAIL: ControlStatus = ControlStatus::Fail;

async fn approved(reopens: &str) -> Vec<World> {
    let worlds = World::on_both_stores().await;
    for world in &worlds {
        let no = world.ask("analyst", 0, &format!("&reopen_on_evidence_change={reopens}")).await;
        let body = format!("action=update&exception_numbers={no}&comments=ok&status=Approved&end_date=0");
        assert_eq!(world.exceptions("manager", &body).await.status, 200);
    }
    worlds
}

async fn standing(world: &World) -> String {
    element(&world.listed("").await, "STATUS").to_owned()
}

#[tokio::test]
async fn another_value_reopens_with_both_values_in_the_history() {
    for mut world in approved("1").await {
        assert_eq!(world.look(&FIRST).await, 0, "the same value again");
        assert_eq!(standing(&world).await, "Approved");
        assert_eq!(world.look(&[(0, WHOLE_HOST, FAIL, Some("026")), FIRST[1], FIRST[2]]).await, 1);
        let list = world.listed("").await;
        assert_eq!(element(&list, "STATUS"), "Pending");
        let last = list.rsplit("<HISTORY>").next().unwrap();
        assert_eq!(element(last, "USER"), "parapet");
        let comment = element(last, "COMMENT");
        assert!(comment.contains("Approved value: 022.") && comment.contains("New value: 026."), "{comment}");
        assert_eq!(world.look(&[(0, WHOLE_HOST, FAIL, Some("022")), FIRST[1], FIRST[2]]).await, 0);
        assert_eq!(standing(&world).await, "Pending", "it must be judged anew");
        let audit =
            world.server.app.audit(&world.server.local, &Default::default(), u32::MAX, 20).await.unwrap();
        assert!(audit.iter().any(|a| (a.actor.as_str(), a.action.as_str()) == ("parapet", "reopen")));
        // Approved again, it is approved for what is found now.
        let body = "action=update&exception_numbers=1&comments=ok&status=Approved&end_date=0";
        assert_eq!(world.exceptions("manager", body).await.status, 200);
        assert_eq!(world.look(&[(0, WHOLE_HOST, FAIL, Some("026")), FIRST[1], FIRST[2]]).await, 1);
    }
}

#[tokio::test]
async fn only_a_failure_with_another_value_reopens() {
    for mut world in approved("1").await {
        for status in [ControlStatus::Pass, ControlStatus::Error, ControlStatus::NotApplicable] {
            assert_eq!(world.look(&[(0, WHOLE_HOST, status, Some("077"))]).await, 0, "{status:?}");
            assert_eq!(standing(&world).await, "Approved", "{status:?}");
        }
        // It passed in between, and fails as it did when it was approved.
        assert_eq!(world.look(&FIRST).await, 0);
        // It passed in between, and fails with another value.
        assert_eq!(world.look(&[(0, WHOLE_HOST, ControlStatus::Pass, Some("077"))]).await, 0);
        assert_eq!(world.look(&[(0, WHOLE_HOST, FAIL, None)]).await, 1, "nothing found is a value too");
        assert!(world.listed("").await.contains("New value: nothing found."));
    }
}

#[tokio::test]
async fn an_exception_that_does_not_want_it_stays_and_so_does_one_of_the_past() {
    for mut world in approved("0").await {
        assert_eq!(world.look(&[(0, WHOLE_HOST, FAIL, Some("026"))]).await, 0);
        assert_eq!(standing(&world).await, "Approved");
        // Somebody changes their mind; an older look that arrives late changes nothing.
        let body = "action=update&exception_numbers=1&comments=watch it&reopen_on_evidence_change=1";
        assert_eq!(world.exceptions("manager", body).await.status, 200);
        let (host, before) = (world.host, world.server.clock_start() + 500);
        assert_eq!(world.look_at(host, before, &[(0, WHOLE_HOST, FAIL, Some("000"))]).await, 0);
        assert_eq!(standing(&world).await, "Approved");
        // A pending one is not touched.
        let back = "action=update&exception_numbers=1&comments=back&status=Pending";
        assert_eq!(world.exceptions("manager", back).await.status, 200);
        assert_eq!(world.look(&[(0, WHOLE_HOST, FAIL, Some("111"))]).await, 0);
    }
}

#[tokio::test]
async fn an_exception_of_a_host_that_is_gone_is_not_active_and_stays_as_it_is() {
    for world in approved("1").await {
        let mut tx = world.server.app.store().begin().await.unwrap();
        tx.delete_asset(world.host).await.unwrap();
        tx.commit().await.unwrap();
        world.server.app.live().catch_up().await.unwrap();
        let list = world.listed("").await;
        assert_eq!((element(&list, "ACTIVE"), element(&list, "STATUS")), ("0", "Approved"));
        assert!(!list.contains("<HOST>"), "{list}");
        assert_eq!(count(&world.listed("&is_active=1").await, "EXCEPTION"), 0);
        assert_eq!(count(&world.listed("&is_active=0").await, "EXCEPTION"), 1);
        let again = world.exceptions("manager", &world.request(0)).await;
        assert_eq!(again.error(), (400, 1905));
    }
}
