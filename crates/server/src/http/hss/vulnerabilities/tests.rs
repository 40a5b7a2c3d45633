//! Vulnerability management over the wire.

use axum::http::Method;
use serde_json::{Value, json};

use crate::http::hss::exports::tests::{world, world_of};
use crate::http::testing::TestServer;

async fn get(server: &TestServer, path: &str) -> Value {
    let answer = server.hss("manager", Method::GET, path, "").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

async fn handle(server: &TestServer, operation: &str, vulnerability: &str, hosts: &[&str], remark: &str) {
    let body = json!({
        "operate_type": operation, "remark": remark,
        "data_list": [{"vul_id": vulnerability, "host_id_list": hosts}],
    });
    let answer = server.hss("manager", Method::PUT, "/vulnerability/status", &body.to_string()).await;
    assert_eq!((answer.status, &answer.body), (200, &Value::Null), "{operation}");
}

/// `id of the vulnerability: unhandled of all hosts` of the list.
async fn listed(server: &TestServer, parameters: &str) -> Vec<String> {
    let list = get(server, &format!("/vulnerability/vulnerabilities?limit=200{parameters}")).await;
    let rows = list["data_list"].as_array().unwrap();
    assert_eq!(list["total_num"], rows.len());
    let row = |row: &Value| {
        let id = row["vul_id"].as_str().unwrap();
        format!("{}: {} of {}", &id[9..], row["unhandle_host_num"], row["host_num"])
    };
    rows.iter().map(row).collect()
}

#[tokio::test]
async fn lists_show_what_exports_show() {
    let (server, web, data) = world().await;
    assert_eq!(listed(&server, "").await, ["0001: 1 of 1", "0002: 2 of 2"]);
    let body = "{\"export_headers\": [[\"vul_id\",\"a\"],[\"host_num\",\"b\"],[\"unhandle_host_num\",\"c\"],\
                [\"solution_detail\",\"d\"],[\"host_id_list\",\"e\"],[\"scan_time\",\"f\"]]}";
    let rows = server.exported("reader", "/vul/export?category=vul&export_size=9&type=linux_vul", body).await;
    let list = get(&server, "/vulnerability/vulnerabilities").await;
    for (row, listed) in rows[1..].iter().zip(list["data_list"].as_array().unwrap()) {
        let hosts = listed["host_id_list"].as_array().unwrap();
        let hosts: Vec<&str> = hosts.iter().map(|id| id.as_str().unwrap()).collect();
        let shown = [
            listed["vul_id"].as_str().unwrap().to_owned(),
            listed["host_num"].to_string(),
            listed["unhandle_host_num"].to_string(),
            listed["solution_detail"].as_str().unwrap().to_owned(),
            hosts.join(","),
            listed["scan_time"].to_string(),
        ];
        assert_eq!(row, &shown);
    }
    let first = &list["data_list"][0];
    assert_eq!(first["hosts_num"], json!({"important": 0, "common": 1, "test": 0}));
    assert_eq!(first["repair_priority_list"][2], json!({"repair_priority": "Medium", "host_num": 1}));
    assert_eq!(first["cve_list"], json!([{"cve_id": "CVE-2026-0001", "cvss": null}]));

    let page = get(&server, "/vulnerability/vulnerabilities?limit=1&offset=1").await;
    assert_eq!((&page["total_num"], &page["data_list"][0]["vul_id"]), (&json!(2), &json!("CVE-2026-0002")));
    let hosts = get(&server, "/vulnerability/hosts?vul_id=CVE-2026-0002&type=linux_vul").await;
    assert_eq!((&hosts["total_num"], &hosts["data_list"][1]["host_id"]), (&json!(2), &json!(data)));
    let named = get(&server, "/vulnerability/hosts?vul_id=CVE-2026-0002&type=linux_vul&host_name=DAT").await;
    assert_eq!(named["total_num"], 1);
    let of_host = get(&server, &format!("/vulnerability/host/{web}?handle_status=unhandled")).await;
    assert_eq!(of_host["total_num"], 2);
    assert_eq!(of_host["data_list"][0]["app_list"][0]["upgrade_version"], "1.0-2");
    let servers = get(&server, "/vulnerability/host/hosts?limit=10&offset=0").await;
    assert_eq!(
        servers["data_list"][0]["vul_ids_info"]["linux_vul_id_list"],
        json!(["CVE-2026-0001", "CVE-2026-0002"])
    );
    assert_eq!(servers["data_list"][0]["severity_level"], "Medium");
    let pairs = get(&server, "/vulnerability/host-vulnerability/vulnerabilities?repair_type=unrepair").await;
    assert_eq!(pairs["total_num"], 3);
    let urgent = get(&server, "/vulnerability/urgent-vulnerabilities").await;
    assert_eq!(urgent["total_num"], 0);
    let affected =
        get(&server, "/vulnerability/statistics/affected?vul_ids=CVE-2026-0002&vul_ids=CVE-1").await;
    assert_eq!((&affected["vul_num"], &affected["host_num"]), (&json!(1), &json!(2)));
    for (path, name) in [
        ("/vulnerability/vulnerabilities?limit=201", "limit"),
        ("/vulnerability/vulnerabilities?type=urgent_vul", "type"),
        ("/vulnerability/hosts?type=linux_vul", "vul_id"),
        ("/vulnerability/hosts?vul_id=a", "type"),
        ("/vulnerability/host/hosts?limit=10", "offset"),
        ("/vulnerability/handle-history?limit=10&offset=0", "enterprise_project_id"),
        ("/vulnerability/white-lists?limit=10", "offset"),
    ] {
        let answer = server.hss("manager", Method::GET, path, "").await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!("HSS.0001")), "{path}");
        assert!(answer.body["error_msg"].as_str().unwrap().contains(name), "{path}: {}", answer.body);
    }
    let unknown = server.hss("manager", Method::GET, "/vulnerability/host/unknown", "").await;
    assert_eq!(unknown.body["error_code"], "HSS.0011");
}

#[tokio::test]
async fn what_is_ignored_says_who_and_when_and_comes_back() {
    let (server, web, data) = world().await;
    handle(&server, "ignore", "CVE-2026-0002", &[&web, &data], "not reachable").await;
    handle(&server, "ignore", "CVE-2026-0002", &[&web], "again").await;
    assert_eq!(listed(&server, "").await, ["0001: 1 of 1", "0002: 0 of 2"]);
    assert_eq!(listed(&server, "&handle_status=unhandled").await, ["0001: 1 of 1"]);
    assert_eq!(listed(&server, "&status=vul_status_ignored").await, ["0002: 0 of 2"]);
    let exceptions =
        server.app.exceptions().list(&server.local, parapet_model::ExceptionNo(0), 9).await.unwrap();
    assert_eq!(exceptions.len(), 1, "what is done already is not done twice");
    assert_eq!(
        (exceptions[0].requested_by.as_str(), exceptions[0].comment.as_str()),
        ("manager", "not reachable")
    );
    assert_eq!(exceptions[0].target.included.len(), 2);

    server.clock.advance(1_000);
    handle(&server, "not_ignore", "CVE-2026-0002", &[&web], "reachable after all").await;
    assert_eq!(listed(&server, "&handle_status=unhandled").await, ["0001: 1 of 1", "0002: 1 of 1"]);
    let history = "/vulnerability/handle-history?enterprise_project_id=all_granted_eps&limit=10&offset=0";
    let done = get(&server, history).await;
    assert_eq!(done["total_num"], 3);
    let newest = &done["data_list"][0];
    assert_eq!(newest["type"], "not_ignore");
    assert_eq!((&newest["user_name"], &newest["host_id"]), (&json!("manager"), &json!(web)));
    assert_eq!(
        (&newest["description"], &newest["status"]),
        (&json!("reachable after all"), &json!("vul_status_unfix"))
    );
    assert!(newest["handle_time"].as_str().unwrap().parse::<i64>().unwrap() > server.clock_now() - 10);
    for (parameters, expected) in [
        ("&status=vul_status_ignored", 2),
        ("&status=vul_status_ignored&status=vul_status_unfix", 3),
        ("&status=vul_status_fixed", 0),
        ("&host_name=data", 1),
        ("&vul_id=CVE-2026-0001", 0),
        ("&vul_type=linux_vul", 3),
        ("&vul_type=app_vul", 0),
        ("&asset_value=common", 3),
        ("&group_name=x", 0),
    ] {
        assert_eq!(
            get(&server, &format!("{history}{parameters}")).await["total_num"],
            expected,
            "{parameters}"
        );
    }
    let handled = get(&server, "/vulnerability/handle/vulnerabilities?handle_circle=today").await;
    assert_eq!((&handled["total_num"], &handled["data_list"][0]["host_id"]), (&json!(1), &json!(data)));
    let counts = get(&server, "/vulnerability/statistics").await;
    assert_eq!((&counts["unrepair"], &counts["existed_vul_hosts"]), (&json!(2), &json!(1)));
    assert_eq!((&counts["today_handle"], &counts["all_handle"]), (&json!(3), &json!(3)));

    let headers = "\"export_headers\": [[\"vul_id\", \"V\"], [\"remark\", \"R\"], [\"status\", \"S\"]]";
    let rows = server
        .exported(
            "manager",
            "/vulnerability/history/export-task",
            &format!("{{{headers}, \"handle_cycle\": \"all\"}}"),
        )
        .await;
    assert_eq!(rows[1..], [["CVE-2026-0002", "not reachable", "vul_status_ignored"]]);
    let headers =
        "\"export_header_list\": [[\"user_name\", \"U\"], [\"type\", \"T\"], [\"host_name\", \"H\"]]";
    let rows = server
        .exported(
            "manager",
            "/vulnerability/handle-history/export-task",
            &format!("{{{headers}, \"host_name\": \"web\"}}"),
        )
        .await;
    assert_eq!(rows[1..], [["manager", "not_ignore", "web"], ["manager", "ignore", "web"]]);
}

#[tokio::test]
async fn with_four_eyes_what_is_ignored_waits_once() {
    let (server, web, _) = world_of(TestServer::with(|options| options.rules.four_eyes = true).await).await;
    for _ in 0..2 {
        handle(&server, "ignore", "CVE-2026-0002", &[&web], "not reachable").await;
    }
    assert_eq!(listed(&server, "").await, ["0001: 1 of 1", "0002: 2 of 2"], "nobody else accepted it yet");
    let exceptions =
        server.app.exceptions().list(&server.local, parapet_model::ExceptionNo(0), 9).await.unwrap();
    assert_eq!(exceptions.len(), 1, "what waits already is not asked for twice");
    assert_eq!(exceptions[0].state, parapet_model::exception::ExceptionState::Pending);
}

#[tokio::test]
async fn a_repair_is_believed_until_the_server_is_looked_at_again() {
    let (server, web, _) = world().await;
    handle(&server, "manual_repair", "CVE-2026-0001", &[&web], "upgraded").await;
    assert_eq!(listed(&server, "&status=vul_status_fixed").await, ["0001: 0 of 1"]);
    assert_eq!(listed(&server, "&status=vul_status_ignored").await, [""; 0]);
    let of_host = get(&server, &format!("/vulnerability/host/{web}?vul_id=CVE-2026-0001")).await;
    assert_eq!(of_host["data_list"][0]["status"], "vul_status_fixed");
    server.clock.advance(60_000);
    server.host("web", &[("glass", "1.0-1"), ("stone", "2.0-1"), ("wood", "2")]).await;
    assert_eq!(listed(&server, "&handle_status=unhandled").await, ["0001: 1 of 1", "0002: 2 of 2"]);
    server.clock.advance(60_000);
    server.host("web", &[("glass", "1.0-2"), ("stone", "2.0-1")]).await;
    assert_eq!(listed(&server, "").await, ["0002: 2 of 2"]);
}

#[tokio::test]
async fn the_white_list_holds_for_servers_that_come_later() {
    let (server, web, _) = world().await;
    let add = |body: Value| {
        let server = &server;
        async move { server.hss("manager", Method::POST, "/vulnerability/white-list", &body.to_string()).await }
    };
    let all = json!({"vul_type": "linux_vul", "vul_ids": ["CVE-2026-0002"], "rule_type": "all_host", "description": "never called"});
    assert_eq!(add(all.clone()).await.status, 200);
    assert_eq!(add(all).await.status, 200, "once more is the same as once");
    let some = json!({"vul_type": "linux_vul", "vul_ids": ["CVE-2026-0001"], "rule_type": "specific_host", "host_ids": [web]});
    assert_eq!(add(some).await.status, 200);
    server.host("late", &[("stone", "2.0-1")]).await;
    assert_eq!(listed(&server, "").await, ["0001: 0 of 1", "0002: 0 of 3"]);

    let list = get(&server, "/vulnerability/white-lists?limit=10&offset=0").await;
    assert_eq!(list["total_num"], 2);
    let (first, second) = (&list["data_list"][0], &list["data_list"][1]);
    assert_eq!((&first["rule_type"], &first["description"]), (&json!("all_host"), &json!("never called")));
    assert_eq!(second["hosts"], json!([{"host_id": web, "host_name": "web"}]));
    let id = first["id"].as_str().unwrap();
    assert_eq!(&get(&server, &format!("/vulnerability/white-list/{id}")).await, first);
    let change = json!({"rule_type": "specific_host", "host_ids": [web], "description": "only there"});
    let path = format!("/vulnerability/white-list/{id}");
    assert_eq!(server.hss("manager", Method::PUT, &path, &change.to_string()).await.status, 200);
    assert_eq!(listed(&server, "").await, ["0001: 0 of 1", "0002: 2 of 3"]);
    let gone = json!({"ids": [id]}).to_string();
    assert_eq!(server.hss("manager", Method::DELETE, "/vulnerability/white-list", &gone).await.status, 200);
    assert_eq!(
        server.hss("manager", Method::DELETE, "/vulnerability/white-list", &gone).await.body["error_code"],
        "HSS.0011"
    );
    assert_eq!(listed(&server, "").await, ["0001: 0 of 1", "0002: 3 of 3"]);
}

#[tokio::test]
async fn handling_is_checked_before_anything_is_done() {
    let (server, web, data) = world().await;
    let one = |hosts: &[&str]| json!([{"vul_id": "CVE-2026-0002", "host_id_list": hosts}]);
    for (body, code, name) in [
        (json!({"data_list": one(&[&web])}), "HSS.0001", "operate_type"),
        (json!({"operate_type": "erase", "data_list": one(&[&web])}), "HSS.0001", "operate_type"),
        (json!({"operate_type": "ignore"}), "HSS.0001", "data_list"),
        (json!({"operate_type": "ignore", "data_list": []}), "HSS.0001", "data_list"),
        (json!({"operate_type": "ignore", "data_list": one(&[])}), "HSS.0001", "host_id_list"),
        (json!({"operate_type": "ignore", "data_list": one(&[&web, "x"])}), "HSS.0011", "host"),
        (
            json!({"operate_type": "ignore", "data_list": [{"vul_id": "CVE-1", "host_id_list": [web]}]}),
            "HSS.0011",
            "CVE-1",
        ),
        (
            json!({"operate_type": "ignore", "select_type": "all_vul", "data_list": one(&[&web])}),
            "HSS.0001",
            "select_type",
        ),
        (
            json!({"operate_type": "ignore", "data_list": one(&[&web]), "host_data_list": [{"host_id": web, "vul_id_list": ["CVE-2026-0002"]}]}),
            "HSS.0001",
            "host_data_list",
        ),
        (
            json!({"operate_type": "ignore", "remark": "x".repeat(513), "data_list": one(&[&web])}),
            "HSS.0001",
            "remark",
        ),
        (
            json!({"operate_type": "immediate_repair", "data_list": one(&[&web])}),
            "HSS.1006",
            "immediate_repair",
        ),
    ] {
        let answer = server.hss("manager", Method::PUT, "/vulnerability/status", &body.to_string()).await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!(code)), "{body}");
        assert!(answer.body["error_msg"].as_str().unwrap().contains(name), "{body}: {}", answer.body);
    }
    assert_eq!(listed(&server, "").await, ["0001: 1 of 1", "0002: 2 of 2"], "nothing was changed");
    let verify = json!({"operate_type": "verify", "data_list": one(&[&data])}).to_string();
    let answer = server.hss("manager", Method::PUT, "/vulnerability/status", &verify).await;
    assert_eq!(answer.body["error_code"], "HSS.1006", "a server without a sensor: {}", answer.body);

    // Who may ask but not accept makes a request that hides nothing yet.
    let body = json!({"operate_type": "ignore", "data_list": one(&[&web])}).to_string();
    assert_eq!(server.hss("analyst", Method::PUT, "/vulnerability/status", &body).await.status, 200);
    assert_eq!(listed(&server, "").await, ["0001: 1 of 1", "0002: 2 of 2"]);
    assert_eq!(server.hss("reader", Method::PUT, "/vulnerability/status", &body).await.status, 403);

    let everything =
        json!({"operate_type": "ignore", "select_type": "all_vul", "type": "linux_vul"}).to_string();
    assert_eq!(server.hss("manager", Method::PUT, "/vulnerability/status", &everything).await.status, 200);
    assert_eq!(listed(&server, "&handle_status=unhandled").await, [""; 0]);
    let by_host = json!({"operate_type": "not_ignore", "host_data_list": [{"host_id": web, "vul_id_list": ["CVE-2026-0001", "CVE-2026-0002"]}]});
    assert_eq!(
        server.hss("manager", Method::PUT, "/vulnerability/status", &by_host.to_string()).await.status,
        200
    );
    assert_eq!(listed(&server, "&handle_status=unhandled").await, ["0001: 1 of 1", "0002: 1 of 1"]);
}

/// The id of a new sensor on the server of that name.
async fn sensor_on(server: &TestServer, name: &str) -> uuid::Uuid {
    let identity: String = name.bytes().map(|b| format!("{b:02x}")).collect();
    let registration = parapet_model::sensor::Registration {
        identity: format!("{identity:0>32}"),
        name: name.to_owned(),
        ..Default::default()
    };
    server.app.sensors().register(&server.local, registration).await.unwrap().sensor
}

/// Verifying looks again: what is still there is open again though somebody called it repaired, what is
/// gone is gone.
#[tokio::test]
async fn what_is_verified_is_looked_at_again_and_confirmed_or_reopened() {
    let (server, web, data) = world().await;
    let sensor = sensor_on(&server, "web").await;
    let wanted = async || server.app.sensors().check_in(&server.local, sensor).await.unwrap().look_wanted;
    assert_eq!(wanted().await, 0);
    handle(&server, "manual_repair", "CVE-2026-0002", &[&web], "upgraded").await;
    assert_eq!(listed(&server, "&status=vul_status_fixed").await, ["0002: 0 of 1"]);
    // The one with a sensor is told, be there others or not.
    handle(&server, "verify", "CVE-2026-0002", &[&web, &data], "").await;
    assert!(wanted().await > 0);
    assert_eq!(listed(&server, "&status=vul_status_verified").await, ["0002: 0 of 1"], "one has a sensor");
    assert_eq!(listed(&server, "&status=vul_status_fixed").await, [""; 0]);
    assert_eq!(listed(&server, "&status=vul_status_unfix").await, ["0001: 1 of 1", "0002: 1 of 1"]);
    let row = &get(&server, "/vulnerability/vulnerabilities?vul_id=CVE-2026-0002").await["data_list"][0];
    assert_eq!((&row["verify_num"], &row["fixed_num"]), (&json!(1), &json!(0)));
    for path in [
        format!("/vulnerability/host/{web}?vul_id=CVE-2026-0002"),
        "/vulnerability/hosts?vul_id=CVE-2026-0002&type=linux_vul".to_owned(),
        "/vulnerability/host-vulnerability/vulnerabilities?vul_id=CVE-2026-0002".to_owned(),
    ] {
        assert_eq!(get(&server, &path).await["data_list"][0]["status"], "vul_status_verified", "{path}");
    }
    // An export keeps what was so when it was asked for.
    let body = "{\"export_headers\": [[\"host_name\",\"a\"],[\"status\",\"b\"]]}";
    let path = "/vul/export?category=host&export_size=9&vul_id=CVE-2026-0002";
    let rows = server.exported("reader", path, body).await;
    assert_eq!(rows[1..], [["web", "vul_status_verified"], ["data", "vul_status_unfix"]]);
    let body = "{\"export_headers\": [[\"verify_num\",\"a\"]]}";
    let path = "/vul/export?category=vul&export_size=9&status=vul_status_verified";
    assert_eq!(server.exported("reader", path, body).await[1..], [["1"]]);
    let tasks = get(&server, "/vulnerability/scan-tasks?scan_type=manual").await;
    assert_eq!((&tasks["total_num"], &tasks["data_list"][0]["scanning_host_num"]), (&json!(1), &json!(1)));

    server.clock.advance(60_000);
    server.host("web", &[("glass", "1.0-2"), ("stone", "2.0-1")]).await;
    assert_eq!(listed(&server, "&handle_status=unhandled").await, ["0002: 2 of 2"], "it was not repaired");
    assert_eq!(listed(&server, "&status=vul_status_verified").await, [""; 0], "it was looked at");
    let tasks = get(&server, "/vulnerability/scan-tasks").await;
    assert_eq!(tasks["data_list"][0]["success_host_num"], 1);
    handle(&server, "verify", "CVE-2026-0002", &[&web], "").await;
    server.clock.advance(60_000);
    server.host("web", &[("glass", "1.0-2")]).await;
    assert_eq!(listed(&server, "").await, ["0002: 1 of 1"], "now it is");

    // A sensor that fell silent cannot be told, and nothing waits for it.
    server.app.sensors().check_in(&server.local, sensor).await.unwrap();
    handle(&server, "verify", "CVE-2026-0002", &[&data, &web], "").await;
    server.clock.advance(86_400_000);
    assert_eq!(listed(&server, "&status=vul_status_verified").await, [""; 0]);
    let body =
        json!({"operate_type": "verify", "data_list": [{"vul_id": "CVE-2026-0002", "host_id_list": [web]}]});
    let answer = server.hss("manager", Method::PUT, "/vulnerability/status", &body.to_string()).await;
    assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!("HSS.1007")), "{}", answer.body);
}

#[tokio::test]
async fn a_scan_of_servers_is_wished_and_its_sensor_fulfils_it() {
    let (server, web, data) = world().await;
    let sensors = server.app.sensors();
    let sensor = sensor_on(&server, "web").await;
    let wanted = async || sensors.check_in(&server.local, sensor).await.unwrap().look_wanted;
    assert_eq!(wanted().await, 0);
    let body = json!({"manual_scan_type": ["linux_vul"], "range_type": "specific_host", "agent_id_list": [web, data]});
    let path = "/vulnerability/scan-task";
    let asked = server.hss("manager", Method::POST, path, &body.to_string()).await;
    assert_eq!((asked.status, asked.body["task_id"].as_str().unwrap().len()), (200, 32));
    assert!(wanted().await > 0, "the sensor is told at its next check-in");
    let tasks = get(&server, "/vulnerability/scan-tasks?scan_type=manual").await;
    let task = &tasks["data_list"][0];
    assert_eq!((&task["status"], &task["scan_vul_types"]), (&json!("running"), &json!(["linux_vul"])));
    assert_eq!((&task["scanning_host_num"], &task["failed_host_num"]), (&json!(1), &json!(1)));
    let hosts = format!("{path}/{}/hosts", asked.body["task_id"].as_str().unwrap());
    let failed = get(&server, &format!("{hosts}?scan_status=failed")).await;
    assert_eq!((&failed["total_num"], &failed["data_list"][0]["host_id"]), (&json!(1), &json!(data)));
    assert_eq!(failed["data_list"][0]["vul_scan_details"][0]["failed_reason"], "the server has no sensor");

    server.clock.advance(60_000);
    server.host("web", &[("glass", "1.0-2")]).await;
    let tasks = get(&server, "/vulnerability/scan-tasks").await;
    assert_eq!(
        (&tasks["data_list"][0]["status"], &tasks["data_list"][0]["success_host_num"]),
        (&json!("finished"), &json!(1))
    );
    for (body, name) in [
        (json!({"manual_scan_type": ["all"]}), "manual_scan_type"),
        (json!({"range_type": "some"}), "range_type"),
        (json!({"range_type": "specific_host"}), "agent_id_list"),
        (json!({"urgent_vul_id_list": ["CVE-1"]}), "urgent_vul_id_list"),
    ] {
        let answer = server.hss("manager", Method::POST, path, &body.to_string()).await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!("HSS.0001")), "{body}");
        assert!(answer.body["error_msg"].as_str().unwrap().contains(name), "{body}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_scan_policy_fires_when_it_is_due() {
    let (server, web, _) = world().await;
    let path = "/vulnerability/scan-policy";
    assert_eq!(get(&server, path).await["status"], "close");
    let body = json!({
        "scan_period": "one_day", "scan_range_type": "specific_host", "host_ids": [web], "status": "open",
        "scan_vul_types": ["linux_vul", "app_vul"],
        "time": {"hour_part": 2, "minute_part": 30, "timezone_offset": -480},
    });
    let changed = server.hss("manager", Method::PUT, path, &body.to_string()).await;
    assert_eq!((changed.status, &changed.body), (200, &Value::Null));
    let policy = get(&server, path).await;
    assert_eq!((&policy["host_ids"], &policy["total_host_num"]), (&json!([web]), &json!(1)));
    let next = policy["time"]["next_scan_time"].as_i64().unwrap();
    assert_eq!(parapet_model::time::format_rfc3339(next), "2026-11-02T18:30:00.000Z");
    assert_eq!(server.app.host_scans().fire_due().await.unwrap(), 0);
    server.clock.set(next + 3 * 86_400_000);
    assert_eq!(server.app.host_scans().fire_due().await.unwrap(), 1);
    assert_eq!(server.app.host_scans().fire_due().await.unwrap(), 0, "what was missed is wished once");
    let tasks = get(&server, "/vulnerability/scan-tasks?scan_type=schedule").await;
    assert_eq!((&tasks["total_num"], &tasks["data_list"][0]["failed_host_num"]), (&json!(1), &json!(1)));
    for (field, value) in [
        ("scan_period", json!("yearly")),
        ("status", json!("on")),
        ("host_ids", json!([])),
        ("time", json!({"hour_part": 24})),
    ] {
        let mut bad = body.clone();
        bad[field] = value;
        let answer = server.hss("manager", Method::PUT, path, &bad.to_string()).await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!("HSS.0001")), "{field}");
    }
}
