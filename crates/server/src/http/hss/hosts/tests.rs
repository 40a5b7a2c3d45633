//! Servers, groups and asset values over the wire.

use axum::http::Method;
use serde_json::{Value, json};

use crate::http::hss::exports::tests::world;
use crate::http::testing::TestServer;

async fn get(server: &TestServer, path: &str) -> Value {
    let answer = server.hss("manager", Method::GET, path, "").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

async fn send(server: &TestServer, method: Method, path: &str, body: Value) -> (u16, Value) {
    let answer = server.hss("manager", method, path, &body.to_string()).await;
    (answer.status, answer.body["error_code"].clone())
}

#[tokio::test]
async fn servers_are_listed_with_what_they_have() {
    let (server, web, data) = world().await;
    let list = get(&server, "/host-management/hosts").await;
    assert_eq!(list["total_num"], 2);
    let first = &list["data_list"][0];
    assert_eq!((&first["host_id"], &first["host_name"]), (&json!(web), &json!("web")));
    assert_eq!((&first["vulnerability"], &first["detect_result"]), (&json!(2), &json!("risk")));
    assert_eq!((&first["asset"], &first["agent_status"]), (&json!(2), &json!("not_installed")));
    let both = format!("host_id_list={web},{data}");
    for (parameters, expected) in [
        ("host_name=WE", 1),
        ("host_name=none", 0),
        (both.as_str(), 2),
        ("host_name_list=web,x", 1),
        ("has_vul=true", 2),
        ("has_vul=false", 0),
        ("os_type=Linux", 2),
        ("os_type=Windows", 0),
        ("asset_value=common", 2),
        ("agent_status=online", 0),
        ("agent_status=not_installed", 2),
        ("detect_result=clean", 0),
        ("version=hss.version.null", 0),
        ("cluster_id=a", 0),
        ("incluster=false", 2),
        ("refresh=true", 2),
        ("group_name=x", 0),
        ("sort_key=risk_num&sort_dir=asc", 2),
    ] {
        assert_eq!(
            get(&server, &format!("/host-management/hosts?{parameters}")).await["total_num"],
            expected,
            "{parameters}"
        );
    }
    let most = get(&server, "/host-management/hosts?sort_key=risk_num").await;
    assert_eq!(most["data_list"][0]["host_id"], json!(web));
    for (query, name) in [
        ("os_type=Mac", "os_type"),
        ("has_vul=yes", "has_vul"),
        ("sort_key=name", "sort_key"),
        ("host_name=", "host_name"),
    ] {
        let answer = server.hss("manager", Method::GET, &format!("/host-management/hosts?{query}"), "").await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!("HSS.0001")));
        assert!(answer.body["error_msg"].as_str().unwrap().contains(name));
    }
}

#[tokio::test]
async fn groups_and_values_outlive_the_next_look() {
    let (server, web, data) = world().await;
    let ok = (200, Value::Null);
    let groups = "/host-management/groups";
    assert_eq!(
        send(&server, Method::POST, groups, json!({"group_name": "front", "host_id_list": [web]})).await,
        ok
    );
    let taken =
        send(&server, Method::POST, groups, json!({"group_name": "front", "host_id_list": [data]})).await;
    assert_eq!(taken, (400, json!("HSS.0001")));
    for bad in [
        json!({"host_id_list": [web]}),
        json!({"group_name": "a b", "host_id_list": [web]}),
        json!({"group_name": "x"}),
    ] {
        assert_eq!(send(&server, Method::POST, groups, bad).await, (400, json!("HSS.0001")));
    }
    let list = get(&server, groups).await;
    let group = &list["data_list"][0];
    assert_eq!(
        (&group["group_name"], &group["host_num"], &group["risk_host_num"]),
        (&json!("front"), &json!(1), &json!(1))
    );
    assert_eq!(group["host_id_list"], json!([web]));
    let id = group["group_id"].as_str().unwrap().to_owned();
    let value = json!({"asset_value": "important", "host_id_list": [web, data]});
    assert_eq!(send(&server, Method::PUT, "/host-management/asset-value/associate", value).await, ok);
    server.clock.advance(60_000);
    server.host("web", &[("glass", "1.0-1")]).await;
    let found = get(&server, "/host-management/hosts?group_name=front&asset_value=important").await;
    assert_eq!((&found["total_num"], &found["data_list"][0]["group_id"]), (&json!(1), &json!(id)));

    let renamed = json!({"group_id": id, "group_name": "edge", "host_id_list": [data]});
    assert_eq!(send(&server, Method::PUT, groups, renamed).await, ok);
    assert_eq!(
        get(&server, "/host-management/hosts?group_name=edge").await["data_list"][0]["host_id"],
        json!(data)
    );
    let all = json!({"group_id": id, "operate_all": true});
    assert_eq!(send(&server, Method::POST, "/host-management/group/associate", all).await, ok);
    assert_eq!(get(&server, "/host-management/hosts?group_name=edge").await["total_num"], 2);
    assert_eq!(send(&server, Method::DELETE, &format!("{groups}?group_id={id}"), json!({})).await, ok);
    assert_eq!(get(&server, "/host-management/hosts?group_name=edge").await["total_num"], 0);
    let gone = send(&server, Method::DELETE, &format!("{groups}?group_id={id}"), json!({})).await;
    assert_eq!(gone, (400, json!("HSS.1019")));
    let denied = server.hss("reader", Method::DELETE, &format!("{groups}?group_id={id}"), "").await;
    assert_eq!((denied.status, &denied.body["error_code"]), (403, &json!("APIGW.0302")));
}

#[tokio::test]
async fn servers_are_counted() {
    let (server, web, _) = world().await;
    server.host("clean", &[("wood", "1")]).await;
    let value = json!({"asset_value": "important", "host_id_list": [web]});
    let path = "/host-management/asset-value/associate";
    assert_eq!(send(&server, Method::PUT, path, value).await.0, 200);
    let counts = get(&server, "/host-management/host-statistics").await;
    assert_eq!((&counts["total_num"], &counts["risk_num"]), (&json!(3), &json!(2)));
    assert_eq!((&counts["not_installed_num"], &counts["not_online_num"]), (&json!(3), &json!(0)));
    assert_eq!(counts["asset_value_list"][0], json!({"value_type": "important", "host_num": 1}));
    let all = get(&server, "/host-management/hosts-risk").await;
    assert_eq!(all["total_num"], 3);
    let one = get(&server, &format!("/host-management/hosts-risk?host_id_list={web}")).await;
    let row = &one["data_list"][0];
    assert_eq!((&one["total_num"], &row["host_id"]), (&json!(1), &json!(web)));
    assert_eq!((&row["vulnerability"], &row["detect_result"]), (&json!(2), &json!("risk")));
    let unknown = server.hss("manager", Method::GET, "/host-management/hosts-risk?host_id_list=x", "").await;
    assert_eq!((unknown.status, &unknown.body["error_code"]), (400, &json!("HSS.0011")));
}
