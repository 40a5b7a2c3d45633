//! Images over the wire.

use axum::http::Method;
use serde_json::{Value, json};

use crate::http::hss::exports::tests::world;
use crate::http::testing::TestServer;

async fn get(server: &TestServer, path: &str) -> Value {
    let answer = server.hss("manager", Method::GET, path, "").await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

#[tokio::test]
async fn images_are_listed_and_filtered() {
    let (server, ..) = world().await;
    let (app, digest) = server.image("team/app:1", &[("glass", "1.0-1")]).await;
    server.container("c1f00d", "shop", digest).await;
    let list = get(&server, "/image/local-repositories").await;
    assert_eq!(list["total_num"], 2);
    let first =
        list["data_list"].as_array().unwrap().iter().find(|row| row["image_id"] == json!(app)).unwrap();
    assert_eq!((&first["image_name"], &first["image_version"]), (&json!("team/app"), &json!("1")));
    assert_eq!((&first["vul_num"], &first["severity_level"]), (&json!(1), &json!("Medium")));
    assert_eq!((&first["container_num"], &first["component_num"]), (&json!(1), &json!(1)));
    assert_eq!(first["image_digest"], json!(digest.to_string()));
    for (parameters, expected) in [
        ("image_name=team", 2),
        ("image_name=app", 1),
        ("image_name=app&image_version=2", 0),
        ("image_version=2", 2),
        ("scan_status=success", 2),
        ("scan_status=unscan", 0),
        ("scan_status=nonsense", 0),
        ("local_image_type=swr_image", 2),
        ("local_image_type=other_image", 0),
        ("local_image_type=x", 0),
        ("has_vul=true", 1),
        ("has_vul=false", 1),
        ("has_container=true", 1),
        ("has_container=false", 1),
        ("container_name=sho", 1),
        ("container_id=c1f0", 1),
        ("container_id=c2", 0),
        ("pod_name=a", 0),
        ("start_latest_scan_time=1&end_latest_scan_time=2", 0),
        ("start_latest_scan_time=9", 2),
    ] {
        let found = get(&server, &format!("/image/local-repositories?{parameters}")).await;
        assert_eq!(found["total_num"], expected, "{parameters}");
    }
    let tags = get(&server, "/image/swr-repository?image_type=private_image&namespace=team").await;
    assert_eq!(
        (&tags["total_num"], &tags["data_list"][0]["instance_name"]),
        (&json!(2), &json!("registry.example"))
    );
    assert_eq!(get(&server, "/image/swr-repository?image_type=shared_image").await["total_num"], 0);
    let running = get(&server, &format!("/image/local/containers?image_digest={digest}")).await;
    assert_eq!(
        (&running["total_num"], &running["data_list"][0]["container_name"]),
        (&json!(1), &json!("shop"))
    );
    assert_eq!(get(&server, "/image/local/hosts").await["total_num"], 0);
}

#[tokio::test]
async fn vulnerabilities_of_images_and_images_of_vulnerabilities() {
    let (server, ..) = world().await;
    let (app, digest) = server.image("team/app:1", &[("glass", "1.0-1")]).await;
    for id in [app.to_string(), digest.to_string()] {
        let path = format!(
            "/image/{id}/vulnerabilities?image_type=private_image&namespace=team&image_name=app&tag_name=1"
        );
        let list = get(&server, &path).await;
        assert_eq!(
            (&list["total_num"], &list["data_list"][0]["vul_id"]),
            (&json!(1), &json!("CVE-2026-0001"))
        );
        assert_eq!(list["data_list"][0]["repair_necessity"], "delay_repair");
        assert_eq!(get(&server, &format!("{path}&app_name=wood")).await["total_num"], 0);
        assert_eq!(get(&server, &format!("{path}&repair_necessity=immediate_repair")).await["total_num"], 0);
    }
    let general = "/images/vulnerabilities?type=linux_vul&handle_status=unhandled&image_type=";
    let list = get(&server, &format!("{general}local")).await;
    assert_eq!((&list["total_num"], &list["data_list"][0]["image_num"]), (&json!(1), &json!(1)));
    assert_eq!(get(&server, &format!("{general}registry")).await["total_num"], 1);
    assert_eq!(get(&server, &format!("{general}cluster")).await["total_num"], 0);
    let global = get(&server, "/image/vulnerabilities?limit=10&offset=0").await;
    assert_eq!(global["data_list"][0]["decription"], global["data_list"][0]["description"]);
    let having = "/vulnerability/images?vul_id=CVE-2026-0001&type=linux_vul&image_type=local&is_handled=";
    let images = get(&server, &format!("{having}false")).await;
    assert_eq!((&images["total_num"], &images["data_list"][0]["image_id"]), (&json!(1), &json!(app)));
    assert!(images["data_list"][0]["first_scan_time"].is_string());
    assert_eq!(get(&server, &format!("{having}true")).await["total_num"], 0);
    let repositories = get(&server, "/image/CVE-2026-0001/images").await;
    assert_eq!(repositories["data_list"][0]["data_list"][0]["tag_name"], "1");
    let cves = get(&server, "/image/vulnerability/CVE-2026-0001/cve").await;
    assert_eq!(cves["data_list"][0]["cve_id"], "CVE-2026-0001");
    for (path, name) in [
        ("/images/vulnerabilities?type=linux_vul&handle_status=handled", "image_type"),
        ("/vulnerability/images?vul_id=a&type=linux_vul&image_type=local", "is_handled"),
        ("/image/vulnerabilities?limit=10", "offset"),
        ("/image/local-repositories?has_vul=1", "has_vul"),
    ] {
        let answer = server.hss("manager", Method::GET, path, "").await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!("HSS.0001")), "{path}");
        assert!(answer.body["error_msg"].as_str().unwrap().contains(name), "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn vulnerabilities_of_images_are_handled() {
    let (server, ..) = world().await;
    let (app, _) = server.image("team/app:1", &[("glass", "1.0-1")]).await;
    let list = "/images/vulnerabilities?type=linux_vul&image_type=local&handle_status=";
    for (select, more) in [
        ("all_vul", json!({})),
        ("specific_image_all_vul", json!({"image_id_list": [app]})),
        ("specific_vul_all_image", json!({"vul_id_list": ["CVE-2026-0001"]})),
        ("vul_view", json!({"vul_data_list": [{"vul_id": "CVE-2026-0001", "image_id_list": [app]}]})),
        ("image_view", json!({"image_data_list": [{"image_id": app, "vul_id_list": ["CVE-2026-0001"]}]})),
    ] {
        for (operation, handled) in [("ignore", 1), ("not_ignore", 0)] {
            let mut body = json!({
                "image_type": "local", "type": "linux_vul", "operate_type": operation, "select_type": select,
                "remark": select,
            });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            server.clock.advance(1_000);
            let answer =
                server.hss("manager", Method::POST, "/image/vulnerability/handle", &body.to_string()).await;
            assert_eq!((answer.status, &answer.body), (200, &Value::Null), "{select} {operation}");
            assert_eq!(
                get(&server, &format!("{list}handled")).await["total_num"],
                handled,
                "{select} {operation}"
            );
        }
    }
    let history = "/image/vulnerability/handle-history?vul_id=CVE-2026-0001&image_type=local";
    let done = get(&server, history).await;
    assert_eq!(done["total_num"], 10);
    assert_eq!(
        (&done["data_list"][0]["handle_type"], &done["data_list"][0]["remark"]),
        (&json!("not_ignore"), &json!("image_view"))
    );
    assert!(done["data_list"][0]["handle_time"].is_i64());
    assert_eq!(
        get(&server, &format!("{history}&handle_type=ignore&user_name=manager")).await["total_num"],
        5
    );
}

#[tokio::test]
async fn a_batch_of_scans_is_one_task() {
    let (server, ..) = world().await;
    let (app, _) = server.image("team/app:1", &[("glass", "1.0-1")]).await;
    let scan = |path: &'static str, body: Value| {
        let server = &server;
        async move { server.hss("manager", Method::POST, path, &body.to_string()).await }
    };
    let answer = scan("/image/local/batch-scan", json!({"image_info_list": [{"image_id": app}]})).await;
    assert_eq!((answer.status, &answer.body), (200, &Value::Null));
    let answer = scan("/image/batch-scan", json!({"image_type": "private_image", "operate_all": true})).await;
    assert_eq!(answer.status, 200);
    let answer = scan(
        "/image/image-scan/tasks",
        json!({"image_info": [{"image_name": "team/base", "image_version": "2"}]}),
    )
    .await;
    assert_eq!(answer.status, 200);
    let tasks = get(&server, "/image/tasks?type=image_scan").await;
    assert_eq!(tasks["total_num"], 3);
    assert_eq!(get(&server, "/image/tasks?type=image_scan&task_status=finished").await["total_num"], 0);
    assert_eq!(get(&server, "/image/tasks?type=image_sync").await["total_num"], 0);
    for (path, body, code) in [
        ("/image/local/batch-scan", json!({}), "HSS.0001"),
        ("/image/local/batch-scan", json!({"image_info_list": [{"image_id": "x"}]}), "HSS.0011"),
        ("/image/batch-scan", json!({"operate_all": true}), "HSS.0001"),
        ("/image/image-scan/tasks", json!({"is_all": true, "scan_scope": 15}), "HSS.0001"),
    ] {
        let answer = scan(path, body.clone()).await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!(code)), "{path} {body}");
    }
    let denied = server.hss("reader", Method::POST, "/image/local/batch-scan", "{}").await;
    assert_eq!(denied.status, 403);
}

#[tokio::test]
async fn what_is_installed_in_an_image_and_where_it_runs() {
    let (server, ..) = world().await;
    let (app, digest) = server.image("team/app:1", &[("glass", "1.0-1"), ("wood", "1")]).await;
    server.container("c1f00d", "shop", digest).await;
    for path in [format!("/image/{app}/apps"), format!("/image/local/apps?image_id={app}")] {
        let list = get(&server, &path).await;
        let rows = list["data_list"].as_array().unwrap().iter();
        let rows: Vec<Value> = rows.map(|row| json!([row["app_name"], row["vul_num"]])).collect();
        assert_eq!(rows, [json!(["glass", 1]), json!(["wood", 0])], "{path}");
    }
    let named = get(&server, &format!("/image/{app}/apps?app_name=OO&limit=1")).await;
    assert_eq!((&named["total_num"], &named["data_list"][0]["app_version"]), (&json!(1), &json!("1")));
    let affected = format!("/image/vulnerability/{app}/apps?vul_id=CVE-2026-0001");
    let list = get(&server, &affected).await;
    assert_eq!(
        list["data_list"],
        json!([{"app_name": "glass", "rule": "", "paths": [
            {"status": "vul_status_unfix", "app_version": "1.0-1", "app_path": ""}]}])
    );
    assert_eq!(get(&server, &format!("{affected}&is_handled=true")).await["total_num"], 0);
    let running = get(&server, &format!("/image/vulnerability/{app}/containers")).await;
    assert_eq!(
        (&running["total_num"], &running["data_list"][0]["container_name"]),
        (&json!(1), &json!("shop"))
    );
    for path in ["/image/x/apps", "/image/local/apps?image_id=x", "/image/vulnerability/x/containers"] {
        let answer = server.hss("manager", Method::GET, path, "").await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!("HSS.0011")), "{path}");
    }
    let answer = server.hss("manager", Method::GET, &format!("/image/vulnerability/{app}/apps"), "").await;
    assert!(answer.body["error_msg"].as_str().unwrap().contains("vul_id"), "{}", answer.body);
}

#[tokio::test]
async fn the_software_of_images_is_exported() {
    let (server, ..) = world().await;
    const PATH: &str = "/image/security-report/export-tasks";
    let all = json!({"security_report_type": "apps", "export_size": 9, "operate_all": true});
    let rows = server.exported("reader", PATH, &all.to_string()).await;
    let cells = |row: &Vec<String>| [0, 1, 4, 5, 6, 7].map(|at| row[at].clone());
    let mut found: Vec<_> = rows[1..].iter().map(cells).collect();
    found.sort();
    assert_eq!(
        found,
        [
            ["team/app", "1", "glass", "Debian:12", "1.0-1", "1"],
            ["team/base", "2", "wood", "Debian:12", "1", "0"],
        ]
    );
    let with = |name: &str, value: Value| {
        let mut body = all.clone();
        body[name] = value;
        body
    };
    for (name, value, left) in [
        ("has_vul", json!(true), 1),
        ("image_name", json!("base"), 1),
        ("image_id", json!(rows[1][2]), 1),
        ("image_type", json!("harbor"), 0),
        ("has_malicious_file", json!(true), 0),
        ("export_size", json!(1), 1),
    ] {
        let body = with(name, value);
        assert_eq!(server.exported("reader", PATH, &body.to_string()).await.len(), 1 + left, "{body}");
    }
    for (name, value, code) in [
        ("security_report_type", json!("malwares"), "HSS.0001"),
        ("security_report_type", json!("viruses"), "HSS.0001"),
        ("export_size", json!(0), "HSS.0001"),
        ("export_size", Value::Null, "HSS.0001"),
        ("operate_all", Value::Null, "HSS.0001"),
        ("operate_all", json!(false), "HSS.0001"),
        ("severity", json!(0), "served"),
    ] {
        let body = with(name, value).to_string();
        let answer = server.hss("reader", Method::POST, PATH, &body).await;
        let found = if answer.status == 200 { "served" } else { answer.body["error_code"].as_str().unwrap() };
        assert_eq!(found, code, "{body}: {}", answer.body);
    }
    let named = json!({"security_report_type": "apps", "export_size": 9, "operate_all": false,
        "image_id_list": ["x"]});
    let answer = server.hss("reader", Method::POST, PATH, &named.to_string()).await;
    assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!("HSS.0011")));
}

#[tokio::test]
async fn registries_are_listed_with_what_they_hold() {
    let (server, ..) = world().await;
    let settings = parapet_store::registries::RegistrySettings {
        name: "ours".to_owned(),
        endpoint: "https://registry.example".to_owned(),
        ..Default::default()
    };
    let none = parapet_store::seal::Secret::new("");
    server.app.registries().create(&server.local, settings, none).await.unwrap();
    let all = get(&server, "/image/registries").await;
    let row = &all["data_list"][0];
    assert_eq!((&all["total_num"], &row["registry_name"]), (&json!(1), &json!("ours")));
    assert_eq!((&row["registry_type"], &row["protocol"]), (&json!("Other"), &json!("https")));
    assert_eq!((&row["images_num"], &row["status"]), (&json!(2), &json!("success")));
    for (query, left) in [
        ("registry_name=OUR", 1),
        ("registry_name=theirs", 0),
        ("registry_type=Harbor,Other", 1),
        ("registry_type=Harbor", 0),
        ("registry_addr=registry.example", 1),
        ("status=fail", 0),
    ] {
        let found = get(&server, &format!("/image/registries?{query}")).await;
        assert_eq!(found["total_num"], left, "{query}");
    }
    let counts = get(&server, "/image/registries/statistics").await;
    assert_eq!(counts, json!({"success_num": 1, "fail_num": 0}), "an image of it was read");
}
