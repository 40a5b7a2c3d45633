//! Who may do what: the table of the contract, role by role and action by action, each over the wire.

use parapet_model::EnterpriseProjectNo;
use parapet_store::accounts::Membership;
use parapet_store::seal::Secret;

use super::world::{World, add_host, count, element};
use crate::http::testing::PASSWORD;

/// Our role, list, request, comment, decide, delete. `manager`, `auditor` and `unit_manager` are those
/// of the family; its scanner is `analyst`, its reader `requester`. `reader` and `sensor` are ours.
const TABLE: [(&str, [bool; 5]); 7] = [
    ("manager", [true, true, true, true, true]),
    ("auditor", [true, true, true, true, true]),
    ("unit_manager", [true, true, true, true, true]),
    ("analyst", [true, true, true, false, false]),
    ("requester", [true, true, true, false, false]),
    ("reader", [true, false, false, false, false]),
    ("sensor", [false, false, false, false, false]),
];

#[tokio::test]
async fn each_role_may_what_the_table_says() {
    assert_eq!(parapet_model::Role::built_in().len(), TABLE.len(), "every role is in the table");
    for (role, [list, request, comment, decide, delete]) in TABLE {
        let world = World::new().await;
        world.ask("manager", 0, "").await;
        let ask = world.request(2);
        for (body, allowed) in [
            ("action=list", list),
            (ask.as_str(), request),
            ("action=update&exception_numbers=1&comments=c", comment),
            ("action=update&exception_numbers=1&comments=c&status=Approved", decide),
            ("action=update&exception_numbers=1&comments=c&end_date=0", decide),
            ("action=update&exception_numbers=1&comments=c&reopen_on_evidence_change=1", decide),
            ("action=update&exception_numbers=1&comments=c&reassign_to=1", decide),
            ("action=delete&exception_numbers=1", delete),
        ] {
            let answer = world.exceptions(role, body).await;
            let wanted = if allowed { 200 } else { 403 };
            assert_eq!(answer.status, wanted, "{role}: {body}: {}", answer.text());
            assert!(allowed || answer.error() == (403, 2012), "{role}: {body}: {}", answer.text());
        }
        let left = count(&world.listed("").await, "EXCEPTION");
        assert_eq!(left, usize::from(!delete) + usize::from(request), "{role}");
    }
}

#[tokio::test]
async fn a_unit_manager_decides_for_the_own_unit_alone() {
    let mut world = World::new().await;
    let mut tx = world.server.app.store().begin().await.unwrap();
    let project = world.server.local.project;
    let unit = tx.ensure_enterprise_project("unit-1", "unit one").await.unwrap();
    tx.commit().await.unwrap();
    let app = &world.server.app;
    app.accounts()
        .create_user(&world.server.local, "una", Secret::new(PASSWORD), &["unit_manager".to_owned()])
        .await
        .unwrap();
    let mut tx = app.store().begin().await.unwrap();
    let user = tx.user_by_name("una").await.unwrap().unwrap().no;
    let granted = Some([EnterpriseProjectNo(unit.no.0)].into());
    let roles = ["unit_manager".to_owned()].into();
    tx.set_membership(&Membership { user, project, roles, enterprise_projects: granted }).await.unwrap();
    tx.commit().await.unwrap();
    let inside = add_host(&world.server, "inside", "192.0.2.40", unit.no.0).await;
    let now = world.server.app.now();
    world.look_at(inside, now, &super::world::FIRST).await;
    world.ask("manager", 0, "").await;
    let own = world.request(0).replace(&format!("host_id={}", world.host), &format!("host_id={inside}"));
    assert_eq!(element(world.exceptions("una", &own).await.text(), "VALUE"), "2");
    let foreign = world.exceptions("una", &world.request(2)).await;
    assert_eq!(foreign.error(), (400, 1905), "the host of another unit is unknown: {}", foreign.text());
    let list = world.exceptions("una", "action=list").await;
    assert_eq!((count(list.text(), "EXCEPTION"), element(list.text(), "EXCEPTION_NUMBER")), (1, "2"));
    let both = "action=update&exception_numbers=1-2&comments=c&status=Approved&end_date=0";
    let answer = world.exceptions("una", both).await;
    let batches: Vec<&str> = answer.text().split("<BATCH>").skip(1).collect();
    assert_eq!((element(batches[0], "NUMBER"), element(batches[1], "NUMBER")), ("2", "1"));
    assert_eq!(element(batches[1], "CODE"), "1905");
    // An assignee needs access to the host.
    let to_una = format!("{}&assignee_id={user}", world.request(2));
    assert_eq!(world.exceptions("manager", &to_una).await.error(), (400, 1905));
    let reassign = format!("action=update&exception_numbers=1-2&comments=c&reassign_to={user}");
    let answer = world.exceptions("manager", &reassign).await;
    let batches: Vec<&str> = answer.text().split("<BATCH>").skip(1).collect();
    assert_eq!(
        (element(batches[0], "NUMBER"), element(batches[1], "NUMBER")),
        ("2", "1"),
        "{}",
        answer.text()
    );
}
