//! Registries, schedules and connectors (contract 3), with the samples of the release notes 1.22 sent
//! as they are printed.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::http::testing::{Answer, START, TestServer};

const ROLE: &str = "arn:aws:iam::362990800442:role/test_UID1";

/// The request for a schedule as printed, the missing comma included.
const SCHEDULE: &str = r#"{
  "filters": [
    {
      "days": null,
      "repoTags": [
        {
            "repo": "azuretest",
            "tag": null
        }
    ]
}
],
"name": "Automatic Scan Schedule",
"onDemand": false,
"schedule": "09:30",
"forceScan": true,
"registryType": "Azure",
"scheduleIntervalInDays": 7,
"additionalFilters": {
    "numberOfTags": 5,
    "sortCriteria": "createdDate"
}
"weekDay": "THURSDAY"
}"#;

struct Estate {
    server: TestServer,
    registry: String,
}

impl Estate {
    async fn new() -> Self {
        let server = TestServer::new().await;
        let body =
            json!({"registryType": "V2", "registryUri": "https://registry.example", "registryName": "r"});
        let made = server.cs("manager", Method::POST, "/registry", Some(&body)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let registry = made.body["registryUuid"].as_str().unwrap().to_owned();
        Self { server, registry }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.server.cs("manager", method, path, body).await
    }

    /// Sends a body as it is.
    async fn raw(&self, method: Method, path: &str, body: &str) -> Answer {
        let jwt = self.server.jwt("manager").await;
        let request = Request::builder()
            .method(method)
            .uri(format!("/csapi/v1.3{path}"))
            .header("Authorization", format!("Bearer {jwt}"))
            .header("Content-Type", "application/json")
            .body(Body::from(body.to_owned()));
        self.server.send(request.unwrap()).await
    }

    async fn refused(&self, method: Method, path: &str, body: &Value, status: u16, named: &str) {
        let answer = self.ask(method, path, Some(body)).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        let message = answer.body["message"].as_str().unwrap();
        assert!(message.contains(named), "{body}: {message}");
        assert!(answer.body["errorCode"].as_str().unwrap().starts_with(&status.to_string()));
        assert!(answer.body["timestamp"].is_i64());
    }
}

/// A registry that is there and holds nothing.
async fn empty_registry() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(|| async { r#"{"repositories": [], "tags": []}"# });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    endpoint
}

#[tokio::test]
async fn the_printed_schedule_is_made_and_listed_with_every_key_of_the_sample() {
    let estate = Estate::new().await;
    let path = format!("/registry/{}/schedule", estate.registry);
    let made = estate.raw(Method::POST, &path, SCHEDULE).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let id = made.body["profileUuid"].clone();
    assert!(id.is_string());
    assert_eq!((&made.body["scheduleUuid"], &made.body["scheduleId"]), (&id, &id));

    let mut listed = estate.ask(Method::GET, &format!("{path}?pageNumber=1&pageSize=50"), None).await.body;
    let (created, updated) = (listed["data"][0]["created"].take(), listed["data"][0]["updated"].take());
    assert!(created.is_string() && created == updated);
    assert_eq!(
        listed,
        json!({"data": [{
            "scheduleUuid": id, "onDemand": false, "created": null, "updated": null, "jobStartDate": null,
            "jobCompletionDate": null, "name": "Automatic Scan Schedule", "errors": null, "schedule": "09:30",
            "filters": [{"repoTags": [{"repo": "azuretest", "tag": null}], "days": 0}],
            "additionalFilters": {"numberOfTags": 5, "sortCriteria": "createdDate"}, "status": "Created",
            "jobListingStartDate": null, "jobListingCompletionDate": null, "jobScanningStartDate": null,
            "jobScanningCompletionDate": null, "forceScan": true, "scheduleIntervalInDays": 7,
            "weekDay": "THURSDAY",
        }], "count": 1})
    );
}

#[tokio::test]
async fn a_schedule_on_demand_runs_to_its_end_and_is_cancelled_and_deleted_in_bulk() {
    let estate = Estate::new().await;
    let uri = empty_registry().await;
    let body = json!({"registryType": "V2", "registryUri": uri});
    let made = estate.ask(Method::POST, "/registry", Some(&body)).await;
    let registry = made.body["registryUuid"].as_str().unwrap();
    let path = format!("/registry/{registry}/schedule");
    let wanted = json!({"filters": [{"repoTags": [{"repo": "*", "tag": ".*"}]}], "forceScan": false});
    let id = estate.ask(Method::POST, &path, Some(&wanted)).await.body["scheduleUuid"].clone();
    let id = id.as_str().unwrap();
    let row = async || estate.ask(Method::GET, &path, None).await.body["data"][0].clone();
    assert_eq!(row().await["status"], "Queued");
    estate.server.app.run_jobs().await.unwrap();
    let done = row().await;
    assert_eq!((&done["status"], &done["onDemand"]), (&json!("Finished"), &json!(true)));
    for phase in ["jobStartDate", "jobListingStartDate", "jobListingCompletionDate", "jobCompletionDate"] {
        assert!(done[phase].as_str().unwrap().parse::<i64>().unwrap() >= START, "{phase}");
    }
    let runs = estate.ask(Method::GET, &format!("{path}/{id}/executions"), None).await.body;
    assert_eq!((&runs["count"], &runs["data"][0]["status"]), (&json!(1), &json!("Finished")));
    assert_eq!(runs["data"][0]["totalUnchangedImages"], 0);

    let refused = estate.ask(Method::POST, &format!("{path}/{id}/cancel"), None).await;
    assert_eq!(refused.status, 412, "what is finished cannot be cancelled");
    let answer = estate.ask(Method::POST, &format!("{path}/cancel?filter=status:Finished"), None).await;
    assert!(answer.body["CancelJobId"].is_string(), "{}", answer.body);
    assert_eq!(row().await["status"], "Finished", "in bulk it is passed over");
    assert_eq!(estate.ask(Method::DELETE, &format!("{path}/bulk"), None).await.status, 400);
    let bulk = format!("{path}/bulk?filter=scheduleUuid:*");
    assert!(estate.ask(Method::DELETE, &bulk, None).await.body["deletionJobId"].is_string());
    assert_eq!(estate.ask(Method::GET, &path, None).await.status, 204);
    assert_eq!(estate.ask(Method::DELETE, &format!("{path}/{id}"), None).await.status, 404);
}

#[tokio::test]
async fn updates_that_are_refused_say_412_and_wrong_values_400() {
    let estate = Estate::new().await;
    let path = format!("/registry/{}/schedule", estate.registry);
    let made = estate.raw(Method::POST, &path, SCHEDULE).await.body;
    let one = format!("{path}/{}", made["scheduleUuid"].as_str().unwrap());
    let printed: Value = super::super::body::read(SCHEDULE.as_bytes()).unwrap();
    let changed = |key: &str, value: Value| {
        let mut body = printed.clone();
        body[key] = value;
        body
    };
    let friday = estate.ask(Method::PUT, &one, Some(&changed("weekDay", json!("FRIDAY")))).await;
    assert_eq!((friday.status, &friday.body), (200, &made));
    let mut on_demand = changed("onDemand", json!(true));
    on_demand.as_object_mut().unwrap().remove("weekDay");
    estate.refused(Method::PUT, &one, &on_demand, 412, "automatic").await;
    let other = json!([{"repoTags": [{"repo": "other", "tag": null}], "days": null}]);
    estate.refused(Method::PUT, &one, &changed("filters", other), 412, "repositories").await;
    for (key, value, named) in [
        ("weekDay", json!(null), "weekDay is mandatory"),
        ("weekDay", json!("SOMEDAY"), "weekDay"),
        ("scheduleIntervalInDays", json!(3), "weekDay is valid only"),
        ("scheduleIntervalInDays", json!(0), "scheduleIntervalInDays must be"),
        ("schedule", json!("25:00"), "HH:MM"),
        ("filters", json!([{"repoTags": [{"repo": "a", "tag": null}], "days": 9}]), "days must be"),
        ("filters", json!([{"repoTags": [{"repo": "a", "tag": "("}], "days": 1}]), "regular expression"),
        ("filters", json!([]), "filters is mandatory"),
        ("filters", json!("all"), "body"),
        ("forceScan", json!(null), "forceScan is mandatory"),
        ("additionalFilters", json!({"numberOfTags": 0}), "numberOfTags"),
    ] {
        estate.refused(Method::POST, &path, &changed(key, value), 400, named).await;
    }
    let unknown = "/registry/00000000-0000-4000-8000-000000000000/schedule";
    assert_eq!(estate.raw(Method::POST, unknown, SCHEDULE).await.status, 404);
    assert_eq!(estate.raw(Method::POST, "/registry/nonsense/schedule", SCHEDULE).await.status, 404);
    let reader = estate.server.cs("reader", Method::POST, &path, Some(&printed)).await;
    assert_eq!(reader.status, 403);
}

#[tokio::test]
async fn registries_are_made_listed_changed_and_deleted_and_secrets_stay_in() {
    let estate = Estate::new().await;
    let body = json!({
        "registryType": "V2_PRIVATE", "registryUri": "https://private.example:5000", "registryName": "private",
        "credentialType": "BasicAuth", "credential": {"username": "scanner", "password": "hunter22"},
    });
    let made = estate.ask(Method::POST, "/registry", Some(&body)).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let one = format!("/registry/{}", made.body["registryUuid"].as_str().unwrap());
    let twice = estate.ask(Method::POST, "/registry", Some(&body)).await;
    assert_eq!(twice.status, 400, "{}", twice.body);
    let details = estate.ask(Method::GET, &one, None).await.body;
    assert_eq!(details["credential"], json!({"username": "scanner"}));
    assert!(!details.to_string().contains("hunter22"));
    // Some clients escape the filter twice.
    let filter = "registryUri%253A%2522https%253A%252F%252Fprivate.example%253A5000%2522";
    let listed = estate.ask(Method::GET, &format!("/registry?filter={filter}"), None).await;
    let row = &listed.body["data"][0];
    assert_eq!((&listed.body["count"], &row["registryUri"]), (&json!(1), &body["registryUri"]));
    assert_eq!(row["scheduleStatusList"], json!({}));
    let none = estate.ask(Method::GET, "/registry?filter=registryName:none", None).await;
    assert_eq!(none.status, 204);

    let rename = json!({"registryType": "V2_PRIVATE", "registryUri": "https://private.example:5000",
        "registryName": "renamed"});
    assert_eq!(estate.ask(Method::PUT, &one, Some(&rename)).await.status, 200);
    let details = estate.ask(Method::GET, &one, None).await.body;
    assert_eq!(
        (&details["registryName"], &details["credential"]["username"]),
        (&json!("renamed"), &json!("scanner"))
    );
    let moved = json!({"registryType": "V2_PRIVATE", "registryUri": "https://elsewhere.example"});
    estate.refused(Method::PUT, &one, &moved, 400, "cannot be changed").await;
    assert_eq!(estate.ask(Method::GET, &format!("{one}/repository"), None).await.status, 204);
    assert_eq!(estate.ask(Method::DELETE, &one, None).await.status, 200);
    assert_eq!(estate.ask(Method::GET, &one, None).await.status, 404);
    let many = json!([estate.registry]);
    assert!(estate.ask(Method::DELETE, "/registry", Some(&many)).await.body["deletionJobId"].is_string());
    assert_eq!(estate.ask(Method::GET, "/registry", None).await.status, 204);
}

#[tokio::test]
async fn what_cannot_be_a_registry_is_refused() {
    let estate = Estate::new().await;
    estate.server.app.listens_on("127.0.0.1:8080".parse().unwrap());
    let of = |uri: &str| json!({"registryType": "V2", "registryUri": uri});
    for (body, named) in [
        (of("http://127.0.0.1:8080"), "this server itself"),
        (of("http://localhost:8080"), "this server itself"),
        (of("http://169.254.169.254"), "link-local"),
        (of("http://[fd00:ec2::254]"), "metadata"),
        (of("https://[fe80::1]:5000"), "link-local"),
        (of("https://user:word@registry.example"), "user name"),
        (of("https://registry.example/path"), "ends after host and port"),
        (of("ftp://registry.example"), "http"),
        (of(" "), "registryUri is mandatory"),
        (json!({"registryUri": "https://a.example"}), "registryType is mandatory"),
        (json!({"registryType": "Nexus", "registryUri": "https://a.example"}), "registryType must be"),
        (json!({"registryType": "AWS", "registryUri": "https://a.example"}), "aws is mandatory"),
        (
            json!({"registryType": "V2", "registryUri": "https://a.example", "credentialType": "BasicAuth"}),
            "credential",
        ),
        (
            json!({"registryType": "V2", "registryUri": "https://a.example", "credentialType": "x"}),
            "credentialType",
        ),
        (json!({"registryType": 7, "registryUri": "https://a.example"}), "body"),
    ] {
        estate.refused(Method::POST, "/registry", &body, 400, named).await;
    }
    let uri = empty_registry().await;
    assert_eq!(estate.ask(Method::POST, "/registry/validate", Some(&of(&uri))).await.body, json!(true));
    estate
        .refused(Method::POST, "/registry/validate", &of("http://169.254.169.254"), 400, "link-local")
        .await;
}

/// Both deletions of the release notes: 200, and 412 while a registry uses the connector.
#[tokio::test]
async fn connectors_are_deleted_by_their_bodies_unless_a_registry_uses_them() {
    let estate = Estate::new().await;
    let aws =
        json!({"arn": ROLE, "name": "role", "description": "", "externalId": "12", "accountType": "Global"});
    assert_eq!(
        estate.ask(Method::POST, "/registry/aws/connector", Some(&aws)).await.body,
        json!({"arn": ROLE})
    );
    let listed = estate.ask(Method::GET, "/registry/aws/connectors", None).await.body;
    assert_eq!(listed, json!([{"arn": ROLE, "name": "role", "description": "", "accountType": "Global"}]));
    assert_eq!(estate.ask(Method::GET, "/registry/aws/connectors/362990800442", None).await.body, listed);
    assert_eq!(estate.ask(Method::GET, "/registry/aws/connectors/1", None).await.body, json!([]));
    let registry = json!({"registryType": "AWS", "registryUri": "https://362990800442.dkr.ecr.us-east-1.amazonaws.com",
        "credentialType": "AWS", "aws": {"accountId": "362990800442", "arn": ROLE, "region": "us-east-1"}});
    let made = estate.ask(Method::POST, "/registry", Some(&registry)).await;
    assert_eq!(made.status, 200, "{}", made.body);

    let printed = "{\n  \"arn\": \"arn:aws:iam::362990800442:role/test_UID1\",\n}";
    let refused = estate.raw(Method::DELETE, "/registry/aws/connector", printed).await;
    assert_eq!((refused.status, &refused.body["errorCode"]), (412, &json!("412 PRECONDITION FAILED")));
    let one = format!("/registry/{}", made.body["registryUuid"].as_str().unwrap());
    assert_eq!(estate.ask(Method::GET, &one, None).await.body["aws"]["arn"], ROLE);
    assert_eq!(estate.ask(Method::DELETE, &one, None).await.status, 200);
    let deleted = estate.raw(Method::DELETE, "/registry/aws/connector", printed).await;
    assert_eq!((deleted.status, deleted.body), (200, Value::Null));
    assert_eq!(estate.raw(Method::DELETE, "/registry/aws/connector", printed).await.status, 404);
    assert_eq!(estate.ask(Method::GET, "/registry/aws-base", None).await.status, 412, "no identity is set");

    let acr = json!({"name": "app", "applicationId": "a-1", "clientSecret": "hunter22", "description": "d"});
    let made = estate.ask(Method::POST, "/registry/acr/connector", Some(&acr)).await.body;
    let listed = estate.ask(Method::GET, "/registry/acr/connectors", None).await.body;
    let id = &made["connectorId"];
    assert_eq!(
        listed,
        json!([{"connectorId": id, "name": "app", "applicationId": "a-1", "description": "d", "tenantId": null}])
    );
    let registry = json!({"registryType": "ACR", "registryUri": "https://shop.azurecr.io", "credentialType": "ACR",
        "acr": {"connectorName": "app"}});
    let registry = estate.ask(Method::POST, "/registry", Some(&registry)).await.body["registryUuid"].clone();
    let body = json!({"connectorId": id});
    estate.refused(Method::DELETE, "/registry/acr/connector", &body, 412, "associated").await;
    let one = format!("/registry/{}", registry.as_str().unwrap());
    assert_eq!(estate.ask(Method::GET, &one, None).await.body["registryType"], "Azure");
    estate.ask(Method::DELETE, &one, None).await;
    let deleted = estate.ask(Method::DELETE, "/registry/acr/connector", Some(&body)).await;
    assert_eq!((deleted.status, deleted.body), (200, Value::Null));
}

#[tokio::test]
async fn connectors_that_cannot_be_are_refused() {
    let estate = Estate::new().await;
    let aws = |arn: &str, kind: &str| json!({"arn": arn, "name": "n", "externalId": 5, "accountType": kind});
    for (body, named) in [
        (aws("arn:aws:s3:::bucket", "Global"), "arn must be"),
        (aws("arn:aws:iam::1:role/x", "Global"), "arn must be"),
        (aws(ROLE, "US_Gov"), "aws-us-gov"),
        (aws(ROLE, "Moon"), "accountType"),
        (json!({"name": "n"}), "arn is mandatory"),
        (json!({"arn": ROLE}), "name is mandatory"),
        (json!({"arn": ROLE, "name": "n", "externalId": []}), "externalId"),
    ] {
        estate.refused(Method::POST, "/registry/aws/connector", &body, 400, named).await;
    }
    for (body, named) in [
        (json!({"name": "n", "clientSecret": "s"}), "applicationId"),
        (json!({"name": "n", "applicationId": "a"}), "clientSecret"),
    ] {
        estate.refused(Method::POST, "/registry/acr/connector", &body, 400, named).await;
    }
    estate.refused(Method::DELETE, "/registry/aws/connector", &json!({}), 400, "arn is mandatory").await;
    estate.refused(Method::DELETE, "/registry/acr/connector", &json!({"connectorId": "x"}), 404, "x").await;
}

/// The one form in parts of the family.
#[tokio::test]
async fn a_google_connector_comes_as_a_form_in_parts() {
    let estate = Estate::new().await;
    let send = async |key: &str| {
        let part = |name: &str, text: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
        };
        let body = format!("{}{}--b--\r\n", part("serviceAccountJson", key), part("name", "robot"));
        let jwt = estate.server.jwt("manager").await;
        let request = Request::post("/csapi/v1.3/registry/gcp/connector")
            .header("Authorization", format!("Bearer {jwt}"))
            .header("Content-Type", "multipart/form-data; boundary=b")
            .body(Body::from(body));
        estate.server.send(request.unwrap()).await
    };
    let made = send(r#"{"client_email": "robot@example.test", "private_key": "hunter22"}"#).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let one = format!("/registry/gcp/connector/{}", made.body["connectorId"].as_str().unwrap());
    let shown = estate.ask(Method::GET, &one, None).await.body;
    assert_eq!((&shown["clientEmail"], &shown["name"]), (&json!("robot@example.test"), &json!("robot")));
    assert_eq!(send("not a key").await.status, 400);
    assert_eq!(send(r#"{"client_email": "x@example.test"}"#).await.status, 400);
}
