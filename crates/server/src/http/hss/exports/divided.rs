//! Enterprise projects: made, filled and granted over the native wire, seen over this one.

use axum::http::Method;
use serde_json::json;

use super::tests::{IMAGES, ids, world};

/// Whoever sees one enterprise project sees its assets alone, in lists as in exports, and an asset stays
/// where it was put when it is looked at again.
#[tokio::test]
async fn a_user_of_one_enterprise_project_sees_its_assets_alone() {
    let (server, web, data) = world().await;
    let native = |method: Method, path: &str, body: serde_json::Value| {
        let (server, path) = (&server, format!("/api/v1/{path}"));
        async move { server.native("manager", method, &path, Some(body)).await }
    };
    let made = native(Method::POST, "enterprise-projects", json!({"name": "Finance", "id": "finance"})).await;
    assert_eq!((made.status, &made.body), (201, &json!({"id": "finance", "name": "Finance"})));
    let moved = native(Method::POST, "enterprise-projects/finance/assets", json!({"assets": [data]})).await;
    assert_eq!((moved.status, &moved.body), (200, &json!({"moved": 1})), "{}", moved.body);
    let image = json!({"where": "repository = \"team/app\""});
    let moved = native(Method::POST, "enterprise-projects/finance/assets", image).await;
    assert_eq!(moved.body, json!({"moved": 1}));
    let granted = json!({"enterprise_projects": ["finance"]});
    let granted = native(Method::PUT, "users/reader/enterprise-projects", granted).await;
    assert_eq!(granted.status, 204, "{}", granted.body);

    // What the next look records stays where it is.
    assert_eq!(server.host("data", &[("stone", "2.0-1"), ("wood", "1")]).await, data);
    let of = |id: &str| format!("&enterprise_project_id={id}");
    for id in ["finance", "all_granted_eps"] {
        let rows = ids(&server, &of(id), "").await;
        assert_eq!(rows, ["0002 data"], "{id}");
        for (path, total) in [
            ("/vulnerability/vulnerabilities?type=linux_vul", 1),
            ("/vulnerability/host-vulnerability/vulnerabilities?limit=10", 1),
            ("/vulnerability/host/hosts?limit=10&offset=0", 1),
            ("/vulnerability/hosts?type=linux_vul&vul_id=CVE-2026-0002", 1),
            ("/vulnerability/hosts?type=linux_vul&vul_id=CVE-2026-0001", 0),
            ("/host-management/hosts?limit=10", 1),
            ("/image/local-repositories?limit=10", 1),
            ("/images/vulnerabilities?image_type=local&type=linux_vul&handle_status=unhandled", 1),
        ] {
            let answer = server.hss("reader", Method::GET, &format!("{path}{}", of(id)), "").await;
            assert_eq!((answer.status, &answer.body["total_num"]), (200, &json!(total)), "{path} {id}");
        }
        let other = format!("/vulnerability/host/{web}?limit=10{}", of(id));
        let answer = server.hss("reader", Method::GET, &other, "").await;
        assert_eq!(answer.body["error_code"], "HSS.0011", "the other server looks like none");
        let images = format!("{IMAGES}{}", of(id));
        let rows = server.exported("reader", &images, "{\"operate_all\": true}").await;
        assert_eq!(rows.len(), 2, "the titles and the one image");
    }
    let rows = ids(&server, &of("finance"), "").await;
    assert_eq!(rows.len(), 1);
    let answer = server.hss("reader", Method::GET, "/vulnerability/vulnerabilities?limit=10", "").await;
    assert_eq!(answer.body["error_code"], "HSS.0013", "the default one is not granted");
    // Whoever sees everything sees both.
    let path = "/vulnerability/vulnerabilities?limit=10&enterprise_project_id=all_granted_eps";
    let answer = server.hss("manager", Method::GET, path, "").await;
    assert_eq!(answer.body["total_num"], 2);
}

#[tokio::test]
async fn enterprise_projects_are_made_by_those_who_see_all_of_them() {
    let (server, web, _) = world().await;
    let call = |user: &'static str, method: Method, path: &str, body: serde_json::Value| {
        let (server, path) = (&server, format!("/api/v1/{path}"));
        async move { server.native(user, method, &path, Some(body)).await }
    };
    let made = call("manager", Method::POST, "enterprise-projects", json!({"name": "Finance"})).await;
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 32);
    for (name, id, status) in [
        ("Finance", Some("other"), 409),
        ("Other", Some(id.as_str()), 409),
        ("Other", Some("0"), 400),
        ("Other", Some("all_granted_eps"), 400),
        ("Other", Some("with space"), 400),
        ("", None, 400),
        (" Other", None, 400),
        ("a\nb", None, 400),
    ] {
        let body = json!({"name": name, "id": id});
        let answer = call("manager", Method::POST, "enterprise-projects", body).await;
        assert_eq!(answer.status, status, "{name:?} {id:?}: {}", answer.body);
    }
    let path = format!("enterprise-projects/{id}");
    let renamed = call("manager", Method::PUT, &path, json!({"name": "Money"})).await;
    assert_eq!((renamed.status, &renamed.body["name"]), (200, &"Money".into()));
    let assets = format!("{path}/assets");
    for (body, status) in [
        (json!({}), 400),
        (json!({"assets": [web], "where": "kind = host"}), 400),
        (json!({"assets": ["x"]}), 404),
        (json!({"assets": ["00000000-0000-0000-0000-000000000000"]}), 404),
        (json!({"where": "nonsense"}), 400),
    ] {
        let answer = call("manager", Method::POST, &assets, body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
    }
    let unknown =
        call("manager", Method::POST, "enterprise-projects/x/assets", json!({"assets": [web]})).await;
    assert_eq!(unknown.status, 404);
    let grant = "users/manager/enterprise-projects";
    let empty = call("manager", Method::PUT, grant, json!({"enterprise_projects": []})).await;
    assert_eq!(empty.status, 400);
    assert_eq!(call("reader", Method::PUT, grant, json!({"enterprise_projects": null})).await.status, 403);

    // A manager of one of them divides nothing, and hands out no more than that.
    let granted = call("manager", Method::PUT, grant, json!({"enterprise_projects": [id]})).await;
    assert_eq!(granted.status, 204, "{}", granted.body);
    assert_eq!(call("manager", Method::POST, "enterprise-projects", json!({"name": "X"})).await.status, 403);
    assert_eq!(call("manager", Method::PUT, grant, json!({"enterprise_projects": null})).await.status, 403);
    assert_eq!(call("manager", Method::PUT, grant, json!({"enterprise_projects": ["0"]})).await.status, 404);
    assert_eq!(call("manager", Method::POST, &assets, json!({"assets": [web]})).await.status, 404);
    let seen = server.native("manager", Method::GET, "/api/v1/enterprise-projects", None).await;
    assert_eq!(seen.body, json!({"enterprise_projects": [{"id": id, "name": "Money"}]}));
}
