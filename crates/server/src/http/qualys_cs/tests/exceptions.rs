//! Exceptions and lists (contract 2), on images and containers that are really there.

use axum::http::Method;
use parapet_model::asset::AssetKind;
use parapet_model::{Digest, Filter};
use parapet_posture::Query;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::testing::{START, TestServer};

/// Two images with a vulnerability each of the same kind, one container of the first.
struct Estate {
    server: TestServer,
    web: Uuid,
    api: Uuid,
    web_digest: Digest,
    list: String,
}

impl Estate {
    async fn new() -> Self {
        let server = TestServer::new().await;
        server
            .feed(&[
                ("DSA-1-1", "CVE-2026-0001", "glass", "1.0-2"),
                ("DEBIAN-CVE-2026-0002", "CVE-2026-0002", "stone", ""),
            ])
            .await;
        let (web, web_digest) = server.image("shop/web:1", &[("glass", "1.0-1"), ("stone", "2.0-1")]).await;
        let (api, _) = server.image("shop/api:7", &[("glass", "1.0-1")]).await;
        server.container(&"c".repeat(64), "web-1", web_digest).await;
        let list = json!({"name": "accepted", "cveids": ["CVE-2026-0001"]});
        let made = server.cs("manager", Method::POST, "/list", Some(&list)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let list = made.body["listId"].as_str().unwrap().to_owned();
        Self { server, web, api, web_digest, list }
    }

    /// `image or container, vulnerability` of every finding that no exception hides.
    fn open(&self) -> Vec<String> {
        let scope = self.server.local.scope();
        let snapshot = self.server.app.live().snapshot();
        let mut open = Vec::new();
        let query = Query::new(&scope, &Filter::All, self.server.app.now());
        let _ = snapshot.findings(&query, |finding| {
            if finding.exception.is_none() {
                let name = match finding.asset.kind {
                    AssetKind::Image => {
                        let place = &finding.references[0].reference;
                        format!("{}:{}", place.repository, place.tag)
                    }
                    _ => finding.asset.name.clone(),
                };
                open.push(format!("{name} {}", finding.vulnerability.id));
            }
            std::ops::ControlFlow::<()>::Continue(())
        });
        open.sort_unstable();
        open
    }

    fn request(&self, changes: &[(&str, Value)]) -> Value {
        let mut request = json!({
            "name": "VulException1", "reason": "RISK_ACCEPTED", "explanation": "Testing API", "scope": "IMAGE",
            "listId": self.list, "exceptionType": "VULNERABILITY",
            "entityAssignmentRequest": {"idsToAdd": [self.web], "additionFilter": null},
            "startDate": "1687777225000", "endDate": "4102358400000",
        });
        for (key, value) in changes {
            request[*key] = value.clone();
        }
        request
    }

    async fn create(&self, changes: &[(&str, Value)]) -> Uuid {
        let answer =
            self.server.cs("manager", Method::POST, "/exception", Some(&self.request(changes))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["exceptionId"].as_str().unwrap().parse().unwrap()
    }
}

const ALL: [&str; 5] = [
    "shop/api:7 CVE-2026-0001",
    "shop/web:1 CVE-2026-0001",
    "shop/web:1 CVE-2026-0002",
    "web-1 CVE-2026-0001",
    "web-1 CVE-2026-0002",
];

/// The sample of the page "Create an Exception".
#[tokio::test]
async fn the_sample_hides_the_images_findings_and_those_of_its_containers_also_later_ones() {
    let estate = Estate::new().await;
    assert_eq!(estate.open(), ALL);
    let id = estate.create(&[]).await;
    assert_eq!(estate.open(), [ALL[0], ALL[2], ALL[4]]);
    estate.server.container(&"d".repeat(64), "web-2", estate.web_digest).await;
    assert_eq!(estate.open(), [ALL[0], ALL[2], ALL[4], "web-2 CVE-2026-0002"]);

    let answer =
        estate.server.cs("reader", Method::GET, &format!("/exception/{id}?includeQids=true"), None).await;
    let mut details = answer.body;
    assert_eq!(details["qids"].as_array().unwrap().len(), 1);
    details["qids"] = Value::Null;
    assert_eq!(
        details,
        json!({
            "exceptionId": id, "name": "VulException1", "createdBy": "manager", "updatedBy": "manager",
            "created": details["created"], "updated": details["updated"], "explanation": "Testing API",
            "reason": "RISK_ACCEPTED", "scope": "IMAGE", "entityAssignmentType": "STATIC",
            "imageSelectionType": "STATIC", "listId": estate.list, "startDate": "1687777225000",
            "endDate": "4102358400000", "dynamicFilter": null, "qids": null,
        })
    );
    assert!(details["created"].is_string());

    for path in
        [format!("/images/{}/exceptions", estate.web), format!("/containers/{}/exceptions", "c".repeat(64))]
    {
        let answer = estate.server.cs("reader", Method::GET, &path, None).await;
        assert_eq!(
            (&answer.body["count"], &answer.body["data"][0]["uuid"]),
            (&json!(1), &json!(id)),
            "{path}"
        );
    }
    let other =
        estate.server.cs("reader", Method::GET, &format!("/images/{}/exceptions", estate.api), None).await;
    assert_eq!(other.status, 204);
}

#[tokio::test]
async fn a_window_begins_and_ends_to_the_millisecond_without_a_restart() {
    let estate = Estate::new().await;
    let (from, to) = (START + 60_000, START + 120_000);
    let window = [("startDate", json!(from.to_string())), ("endDate", json!(to))];
    let id = estate.create(&window).await;
    let status = || async {
        let answer = estate.server.cs("reader", Method::GET, "/exception", None).await;
        answer.body["data"][0]["status"].as_str().unwrap().to_owned()
    };
    estate.server.clock.set(from - 1);
    assert_eq!((estate.open().len(), status().await), (5, "SCHEDULED".to_owned()));
    estate.server.clock.set(from);
    assert_eq!((estate.open().len(), status().await), (3, "ACTIVE".to_owned()));
    estate.server.clock.set(to - 1);
    assert_eq!(estate.open().len(), 3);
    estate.server.clock.set(to);
    assert_eq!((estate.open().len(), status().await), (5, "EXPIRED".to_owned()));

    // An update moves the end, adds an image and takes one out.
    let change = estate.request(&[
        ("endDate", json!((to + 60_000).to_string())),
        ("entityAssignmentRequest", json!({"idsToAdd": [estate.api], "idsToRemove": [estate.web]})),
    ]);
    let answer = estate.server.cs("manager", Method::PUT, &format!("/exception/{id}"), Some(&change)).await;
    assert_eq!((answer.status, answer.body), (200, json!({"exceptionId": id})));
    assert_eq!(estate.open(), ALL[1..]);
}

#[tokio::test]
async fn a_dynamic_exception_takes_in_images_that_appear_later() {
    let estate = Estate::new().await;
    estate
        .create(&[
            ("entityAssignmentType", json!("DYNAMIC")),
            ("dynamicFilter", json!("repo.repository:`shop/web`")),
            ("entityAssignmentRequest", Value::Null),
        ])
        .await;
    assert_eq!(estate.open(), [ALL[0], ALL[2], ALL[4]]);
    estate.server.image("shop/web:2", &[("glass", "0.9-1")]).await;
    estate.server.image("shop/other:2", &[("glass", "0.8-1")]).await;
    assert_eq!(estate.open(), [ALL[0], "shop/other:2 CVE-2026-0001", ALL[2], ALL[4]]);
}

#[tokio::test]
async fn a_container_exception_leaves_its_image_alone_also_by_the_images_tag() {
    let estate = Estate::new().await;
    let dynamic = [
        ("scope", json!("CONTAINER")),
        ("entityAssignmentType", json!("DYNAMIC")),
        ("dynamicFilter", json!("container.repo.tag:1")),
        ("entityAssignmentRequest", Value::Null),
    ];
    estate.create(&dynamic).await;
    assert_eq!(estate.open(), [ALL[0], ALL[1], ALL[2], ALL[4]]);
}

#[tokio::test]
async fn mapping_assigns_and_deassigns() {
    let estate = Estate::new().await;
    let id = estate.create(&[]).await;
    let map = |event: &str| json!({"exceptionEvent": event, "exceptionIds": [id]});
    let path = format!("/images/{}/exceptions", estate.api);
    let answer = estate.server.cs("manager", Method::PUT, &path, Some(&map("ASSIGN"))).await;
    assert_eq!((answer.status, answer.body), (200, json!({"imageUuid": estate.api})));
    assert_eq!(estate.open(), [ALL[2], ALL[4]]);
    let answer = estate.server.cs("manager", Method::PUT, &path, Some(&map("DEASSIGN"))).await;
    assert_eq!(answer.status, 200);
    assert_eq!(estate.open(), [ALL[0], ALL[2], ALL[4]]);
    let container = format!("/containers/{}/exceptions", "c".repeat(64));
    let answer = estate.server.cs("manager", Method::PUT, &container, Some(&map("ASSIGN"))).await;
    assert!(answer.body["ContainerUuid"].is_string(), "the documented capital: {}", answer.body);
    for (event, ids) in [("STEAL", json!([id])), ("ASSIGN", json!([]))] {
        let body = json!({"exceptionEvent": event, "exceptionIds": ids});
        assert_eq!(estate.server.cs("manager", Method::PUT, &path, Some(&body)).await.status, 400);
    }
}

#[tokio::test]
async fn who_may_not_approve_gets_a_pending_exception_and_may_not_change_approved_ones() {
    let estate = Estate::new().await;
    let answer = estate.server.cs("analyst", Method::POST, "/exception", Some(&estate.request(&[]))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(estate.open(), ALL);
    let listed = estate.server.cs("analyst", Method::GET, "/exception?filter=status:PENDING", None).await;
    assert_eq!(listed.body["count"], 1);
    let id = estate.create(&[("name", json!("approved"))]).await;
    let path = format!("/images/{}/exceptions", estate.api);
    let map = json!({"exceptionEvent": "ASSIGN", "exceptionIds": [id]});
    assert_eq!(estate.server.cs("analyst", Method::PUT, &path, Some(&map)).await.status, 403);
    let delete = format!("/exception/{id}");
    assert_eq!(estate.server.cs("analyst", Method::DELETE, &delete, None).await.status, 403);
}

#[tokio::test]
async fn deleting_ends_an_exception_and_leaves_the_audit_trail() {
    let estate = Estate::new().await;
    let id = estate.create(&[]).await;
    let path = format!("/exception/{id}");
    let in_use = estate.server.cs("manager", Method::DELETE, &format!("/list/{}", estate.list), None).await;
    assert_eq!((in_use.status, &in_use.body["errorCode"]), (412, &json!("412 PRECONDITION FAILED")));
    assert_eq!(estate.server.cs("manager", Method::DELETE, &path, None).await.status, 200);
    assert_eq!(estate.open(), ALL);
    assert_eq!(estate.server.cs("manager", Method::GET, &path, None).await.status, 404);
    assert_eq!(estate.server.cs("manager", Method::GET, "/exception", None).await.status, 204);
    let filter = parapet_store::audit::AuditFilter { kind: "exception", ..Default::default() };
    let events = estate.server.app.audit(&estate.server.local, &filter, u32::MAX, 10).await.unwrap();
    let told: Vec<(&str, &str)> = events.iter().map(|e| (e.action.as_str(), e.actor.as_str())).collect();
    assert_eq!(told, [("ended", "manager"), ("create", "manager")]);
    estate.create(&[("name", json!("first"))]).await;
    estate.create(&[("name", json!("second"))]).await;
    let bulk = estate.server.cs("manager", Method::DELETE, "/exception?filter=name:first", None).await;
    assert!(bulk.body["deletionJobId"].is_string());
    let left = estate.server.cs("manager", Method::GET, "/exception", None).await;
    assert_eq!((&left.body["count"], &left.body["data"][0]["name"]), (&json!(1), &json!("second")));
}

#[tokio::test]
async fn a_list_that_changes_changes_its_exceptions() {
    let estate = Estate::new().await;
    estate.create(&[]).await;
    let qid = {
        let snapshot = estate.server.app.live().snapshot();
        snapshot.vulnerabilities_named("CVE-2026-0002")[0].no.qid()
    };
    let changed = json!({"name": "accepted", "qids": [qid.to_string()]});
    let path = format!("/list/{}", estate.list);
    assert_eq!(estate.server.cs("manager", Method::PUT, &path, Some(&changed)).await.status, 200);
    assert_eq!(estate.open(), [ALL[0], ALL[1], ALL[3]]);
    let read = estate.server.cs("reader", Method::GET, &path, None).await;
    assert_eq!((&read.body["qids"], &read.body["cveids"]), (&json!([qid]), &json!([])));
    let refused = estate.server.cs("analyst", Method::PUT, &path, Some(&changed)).await;
    assert_eq!(refused.status, 403, "who may not approve does not change what is hidden");
}

#[tokio::test]
async fn foreign_qids_mean_what_the_map_says() {
    let estate = Estate::new().await;
    let list = json!({"name": "old", "qids": [38140]});
    let refused = estate.server.cs("manager", Method::POST, "/list", Some(&list)).await;
    assert_eq!((refused.status, &refused.body["message"]), (400, &json!("the QID 38140 is not known")));
    let map = "QID,CVE IDs\n38140,\"CVE-2026-0001, CVE-2026-0002\"\n";
    estate.server.app.lists().import_qids(&estate.server.local, map.as_bytes()).await.unwrap();
    let made = estate.server.cs("manager", Method::POST, "/list", Some(&list)).await;
    estate.create(&[("listId", made.body["listId"].clone())]).await;
    assert_eq!(estate.open(), [ALL[0]]);
}

#[tokio::test]
async fn wrong_requests_name_what_is_wrong_and_change_nothing() {
    let estate = Estate::new().await;
    let unknown = Uuid::from_u128(9);
    for (key, value, words) in [
        ("name", Value::Null, "name is mandatory"),
        ("name", json!(" "), "name is mandatory"),
        ("reason", Value::Null, "reason is mandatory"),
        ("reason", json!("BECAUSE"), "reason must be one of RISK_ACCEPTED, FALSE_POSITIVE, OTHER"),
        ("explanation", Value::Null, "explanation is mandatory"),
        ("scope", json!("HOST"), "scope must be one of IMAGE, CONTAINER"),
        ("scope", json!("CONTAINER"), "there is no container"),
        ("listId", json!(unknown), "there is no list"),
        ("listId", json!("x"), "there is no list x"),
        ("exceptionType", json!("COMPLIANCE"), "exceptionType must be one of VULNERABILITY"),
        ("entityAssignmentRequest", Value::Null, "entityAssignmentRequest is mandatory"),
        ("entityAssignmentRequest", json!({}), "an exception needs a filter or assets"),
        ("entityAssignmentRequest", json!({"idsToAdd": [unknown]}), "there is no image"),
        (
            "entityAssignmentRequest",
            json!({"additionFilter": "repo.tag"}),
            "filter: at character 9: expected",
        ),
        ("entityAssignmentRequest", json!({"additionFilter": "repo.tag:none"}), "the filter holds none"),
        ("startDate", Value::Null, "startDate is mandatory"),
        ("startDate", json!("tomorrow"), "is not an instant in epoch milliseconds"),
        ("endDate", json!("1687777224000"), "must end after it starts"),
        ("entityAssignmentType", json!("SOMETIMES"), "must be one of STATIC, DYNAMIC"),
        ("entityAssignmentType", json!("DYNAMIC"), "dynamicFilter is mandatory with DYNAMIC"),
        ("reason", json!(5), "the body is not what is expected"),
    ] {
        let request = estate.request(&[(key, value.clone())]);
        let answer = estate.server.cs("manager", Method::POST, "/exception", Some(&request)).await;
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(
            answer.status == 400 && message.contains(words),
            "{key} {value}: {} {message}",
            answer.status
        );
    }
    let dynamic = estate.request(&[
        ("entityAssignmentType", json!("DYNAMIC")),
        ("dynamicFilter", json!("vulnerabilities.severity:5")),
    ]);
    let answer = estate.server.cs("manager", Method::POST, "/exception", Some(&dynamic)).await;
    assert_eq!(answer.status, 400, "only names of repositories: {}", answer.body);
    assert_eq!(estate.server.cs("reader", Method::GET, "/exception", None).await.status, 204);
    estate.create(&[]).await;
    let again = estate.server.cs("manager", Method::POST, "/exception", Some(&estate.request(&[]))).await;
    assert_eq!(again.status, 400, "a name is taken once: {}", again.body);
    for path in ["/exception/x".to_owned(), format!("/exception/{unknown}")] {
        assert_eq!(estate.server.cs("reader", Method::GET, &path, None).await.status, 404);
    }
    for list in [json!({}), json!({"name": "x"}), json!({"name": "x", "qids": ["y"]})] {
        assert_eq!(
            estate.server.cs("manager", Method::POST, "/list", Some(&list)).await.status,
            400,
            "{list}"
        );
    }
}
