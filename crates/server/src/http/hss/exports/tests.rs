//! The exports over the wire.

use std::collections::BTreeSet;

use axum::http::Method;
use parapet_model::time::DAY;
use parapet_store::accounts::Membership;

use crate::http::testing::TestServer;

/// Two hosts and an image, and a feed that speaks of their packages: glass can be fixed, stone not.
pub(in crate::http::hss) async fn world() -> (TestServer, String, String) {
    world_of(TestServer::new().await).await
}

/// The same in another server.
pub(in crate::http::hss) async fn world_of(server: TestServer) -> (TestServer, String, String) {
    server
        .feed(&[
            ("DSA-1-1", "CVE-2026-0001", "glass", "1.0-2"),
            ("DEBIAN-CVE-2026-0002", "CVE-2026-0002", "stone", ""),
        ])
        .await;
    let web = server.host("web", &[("glass", "1.0-1"), ("stone", "2.0-1")]).await;
    let data = server.host("data", &[("stone", "2.0-1"), ("wood", "1")]).await;
    server.image("team/app:1", &[("glass", "1.0-1")]).await;
    server.image("team/base:2", &[("wood", "1")]).await;
    (server, web, data)
}

/// The first cells of an export's rows.
pub(super) async fn ids(server: &TestServer, parameters: &str, body: &str) -> Vec<String> {
    let path = format!("/vul/export?category=host&export_size=100{parameters}");
    let body = match body {
        "" => "{\"export_headers\": [[\"vul_id\", \"V\"], [\"host_name\", \"H\"]]}".to_owned(),
        more => format!("{{\"export_headers\": [[\"vul_id\", \"V\"], [\"host_name\", \"H\"]], {more}}}"),
    };
    let rows = server.exported("reader", &path, &body).await;
    rows[1..].iter().map(|row| format!("{} {}", &row[0][9..], row[1])).collect()
}

#[tokio::test]
async fn the_samples_of_the_reference_hold() {
    let (server, ..) = world().await;
    let path = "/vul/export?handle_status=unhandled&repair_priority=Critical,High,Medium,Low&offset=0\
                &category=vul&type=linux_vul&export_size=200000&enterprise_project_id=0";
    let body = r#"{
"export_headers" : [ [ "enterprise_project_name", "Enterprise project" ], [ "vul_name", "Vulnerability name" ], [ "vul_id", "Vulnerability ID" ] ]
}"#;
    let asked = server.hss("reader", Method::POST, path, body).await;
    assert_eq!(asked.status, 200);
    let answer = asked.body.as_object().unwrap();
    assert_eq!(answer.keys().collect::<Vec<_>>(), ["task_id"]);
    let task = answer["task_id"].as_str().unwrap();
    assert!(task.len() == 32 && task.bytes().all(|b| b.is_ascii_hexdigit()));
    let rows = server.exported("reader", path, body).await;
    assert_eq!(rows[0], ["Enterprise project", "Vulnerability name", "Vulnerability ID"]);
    assert_eq!(rows[1], ["default", "CVE-2026-0001 in glass", "CVE-2026-0001"]);
    assert_eq!(rows.len(), 3, "what nobody rated is among Medium, never nowhere");

    let path = "/image/local-vulnerability/export?export_size=5&enterprise_project_id=all_granted_eps";
    let asked = server.hss("reader", Method::POST, path, "{\"operate_all\" : true}").await;
    assert_eq!(asked.body["record_total_num"], 1);
    assert_eq!(asked.body.as_object().unwrap().len(), 2);
    let rows = server.exported("reader", path, "{\"operate_all\" : true}").await;
    assert_eq!(rows[1][..2], ["team/app", "1"]);
}

#[tokio::test]
async fn every_parameter_of_the_export_filters_alone_and_together() {
    let (server, web, data) = world().await;
    server
        .hss(
            "manager",
            Method::PUT,
            "/host-management/asset-value/associate",
            &format!("{{\"asset_value\": \"important\", \"host_id_list\": [\"{web}\"]}}"),
        )
        .await;
    server
        .hss(
            "manager",
            Method::POST,
            "/host-management/groups",
            &format!("{{\"group_name\": \"前端\", \"host_id_list\": [\"{web}\"]}}"),
        )
        .await;
    let ignored = format!(
        "{{\"operate_type\": \"ignore\", \"data_list\": [{{\"vul_id\": \"CVE-2026-0002\", \"host_id_list\": [\"{data}\"]}}]}}"
    );
    assert_eq!(server.hss("manager", Method::PUT, "/vulnerability/status", &ignored).await.status, 200);
    let all = ["0001 web", "0002 web", "0002 data"];
    for (parameters, body, expected) in [
        ("", "", &all[..]),
        ("&type=linux_vul", "", &all),
        ("&type=app_vul", "", &[]),
        ("&type=windows_vul", "", &[]),
        ("&type=web_cms", "", &[]),
        ("&type=urgent_vul", "", &[]),
        ("&vul_id=CVE-2026-0002", "", &all[1..]),
        ("&cve_id=CVE-2026-0001", "", &all[..1]),
        ("&vul_name=in%20glass", "", &all[..1]),
        ("&host_id=WEB", "", &all[..2]),
        ("&limit=1", "", &all[..1]),
        ("&limit=0", "", &all),
        ("&offset=1", "", &all[1..]),
        ("&offset=1&limit=1", "", &all[1..2]),
        ("&offset=9", "", &[]),
        ("&repair_priority=Medium", "", &all),
        ("&repair_priority=Critical,High%2CLow", "", &[]),
        ("&handle_status=handled", "", &all[2..]),
        ("&handle_status=unhandled", "", &all[..2]),
        ("&label_list=Fix+available", "", &all[..1]),
        ("&label_list=Known%20exploited", "", &[]),
        ("&status=vul_status_ignored", "", &all[2..]),
        ("&status=vul_status_unfix", "", &all[..2]),
        ("&status=vul_status_fixed", "", &[]),
        ("&status=vul_status_reboot", "", &[]),
        ("&asset_value=important", "", &all[..2]),
        ("&asset_value=common", "", &all[2..]),
        ("&asset_value=test", "", &[]),
        ("&group_name=%E5%89%8D%E7%AB%AF", "", &all[..2]),
        ("&group_name=other", "", &[]),
        ("&node_type=not_cce", "", &all),
        ("&node_type=cce", "", &[]),
        ("&enterprise_project_id=all_granted_eps", "", &all),
        ("", "\"vul_id_list\": [\"CVE-2026-0001\", \"CVE-1\"]", &all[..1]),
        ("", "\"host_id_list\": [\"DATA\"]", &all[2..]),
        ("&vul_id=CVE-2026-0002&asset_value=important&handle_status=unhandled", "", &all[1..2]),
        ("&host_id=WEB", "\"host_id_list\": [\"DATA\"]", &[]),
        ("&no_such_parameter=1", "", &all),
    ] {
        let (parameters, body) = (parameters.replace("WEB", &web), body.replace("DATA", &data));
        assert_eq!(ids(&server, &parameters, &body).await, expected, "{parameters} {body}");
    }
}

#[tokio::test]
async fn every_field_of_an_image_export_filters() {
    let (server, ..) = world().await;
    let (app, digest) = server.image("team/app:1", &[("glass", "1.0-1")]).await;
    server.container("c1", "shop", digest).await;
    let (now, size) = (server.clock_now(), 0);
    let built = 1_790_812_800_000_i64;
    for (body, expected) in [
        ("\"operate_all\": true".to_owned(), 1),
        (format!("\"image_id_list\": [\"{app}\"]"), 1),
        (format!("\"image_id_list\": [\"{digest}\", \"unknown\"]"), 1),
        ("\"image_id_list\": [\"unknown\"]".to_owned(), 0),
        ("\"operate_all\": true, \"image_id_list\": [\"unknown\"]".to_owned(), 1),
        ("\"vul_id_list\": [\"CVE-2026-0001\"]".to_owned(), 1),
        ("\"vul_id_list\": [\"CVE-2026-0002\"]".to_owned(), 0),
        ("\"operate_all\": true, \"vul_type\": \"linux_vul\"".to_owned(), 1),
        ("\"operate_all\": true, \"vul_type\": \"app_vul\"".to_owned(), 0),
        ("\"operate_all\": true, \"handle_status\": \"handled\"".to_owned(), 0),
        ("\"operate_all\": true, \"handle_status\": \"unhandled\"".to_owned(), 1),
        ("\"operate_all\": true, \"scan_status\": \"success\"".to_owned(), 1),
        ("\"operate_all\": true, \"scan_status\": \"image_oversized\"".to_owned(), 0),
        ("\"operate_all\": true, \"image_name\": \"app\"".to_owned(), 1),
        ("\"operate_all\": true, \"image_name\": \"base\"".to_owned(), 0),
        ("\"operate_all\": true, \"image_version\": \"1\"".to_owned(), 1),
        ("\"operate_all\": true, \"image_version\": \"2\"".to_owned(), 0),
        (format!("\"operate_all\": true, \"image_size\": {}", size + 1), 0),
        (format!("\"operate_all\": true, \"start_latest_update_time\": {built}"), 1),
        (format!("\"operate_all\": true, \"start_latest_update_time\": {}", built + 1), 0),
        (format!("\"operate_all\": true, \"end_latest_update_time\": {}", built - 1), 0),
        (format!("\"operate_all\": true, \"start_latest_scan_time\": {now}"), 1),
        (format!("\"operate_all\": true, \"end_latest_scan_time\": {}", now - 1), 0),
        ("\"operate_all\": true, \"has_container\": true".to_owned(), 1),
        ("\"operate_all\": true, \"has_container\": false".to_owned(), 0),
        ("\"operate_all\": null, \"vul_id_list\": [\"CVE-2026-0001\"], \"image_name\": null".to_owned(), 1),
    ] {
        let path = "/image/local-vulnerability/export?export_size=9";
        let rows = server.exported("reader", path, &format!("{{{body}}}")).await;
        assert_eq!(rows.len() - 1, expected, "{body}");
    }
}

#[tokio::test]
async fn columns_are_the_chosen_ones_in_their_order() {
    let (server, web, _) = world().await;
    let keys = [
        "enterprise_project_name",
        "enterprise_project_id",
        "vul_name",
        "vul_id",
        "label_list",
        "repair_necessity",
        "severity_level",
        "repair_priority",
        "host_num",
        "unhandle_host_num",
        "scan_time",
        "solution_detail",
        "url",
        "description",
        "type",
        "host_id_list",
        "cve_list",
        "cve_id",
        "cve_id_list",
        "patch_url",
        "hosts_num",
        "repair_success_num",
        "fixed_num",
        "ignored_num",
        "verify_num",
        "host_id",
        "agent_id",
        "host_name",
        "host_ip",
        "private_ip",
        "public_ip",
        "asset_value",
        "group_name",
        "group_id",
        "os_type",
        "os_name",
        "os_version",
        "os_kernel",
        "host_status",
        "agent_status",
        "status",
        "remark",
        "repair_cmd",
        "version",
        "app_name",
        "app_path",
        "app_version",
        "software_version",
        "is_affect_business",
        "cve_num",
        "first_scan_time",
        "failed_reason",
        "support_restore",
        "backup_name",
        "node_type",
        "no_such_key",
        "vul_id",
    ];
    let headers: Vec<_> = keys.iter().map(|key| serde_json::json!([key, format!("{key} 列")])).collect();
    let body = serde_json::json!({"export_headers": headers}).to_string();
    let path = "/vul/export?category=host&export_size=1";
    let rows = server.exported("reader", path, &body).await;
    assert_eq!(rows[0], keys.map(|key| format!("{key} 列")));
    let cell = |key: &str| rows[1][keys.iter().position(|k| *k == key).unwrap()].as_str();
    for (key, expected) in [
        ("vul_id", "CVE-2026-0001"),
        ("vul_name", "CVE-2026-0001 in glass"),
        ("label_list", "Fix available"),
        ("severity_level", "Medium"),
        ("solution_detail", "Upgrade glass to 1.0-2"),
        ("type", "linux_vul"),
        ("url", "https://www.cve.org/CVERecord?id=CVE-2026-0001"),
        ("host_id", web.as_str()),
        ("host_name", "web"),
        ("asset_value", "common"),
        ("os_type", "Linux"),
        ("status", "vul_status_unfix"),
        ("app_name", "glass"),
        ("app_version", "1.0-1"),
        ("version", "1.0-2"),
        ("cve_num", "1"),
        ("no_such_key", ""),
        ("host_num", "1"),
        ("enterprise_project_id", "0"),
        ("host_status", "ACTIVE"),
        ("node_type", "not_cce"),
        ("os_version", "12"),
    ] {
        assert_eq!(cell(key), expected, "{key}");
    }
    // A title that a spreadsheet would run is defused; the rest of it stays.
    let rows = server.exported("reader", path, "{\"export_headers\": [[\"vul_id\", \"=1+1\"]]}").await;
    assert_eq!(rows[0], ["'=1+1"]);
    for body in ["", "{}", "{\"export_headers\": []}", "{\"export_headers\": null}"] {
        let rows = server.exported("reader", path, body).await;
        assert_eq!(rows[0][0], "Server name", "{body:?}: default columns");
    }
}

/// What was written for one server is used again for others only where it is the same.
#[tokio::test]
async fn rows_of_one_vulnerability_name_the_packages_of_their_server() {
    let server = TestServer::new().await;
    server
        .feed(&[
            ("DSA-1-1", "CVE-2026-0001", "glass", "1.0-2"),
            ("DEBIAN-CVE-2026-0001", "CVE-2026-0001", "pane", ""),
        ])
        .await;
    let (glass, pane) = (("glass", "1.0-1"), ("pane", "2"));
    for (name, packages) in
        [("a", &[glass, pane][..]), ("b", &[glass]), ("c", &[pane]), ("d", &[glass, pane]), ("e", &[glass])]
    {
        server.host(name, packages).await;
    }
    let body = "{\"export_headers\": [[\"app_name\",\"1\"],[\"host_name\",\"2\"],[\"app_version\",\"3\"],\
                [\"status\",\"4\"],[\"vul_id\",\"5\"],[\"version\",\"6\"]]}";
    let rows = server.exported("reader", "/vul/export?category=host&export_size=9", body).await;
    let row = |names: &str, host: &str, versions: &str, fixed: &str| {
        [names, host, versions, "vul_status_unfix", "CVE-2026-0001", fixed].map(str::to_owned)
    };
    assert_eq!(
        rows[1..],
        [
            row("glass,pane", "a", "1.0-1,2", "1.0-2"),
            row("glass", "b", "1.0-1", "1.0-2"),
            row("pane", "c", "2", ""),
            row("glass,pane", "d", "1.0-1,2", "1.0-2"),
            row("glass", "e", "1.0-1", "1.0-2"),
        ]
    );
}

#[tokio::test]
async fn bad_input_is_refused_by_name_before_a_job_starts() {
    let (server, ..) = world().await;
    let good = "category=vul&export_size=5";
    let long = "x".repeat(257);
    let hosts = [
        ("export_size=5".to_owned(), "category"),
        ("category=&export_size=5".to_owned(), "category"),
        ("category=VUL&export_size=5".to_owned(), "category"),
        ("category=vul&category=host&export_size=5".to_owned(), "category"),
        ("category=vul".to_owned(), "export_size"),
        ("category=vul&export_size=".to_owned(), "export_size"),
        ("category=vul&export_size=0".to_owned(), "export_size"),
        ("category=vul&export_size=-1".to_owned(), "export_size"),
        ("category=vul&export_size=1.5".to_owned(), "export_size"),
        ("category=vul&export_size=2147483648".to_owned(), "export_size"),
        ("category=vul&export_size=99999999999999999999".to_owned(), "export_size"),
        ("category=vul&export_size=1&export_size=2".to_owned(), "export_size"),
        (format!("{good}&offset=-1"), "offset"),
        (format!("{good}&offset=x"), "offset"),
        (format!("{good}&limit=-1"), "limit"),
        (format!("{good}&limit="), "limit"),
        (format!("{good}&type=linux"), "type"),
        (format!("{good}&type="), "type"),
        (format!("{good}&repair_priority=Critical,Huge"), "repair_priority"),
        (format!("{good}&repair_priority="), "repair_priority"),
        (format!("{good}&handle_status=maybe"), "handle_status"),
        (format!("{good}&status=fixed"), "status"),
        (format!("{good}&asset_value=dear"), "asset_value"),
        (format!("{good}&node_type=k8s"), "node_type"),
        (format!("{good}&vul_id="), "vul_id"),
        (format!("{good}&vul_id={long}"), "vul_id"),
        (format!("{good}&vul_name="), "vul_name"),
        (format!("{good}&cve_id=a&cve_id=b"), "cve_id"),
        (format!("{good}&host_id={long}"), "host_id"),
        (format!("{good}&label_list="), "label_list"),
        (format!("{good}&group_name={long}"), "group_name"),
        (format!("{good}&enterprise_project_id="), "enterprise_project_id"),
        (format!("{good}&enterprise_project_id={long}"), "enterprise_project_id"),
        (format!("{good}&vul_name=%ff"), "UTF-8"),
        (format!("{good}&vul_name=%00"), "NUL"),
    ];
    for (query, name) in hosts {
        let answer = server.hss("reader", Method::POST, &format!("/vul/export?{query}"), "{}").await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &"HSS.0001".into()), "{query}");
        assert!(answer.body["error_msg"].as_str().unwrap().contains(name), "{query}: {}", answer.body);
        assert_eq!(answer.headers["X-Request-Id"], answer.body["request_id"].as_str().unwrap());
    }
    let bodies = [
        ("/vul/export?category=vul&export_size=5", "{\"export_headers\": \"vul_id\"}", "export_headers"),
        (
            "/vul/export?category=vul&export_size=5",
            "{\"export_headers\": [[\"a\",\"b\",\"c\"]]}",
            "export_headers",
        ),
        ("/vul/export?category=vul&export_size=5", "{\"export_headers\": [[\"a\"]]}", "export_headers"),
        ("/vul/export?category=vul&export_size=5", "{\"export_headers\": [[\"a\", 1]]}", "export_headers"),
        ("/vul/export?category=vul&export_size=5", "{\"vul_id_list\": \"a\"}", "vul_id_list"),
        ("/vul/export?category=vul&export_size=5", "{\"host_id_list\": [1]}", "host_id_list"),
        ("/vul/export?category=vul&export_size=5", "{\"a\": 1, \"a\": 2}", "a"),
        (IMAGES, "", "image_id_list"),
        (IMAGES, "{\"operate_all\": \"true\"}", "operate_all"),
        (IMAGES, "{\"operate_all\": true, \"vul_type\": \"urgent_vul\"}", "vul_type"),
        (IMAGES, "{\"operate_all\": true, \"handle_status\": \"\"}", "handle_status"),
        (IMAGES, "{\"operate_all\": true, \"scan_status\": \"done\"}", "scan_status"),
        (IMAGES, "{\"operate_all\": true, \"image_size\": \"1\"}", "image_size"),
        (IMAGES, "{\"operate_all\": true, \"image_size\": -1}", "image_size"),
        (IMAGES, "{\"operate_all\": true, \"start_latest_scan_time\": 1.5}", "start_latest_scan_time"),
        (IMAGES, "{\"operate_all\": true, \"has_container\": 1}", "has_container"),
        (IMAGES, "{\"operate_all\": true, \"image_name\": \"\"}", "image_name"),
        ("/image/local-vulnerability/export", "{\"operate_all\": true}", "export_size"),
    ];
    for (path, body, name) in bodies {
        let answer = server.hss("reader", Method::POST, path, body).await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &"HSS.0001".into()), "{body}");
        assert!(answer.body["error_msg"].as_str().unwrap().contains(name), "{body}: {}", answer.body);
    }
    for body in ["{", "[]", "null", "{\"export_headers\": [[}"] {
        let path = "/vul/export?category=vul&export_size=5";
        let answer = server.hss("reader", Method::POST, path, body).await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &"HSS.0002".into()), "{body}");
    }
    assert!(server.app.job_counts().await.unwrap().is_empty(), "no job was made");
}

pub(super) const IMAGES: &str = "/image/local-vulnerability/export?export_size=5";

#[tokio::test]
async fn ten_megabytes_of_image_ids_are_taken() {
    let (server, ..) = world().await;
    let ids: Vec<String> = (0..250_000).map(|n| format!("00000000-0000-0000-0000-{n:012}")).collect();
    let body = serde_json::json!({"image_id_list": ids}).to_string();
    assert!(body.len() > 9_000_000);
    let answer = server.hss("reader", Method::POST, IMAGES, &body).await;
    assert_eq!((answer.status, &answer.body["record_total_num"]), (200, &0.into()), "{}", answer.body);
}

#[tokio::test]
async fn a_file_is_fetched_in_parts_for_as_long_as_it_is_kept() {
    let (server, ..) = world().await;
    let asked = server.hss("reader", Method::POST, "/vul/export?category=vul&export_size=5", "").await;
    let task = format!("/export-task/{}", asked.body["task_id"].as_str().unwrap());
    let running = server.hss("reader", Method::GET, &task, "").await;
    assert_eq!(running.body["task_status"], "running");
    assert!(running.body.get("file_id").is_none(), "{}", running.body);
    server.app.run_jobs().await.unwrap();
    // Whoever polls names neither the enterprise project nor the region.
    let done = server.hss("reader", Method::GET, &task, "").await.body;
    let keys: BTreeSet<&str> = done.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, BTreeSet::from(["file_id", "file_name", "task_id", "task_name", "task_status"]));
    let file = format!("/download/{}", done["file_id"].as_str().unwrap());

    let whole = server.raw(server.hss_request("reader", Method::GET, &file, "").await).await;
    let head = server.raw(server.hss_request("reader", Method::HEAD, &file, "").await).await;
    assert_eq!((head.0, head.2.len()), (200, 0));
    assert_eq!(head.1["content-length"], whole.2.len().to_string().as_str());
    assert!(head.1["content-disposition"].to_str().unwrap().contains(done["file_name"].as_str().unwrap()));
    assert!(head.1.get("content-encoding").is_none());
    let mut part = server.hss_request("reader", Method::GET, &file, "").await;
    part.headers_mut().insert("range", "bytes=4-9".parse().unwrap());
    let part = server.raw(part).await;
    assert_eq!((part.0, part.2.as_slice()), (206, &whole.2[4..10]));

    for unknown in ["/export-task/x", "/download/x", "/export-task/00000000000000000000000000000000"] {
        let answer = server.hss("reader", Method::GET, unknown, "").await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &"HSS.0011".into()), "{unknown}");
    }
    let latest =
        format!("/export-task?task_id={}&export_task_type=vul", asked.body["task_id"].as_str().unwrap());
    assert_eq!(server.hss("reader", Method::GET, &latest, "").await.body, done);
    server.clock.advance(7 * DAY + 1_000);
    let answer = server.hss("reader", Method::GET, &file, "").await;
    assert_eq!((answer.status, &answer.body["error_code"]), (400, &"HSS.0011".into()));
}

#[tokio::test]
async fn rights_on_one_enterprise_project_end_at_its_border() {
    let (server, ..) = world().await;
    let mut tx = server.app.store().begin().await.unwrap();
    let finance = tx.ensure_enterprise_project("finance", "Finance").await.unwrap();
    let reader = tx.user_by_name("reader").await.unwrap().unwrap();
    tx.set_membership(&Membership {
        user: reader.no,
        project: server.local.project,
        roles: BTreeSet::from(["reader".to_owned()]),
        enterprise_projects: Some(BTreeSet::from([finance.no])),
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let path = |id: &str| format!("/vul/export?category=vul&export_size=5{id}");
    for id in ["", "&enterprise_project_id=0", "&enterprise_project_id=unknown"] {
        let answer = server.hss("reader", Method::POST, &path(id), "").await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &"HSS.0013".into()), "{id}");
    }
    for id in ["&enterprise_project_id=finance", "&enterprise_project_id=all_granted_eps"] {
        assert_eq!(server.exported("reader", &path(id), "").await.len(), 1, "{id}: only the titles");
    }
    let all = server.hss("manager", Method::POST, &path("&enterprise_project_id=all_granted_eps"), "").await;
    let task = format!("/export-task/{}", all.body["task_id"].as_str().unwrap());
    let answer = server.hss("reader", Method::GET, &task, "").await;
    assert_eq!(answer.body["error_code"], "HSS.0011", "who sees less sees not the task");
}

#[tokio::test]
async fn a_path_that_is_not_served_answers_as_the_family_does() {
    let (server, ..) = world().await;
    for path in ["/image/baseline/export", "/asset/export", "/vulnerability/task/statistics", "/vul/export"] {
        let answer = server.hss("reader", Method::GET, path, "").await;
        assert_eq!((answer.status, &answer.body["error_code"]), (404, &"APIGW.0101".into()), "{path}");
    }
}
