//! Tags are the groups of hosts: lists by tag, and one request for all hosts of a tag.

use axum::http::Method;
use parapet_model::AssetNo;
use parapet_model::compliance::{ControlStatus, WHOLE_HOST};

use super::world::{FIRST, World, add_host, count, element};

const FAIL: ControlStatus = ControlStatus::Fail;

/// Four hosts: two in the group `web`, one of which passes the first control; one in `db & more`; one in none.
async fn tagged() -> Vec<(World, [AssetNo; 4], [String; 2])> {
    let mut all = Vec::new();
    for mut world in World::on_both_stores().await {
        let mut hosts = [world.host; 4];
        for (at, (name, ip)) in
            [("web-02", "192.0.2.16"), ("db-01", "192.0.2.20"), ("lone", "192.0.2.21")].iter().enumerate()
        {
            hosts[at + 1] = add_host(&world.server, name, ip, 0).await;
            let status = if at == 0 { ControlStatus::Pass } else { FAIL };
            let now = world.server.app.now();
            world.look_at(hosts[at + 1], now, &[(0, WHOLE_HOST, status, Some("022")), FIRST[1]]).await;
        }
        let (app, local) = (&world.server.app, &world.server.local);
        let snapshot = app.live().snapshot();
        let uuid = |no: AssetNo| snapshot.asset(&local.scope(), no).unwrap().uuid;
        let web = app.hosts().create_group(local, "web", &[uuid(hosts[0]), uuid(hosts[1])]).await.unwrap();
        let db = app.hosts().create_group(local, "db & more", &[uuid(hosts[2])]).await.unwrap();
        all.push((world, hosts, [web.no.to_string(), db.no.to_string()]));
    }
    all
}

async fn get(world: &World, target: &str) -> String {
    let answer = world.send("manager", Method::GET, target, "").await;
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    answer.text().to_owned()
}

#[tokio::test]
async fn hosts_and_posture_are_listed_by_tag() {
    for (world, _, [web, db]) in tagged().await {
        let path = "/api/2.0/fo/asset/host/?action=list";
        for (filter, hosts) in [
            (format!("&use_tags=1&tag_set_include={web}"), 2),
            (format!("&use_tags=1&tag_set_include={web},{db}"), 3),
            (format!("&use_tags=1&tag_set_include={web},{db}&tag_include_selector=all"), 0),
            (format!("&use_tags=1&tag_set_include={web}&tag_include_selector=ALL"), 2),
            (format!("&use_tags=1&tag_set_exclude={web}"), 2),
            (format!("&use_tags=1&tag_set_exclude={web},{db}&tag_exclude_selector=all"), 4),
            ("&use_tags=1&tag_set_by=name&tag_set_include=db%20%26%20more".to_owned(), 1),
            (
                "&use_tags=1&tag_set_by=name&tag_set_include=web,db %26 more&ips=192.0.2.20"
                    .replace(' ', "%20"),
                1,
            ),
            ("&use_tags=0".to_owned(), 4),
        ] {
            assert_eq!(count(&get(&world, &format!("{path}{filter}")).await, "HOST"), hosts, "{filter}");
        }
        let shown = get(&world, &format!("{path}&show_tags=1")).await;
        assert_eq!((count(&shown, "TAG"), element(&shown, "TAG_ID")), (3, web.as_str()), "{shown}");
        assert!(shown.contains("<NAME><![CDATA[db & more]]></NAME>"));
        assert_eq!(count(&get(&world, path).await, "TAGS"), 0);
        let posture = format!("/api/2.0/fo/compliance/posture/info/?action=list&policy_id={}", world.policy);
        for (filter, infos) in [
            (format!("&tag_set_include={web}"), 5),
            (format!("&tag_set_include={db}&tag_set_by=id"), 2),
            (format!("&tag_set_exclude={web},{db}"), 2),
            (format!("&tag_set_include={web}&ips=192.0.2.16"), 2),
            (format!("&tag_set_include={web}&ips=192.0.2.20"), 0),
        ] {
            assert_eq!(count(&get(&world, &format!("{posture}{filter}")).await, "INFO"), infos, "{filter}");
        }
        for (bad, code) in [
            (format!("{path}&use_tags=1"), 1907),
            (format!("{path}&tag_set_include={web}"), 1907),
            (format!("{path}&use_tags=1&tag_set_include=4711"), 1905),
            (format!("{path}&use_tags=1&tag_set_include=web"), 1905),
            (format!("{path}&use_tags=1&tag_set_include=1-99999999999"), 1905),
            (format!("{path}&use_tags=1&tag_set_by=name&tag_set_include=nobody"), 1905),
            (format!("{path}&use_tags=1&tag_set_by=colour&tag_set_include={web}"), 1905),
            (format!("{posture}&tag_include_selector=any"), 1922),
            (format!("{posture}&tag_set_include={web}&tag_include_selector=some"), 1905),
        ] {
            assert_eq!(world.send("manager", Method::GET, &bad, "").await.error(), (400, code), "{bad}");
        }
    }
}

#[tokio::test]
async fn version_3_asks_for_an_exception_on_every_host_of_a_tag() {
    for (world, hosts, [web, db]) in tagged().await {
        let host = format!("&host_id={}", world.host);
        let body = world.request(0).replace(&host, "");
        let ask = async |version: &str, more: &str| {
            let target = format!("/api/{version}/fo/compliance/exception/");
            world.send("analyst", Method::POST, &target, &format!("{body}{more}")).await
        };
        let old = ask("2.0", &format!("&tag_set_include={web}")).await;
        assert_eq!(old.error(), (400, 1901), "version 2.0 has no tags");
        for (more, code) in [
            (String::new(), 1903),
            (format!("&tag_set_exclude={web}"), 1903),
            (format!("&tag_set_include={web}{host}"), 1904),
            (format!("&tag_set_include={web}&instance_string=os"), 1907),
            ("&tag_set_include=4711".to_owned(), 1905),
        ] {
            assert_eq!(ask("3.0", &more).await.error(), (400, code), "{more}");
        }
        // One host of `web` passes: nothing is asked for there.
        let made = ask("3.0", &format!("&tag_set_include={web},{db}")).await;
        assert_eq!((made.status, count(made.text(), "ITEM")), (200, 2), "{}", made.text());
        assert!(made.text().contains("/api/3.0/simple_return.dtd"));
        let numbers: Vec<&str> =
            made.text().split("<VALUE>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
        assert_eq!(numbers, ["1", "2"]);
        let list = world.listed("").await;
        assert_eq!(count(&list, "EXCEPTION"), 2);
        for ip in ["192.0.2.15", "192.0.2.20"] {
            assert!(list.contains(&format!("<IP_ADDRESS>{ip}</IP_ADDRESS>")), "{list}");
        }
        assert_eq!(count(&list, "HISTORY"), 2, "each has its own history");
        // Where one is open, none is made; where all are open, that is said.
        let again = ask("3.0", &format!("&tag_set_include={web}")).await;
        assert_eq!(again.error(), (409, 1920), "{}", again.text());
        let rest = ask("4.0", "&tag_set_by=name&tag_set_include=web,db %26 more&tag_set_exclude=web").await;
        assert_eq!(rest.error(), (409, 1920), "{}", rest.text());
        let snapshot = world.server.app.live().snapshot();
        let lone = snapshot.asset(&world.server.local.scope(), hosts[3]).unwrap().uuid;
        let (app, local) = (&world.server.app, &world.server.local);
        let group = app.hosts().groups(local).await.unwrap()[0].uuid;
        app.hosts().join_group(local, group, &[lone]).await.unwrap();
        let late = ask("3.0", &format!("&tag_set_include={web}")).await;
        assert_eq!((count(late.text(), "ITEM"), element(late.text(), "VALUE")), (1, "3"), "{}", late.text());
        let passing = format!(
            "{}&tag_set_include={web}",
            body.replacen(&world.controls[0].to_string(), &world.controls[1].to_string(), 1)
        );
        let answer = world.send("analyst", Method::POST, "/api/3.0/fo/compliance/exception/", &passing).await;
        assert_eq!(answer.error(), (400, 1905), "it fails nowhere: {}", answer.text());
        assert_eq!(count(&world.listed("").await, "EXCEPTION"), 3);
    }
}

#[tokio::test]
async fn data_points_have_names_when_asked_for() {
    for (world, _, _) in tagged().await {
        let path = format!(
            "/api/2.0/fo/compliance/posture/info/?action=list&policy_id={}&details=All",
            world.policy
        );
        let plain = get(&world, &path).await;
        assert_eq!(count(&plain, "DPD_LIST"), 0);
        let named = get(&world, &format!("{path}&include_dp_name=1")).await;
        let glossary = named.split("<DPD_LIST>").nth(1).unwrap();
        assert_eq!(count(glossary, "DPD"), 3, "one for each test, however many results have it: {glossary}");
        for point in glossary.split("<DPD>").skip(1) {
            let (label, name) = (element(point, "LABEL"), element(point, "NAME"));
            assert!(name.starts_with("oval:test:") && !element(point, "DESC").is_empty(), "{point}");
            assert!(named.contains(&format!("<LABEL>{label}</LABEL>")));
        }
        let info = named.split("<INFO>").find(|info| info.contains("<V><![CDATA[off]]></V>")).unwrap();
        assert_eq!(element(info, "BOOLEAN_EXPR"), format!("{} == 077", element(info, "LABEL")));
    }
}
