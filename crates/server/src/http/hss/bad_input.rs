//! Bad input, call by call: what every list refuses, and what belongs to others.

use axum::http::Method;
use parapet_model::{Filter, Principal};
use parapet_service::exports::ExportRequest;
use serde_json::{Value, json};

use super::exports::tests::world;
use crate::http::testing::TestServer;

/// Every list with the parameters it cannot do without, and the end its path has.
const LISTS: [&str; 24] = [
    "/vulnerability/vulnerabilities?",
    "/vulnerability/hosts?vul_id=CVE-2026-0002&type=linux_vul",
    "/vulnerability/host/{host}?",
    "/vulnerability/host-vulnerability/vulnerabilities?",
    "/vulnerability/urgent-vulnerabilities?",
    "/vulnerability/handle/vulnerabilities?",
    "/vulnerability/white-lists?",
    "/vulnerability/scan-tasks?",
    "/image/local-repositories?",
    "/image/swr-repository?image_type=private_image",
    "/image/{image}/vulnerabilities?image_type=local_image",
    "/image/vulnerability/CVE-2026-0001/cve?",
    "/image/vulnerabilities?image_type=local",
    "/image/CVE-2026-0001/images?image_type=local_image",
    "/images/vulnerabilities?image_type=local",
    "/vulnerability/images?image_type=local&vul_id=CVE-2026-0001",
    "/image/vulnerability/handle-history?",
    "/image/tasks?type=image_scan",
    "/image/registries?",
    "/image/{image}/apps?",
    "/image/local/apps?image_id={image}",
    "/image/vulnerability/{image}/apps?vul_id=CVE-2026-0001",
    "/host-management/hosts?",
    "/host-management/groups?",
];

async fn refused(server: &TestServer, path: &str, name: &str) {
    let answer = server.hss("manager", Method::GET, path, "").await;
    assert_eq!(
        (answer.status, &answer.body["error_code"]),
        (400, &json!("HSS.0001")),
        "{path}: {}",
        answer.body
    );
    assert!(answer.body["error_msg"].as_str().unwrap().contains(name), "{path}: {}", answer.body);
}

async fn image_of(server: &TestServer) -> String {
    let images = server.hss("manager", Method::GET, "/image/local-repositories?image_name=app", "").await;
    images.body["data_list"][0]["image_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_list_refuses_a_page_that_is_none() {
    let (server, web, _) = world().await;
    let image = image_of(&server).await;
    for list in LISTS {
        let path = list.replace("{host}", &web).replace("{image}", &image);
        let good = server.hss("manager", Method::GET, &format!("{path}&limit=10&offset=0"), "").await;
        assert_eq!(good.status, 200, "{path}: {}", good.body);
        for (bad, name) in [
            ("&limit=0&offset=0", "limit"),
            ("&limit=201&offset=0", "limit"),
            ("&limit=ten&offset=0", "limit"),
            ("&limit=&offset=0", "limit"),
            ("&limit=10&limit=20&offset=0", "limit"),
            ("&limit=10&offset=-1", "offset"),
            ("&limit=10&offset=2000001", "offset"),
            ("&limit=10&offset=1.5", "offset"),
            ("&limit=10&offset=0&offset=0", "offset"),
        ] {
            refused(&server, &format!("{path}{bad}"), name).await;
        }
        // The calls that know no enterprise projects ignore the parameter.
        let unknown =
            server.hss("manager", Method::GET, &format!("{path}&enterprise_project_id=nobodys"), "").await;
        assert!(
            unknown.status == 200 || unknown.body["error_code"] == "HSS.0013",
            "{path}: {}",
            unknown.body
        );
    }
}

#[tokio::test]
async fn every_filter_of_the_lists_of_servers_is_checked() {
    let (server, web, _) = world().await;
    let long = "x".repeat(257);
    let usual = [
        ("type", "solaris_vul"),
        ("type", ""),
        ("vul_id", &long),
        ("cve_id", &long),
        ("vul_name", &long),
        ("repair_priority", "Huge"),
        ("repair_priority", "High,"),
        ("severity_level", "5"),
        ("label_list", &long),
        ("handle_status", "done"),
        ("status", "vul_status_gone"),
        ("asset_value", "dear"),
        ("group_name", &long),
        ("node_type", "k8s"),
        ("is_affect_business", "TRUE"),
    ];
    let of_host = format!("/vulnerability/host/{web}");
    for path in
        ["/vulnerability/vulnerabilities", &of_host, "/vulnerability/host-vulnerability/vulnerabilities"]
    {
        for (name, value) in usual {
            refused(&server, &format!("{path}?{name}={value}"), name).await;
        }
        for (name, value) in [("vul_id", "a"), ("repair_priority", "High"), ("status", "vul_status_unfix")] {
            refused(&server, &format!("{path}?{name}={value}&{name}={value}"), name).await;
        }
    }
    for (path, name) in [
        ("/vulnerability/hosts?type=linux_vul", "vul_id"),
        ("/vulnerability/hosts?vul_id=CVE-2026-0002", "type"),
        ("/vulnerability/hosts?vul_id=&type=linux_vul", "vul_id"),
        ("/vulnerability/hosts?vul_id=a&type=linux_vul&min_scan_time=-1", "min_scan_time"),
        ("/vulnerability/hosts?vul_id=a&type=linux_vul&max_scan_time=soon", "max_scan_time"),
        ("/vulnerability/host/hosts?offset=0", "limit"),
        ("/vulnerability/host/hosts?limit=10", "offset"),
        ("/vulnerability/host/hosts?limit=10&offset=0&severity_level=Huge", "severity_level"),
        ("/vulnerability/host-vulnerability/vulnerabilities?repair_type=later", "repair_type"),
        ("/vulnerability/urgent-vulnerabilities?status=x", "status"),
        ("/vulnerability/scan-tasks?scan_type=weekly", "scan_type"),
        ("/vulnerability/scan-tasks?min_start_time=-1", "min_start_time"),
        ("/vulnerability/handle/vulnerabilities?handle_circle=week", "handle_circle"),
        ("/host-management/hosts?agent_status=gone", "agent_status"),
        ("/image/registries?registry_type=Docker", "registry_type"),
        ("/image/registries?status=up", "status"),
        ("/image/swr-repository", "image_type"),
        ("/image/tasks", "type"),
        ("/export-task", "task_id"),
    ] {
        refused(&server, path, name).await;
    }
}

/// The exports of what was handled take their size and filters in the body.
#[tokio::test]
async fn bodies_of_the_exports_of_what_was_handled_are_checked() {
    let (server, ..) = world().await;
    const PAIRS: &str = "/vulnerability/history/export-task";
    const HISTORY: &str = "/vulnerability/handle-history/export-task";
    let with = |name: &str, value: Value| {
        let headers = json!([["vul_id", "Id"]]);
        let mut body = json!({"export_headers": headers, "export_header_list": headers});
        body[name] = value;
        body
    };
    let both = [
        ("export_size", json!(0)),
        ("export_size", json!(2_147_483_648_u64)),
        ("export_size", json!("5")),
        ("export_size", json!(1.5)),
        ("status", json!("vul_status_gone")),
        ("host_name", json!("x".repeat(257))),
        ("host_ip", json!(["10.0.0.1"])),
        ("asset_value", json!("dear")),
        ("group_name", json!(7)),
    ];
    let pairs = [
        ("export_headers", json!([])),
        ("export_headers", json!([["vul_id", "Id", "more"]])),
        ("type", json!("solaris_vul")),
        ("repair_priority", json!("Critical,High")),
        ("handle_cycle", json!("week")),
        ("is_affect_business", json!("true")),
        ("specific_vuls", json!({"vul_id": "CVE-2026-0001"})),
        ("specific_vuls", json!(["CVE-2026-0001"])),
        ("label", json!("x".repeat(129))),
    ];
    let history = [
        ("export_header_list", json!(null)),
        ("export_header_list", json!([["vul_id"]])),
        ("vul_type", json!("solaris_vul")),
        ("vul_id", json!("x".repeat(257))),
    ];
    let of_pairs = both.iter().chain(&pairs).map(|entry| (PAIRS, entry));
    for (path, (name, value)) in of_pairs.chain(both.iter().chain(&history).map(|entry| (HISTORY, entry))) {
        let body = with(name, value.clone()).to_string();
        let answer = server.hss("reader", Method::POST, path, &body).await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!("HSS.0001")), "{path} {body}");
        assert!(answer.body["error_msg"].as_str().unwrap().contains(name), "{path} {body}: {}", answer.body);
    }
    for (path, body) in [(PAIRS, "{\"export_headers\": [["), (HISTORY, "[]")] {
        let answer = server.hss("reader", Method::POST, path, body).await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!("HSS.0002")), "{path} {body}");
    }
    assert!(server.app.job_counts().await.unwrap().is_empty(), "no job was made");
}

/// What belongs to another project looks like what was never there.
#[tokio::test]
async fn tasks_and_files_of_another_project_are_unknown() {
    let (server, ..) = world().await;
    let mut tx = server.app.store().begin().await.unwrap();
    let other = tx.ensure_project("other").await.unwrap();
    tx.commit().await.unwrap();
    let stranger = Principal::local(other.no);
    let request = ExportRequest { zip: true, ..ExportRequest::findings(Filter::All) };
    let ticket = server.app.exports().request(&stranger, &stranger.scope(), request).await.unwrap();
    server.app.run_jobs().await.unwrap();
    let theirs = server.app.exports().task(&stranger.scope(), ticket.job).await.unwrap().unwrap();
    let file = theirs.artifact.expect("a file").uuid.simple();
    let task = ticket.job.simple();
    for path in [
        format!("/export-task/{task}"),
        format!("/event/export-task/{task}"),
        format!("/export-task?task_id={task}"),
        format!("/download/{file}"),
    ] {
        let answer = server.hss("manager", Method::GET, &path, "").await;
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!("HSS.0011")), "{path}");
        let never = server
            .hss(
                "manager",
                Method::GET,
                &path.replace(&task.to_string(), "0").replace(&file.to_string(), "0"),
                "",
            )
            .await;
        assert_eq!(answer.body["error_msg"], never.body["error_msg"], "{path}");
    }
    // And a token does not open the other project.
    let (token, _) = server.token("manager").await;
    let uri = format!("/v5/{}/export-task/{task}", other.id);
    let request = axum::http::Request::get(uri).header("X-Auth-Token", token);
    let answer = server.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!((answer.status, &answer.body["error_code"]), (403, &json!("APIGW.0302")), "{}", answer.body);
}
