//! Input that cannot be, over the calls for registries, schedules, connectors, sensors and profiles.

use axum::body::Body;
use axum::http::{Method, Request};
use parapet_fetch::AddressPolicy;
use parapet_model::Principal;
use parapet_model::sensor::Registration;
use parapet_service::sensors::NewProfile;
use parapet_store::connectors::{Cloud, ConnectorSettings};
use parapet_store::registries::RegistrySettings;
use parapet_store::seal::Secret;
use parapet_store::sensors::ProfileSettings;
use serde_json::{Value, json};

use crate::http::testing::TestServer;

const SOME: &str = "00000000-0000-4000-8000-000000000000";

/// Calls with a body.
fn calls() -> Vec<(Method, String)> {
    [
        (Method::POST, "/registry".to_owned()),
        (Method::POST, "/registry/validate".to_owned()),
        (Method::PUT, format!("/registry/{SOME}")),
        (Method::POST, format!("/registry/{SOME}/schedule")),
        (Method::PUT, format!("/registry/{SOME}/schedule/{SOME}")),
        (Method::POST, "/registry/aws/connector".to_owned()),
        (Method::DELETE, "/registry/aws/connector".to_owned()),
        (Method::POST, "/registry/acr/connector".to_owned()),
        (Method::DELETE, "/registry/acr/connector".to_owned()),
        (Method::POST, "/sensorProfile".to_owned()),
        (Method::PUT, format!("/sensorProfile/{SOME}")),
        (Method::DELETE, "/sensors".to_owned()),
        (Method::POST, "/exception".to_owned()),
        (Method::POST, "/list".to_owned()),
    ]
    .into()
}

async fn send(server: &TestServer, jwt: &str, method: Method, path: &str, body: Body) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/csapi/v1.3{path}"))
        .header("Host", "parapet.example")
        .header("Authorization", format!("Bearer {jwt}"))
        .header("Content-Type", "application/json");
    let answer = server.send(request.body(body).unwrap()).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn bodies_that_are_no_documents_are_refused_by_every_call() {
    let server = TestServer::new().await;
    let jwt = server.jwt("manager").await;
    for (method, path) in calls() {
        for bad in ["not json", "[1, 2", "\"text\"", "7", "[[[]]]", "\u{0}", &"[".repeat(100_000)] {
            let (status, body) = send(&server, &jwt, method.clone(), &path, Body::from(bad.to_owned())).await;
            let told = body["message"].is_string() && body["errorCode"].is_string();
            assert!(
                matches!(status, 400 | 404) && told,
                "{method} {path} {}: {status} {body}",
                bad.len().min(20)
            );
        }
    }
}

#[tokio::test]
async fn a_filter_of_ten_thousand_terms_is_refused_in_a_body_too() {
    let server = TestServer::new().await;
    let many = vec!["repo.tag:b"; 10_000].join(" OR ");
    let exception = json!({
        "name": "n", "reason": "OTHER", "explanation": "e", "scope": "IMAGE", "listId": SOME,
        "exceptionType": "VULNERABILITY", "startDate": "1", "endDate": "2", "entityAssignmentType": "DYNAMIC",
        "dynamicFilter": many, "entityAssignmentRequest": {"idsToAdd": null, "additionFilter": null},
    });
    for (method, path, body) in [
        (Method::DELETE, "/sensors", json!({"filter": many})),
        (Method::DELETE, "/images", json!({"filter": many})),
        (Method::POST, "/exception", exception),
    ] {
        let answer = server.cs("manager", method.clone(), path, Some(&body)).await;
        assert_eq!(
            (answer.status, answer.body["message"].is_string()),
            (400, true),
            "{path}: {}",
            answer.body
        );
    }
}

/// A hundred megabytes, said to be so and not.
#[tokio::test]
async fn a_body_of_a_hundred_megabytes_is_refused() {
    let server = TestServer::new().await;
    let jwt = server.jwt("manager").await;
    for (method, path) in calls() {
        let pieces = (0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 20]));
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let (status, body) = send(&server, &jwt, method.clone(), &path, body).await;
        assert_eq!((status, body["errorCode"].is_string()), (413, true), "{method} {path}: {body}");
    }
}

#[tokio::test]
async fn filters_say_where_they_are_wrong_and_have_an_end() {
    let server = TestServer::new().await;
    let registry = json!({"registryType": "V2", "registryUri": "https://registry.example"});
    let made = server.cs("manager", Method::POST, "/registry", Some(&registry)).await.body;
    let schedules = format!("/registry/{}/schedule", made["registryUuid"].as_str().unwrap());
    // An address holds no more; ten thousand fit in a body.
    let many = vec!["a:b"; 9_000].join("+OR+");
    for (method, path) in [
        (Method::GET, "/registry".to_owned()),
        (Method::GET, schedules.clone()),
        (Method::POST, format!("{schedules}/cancel")),
        (Method::DELETE, format!("{schedules}/bulk")),
        (Method::GET, "/sensors".to_owned()),
        (Method::DELETE, "/sensors".to_owned()),
        (Method::GET, "/sensorProfile".to_owned()),
        (Method::GET, "/exception".to_owned()),
        (Method::GET, "/images".to_owned()),
        (Method::GET, "/containers/list".to_owned()),
    ] {
        for (filter, words) in
            [("status:(", "at character"), (many.as_str(), ""), ("noSuchToken:1", "noSuchToken")]
        {
            let path = format!("{path}?filter={filter}");
            let answer = server.cs("manager", method.clone(), &path, None).await;
            let message = answer.body["message"].as_str().unwrap_or_default();
            let shown: String = path.chars().take(60).collect();
            assert!(
                answer.status == 400 && message.contains(words),
                "{method} {shown}: {} {message}",
                answer.status
            );
        }
    }
}

#[tokio::test]
async fn wrong_methods_and_unknown_paths_have_the_familys_shape() {
    let server = TestServer::new().await;
    for (method, path) in [
        (Method::PATCH, "/registry"),
        (Method::PUT, "/registry"),
        (Method::GET, "/registry/aws/connector"),
        (Method::POST, "/registry/aws/connectors"),
        (Method::POST, "/sensors"),
        (Method::PATCH, "/sensorProfile"),
        (Method::GET, "/registry/aws/nothing/more"),
        (Method::GET, "/sensorProfiles"),
    ] {
        let answer = server.cs("manager", method.clone(), path, Some(&json!({}))).await;
        assert_eq!(
            (answer.status, &answer.body["errorCode"]),
            (404, &json!("404 NOT FOUND")),
            "{method} {path}"
        );
    }
}

/// What belongs to another project does not exist.
#[tokio::test]
async fn things_of_another_project_do_not_exist() {
    let server = TestServer::new().await;
    let mut tx = server.app.store().begin().await.unwrap();
    let other = tx.ensure_project("other").await.unwrap().no;
    tx.commit().await.unwrap();
    let stranger = Principal::local(other);
    let app = &server.app;
    let settings = RegistrySettings {
        name: "theirs".to_owned(),
        endpoint: "https://theirs.example".to_owned(),
        ..RegistrySettings::default()
    };
    let registry = app.registries().create(&stranger, settings, Secret::new("hunter22")).await.unwrap().uuid;
    let connector = ConnectorSettings {
        cloud: Cloud::Azure,
        name: "theirs".to_owned(),
        description: String::new(),
        identity: "app".to_owned(),
        external_id: String::new(),
        account_type: String::new(),
        tenant: String::new(),
    };
    let connector =
        app.connectors().create(&stranger, &connector, &Secret::new("hunter22")).await.unwrap().uuid;
    let sensor = Registration { identity: "theirs".to_owned(), ..Registration::default() };
    let sensor = app.sensors().register(&stranger, sensor).await.unwrap().sensor;
    let own = json!({"profileName": "own", "profileType": "General", "associatedRegistryIds": [], "associatedSensorIds": []});
    let made = server.cs("manager", Method::POST, "/sensorProfile", Some(&own)).await.body;
    let id = made["profileUuid"].as_str().unwrap().parse().unwrap();
    let known = app.sensor_profiles().get(&server.local, id).await.unwrap().profile.settings;
    let settings = ProfileSettings { name: "theirs".to_owned(), ..known };
    let profile = app
        .sensor_profiles()
        .create(&stranger, &NewProfile { settings, sensors: vec![sensor] })
        .await
        .unwrap();

    for (method, path) in [
        (Method::GET, format!("/registry/{registry}")),
        (Method::DELETE, format!("/registry/{registry}")),
        (Method::GET, format!("/registry/{registry}/repository")),
        (Method::GET, format!("/registry/{registry}/schedule")),
        (Method::GET, format!("/registry/acr/connector/{connector}")),
        (Method::GET, format!("/sensors/{sensor}")),
        (Method::DELETE, format!("/sensors?sensorIds={sensor}")),
        (Method::GET, format!("/sensorProfile/{profile}")),
        (Method::DELETE, format!("/sensorProfile/{profile}")),
        (Method::PUT, format!("/sensorProfile/{profile}")),
    ] {
        let body = (method == Method::PUT).then(|| own.clone());
        let answer = server.cs("manager", method.clone(), &path, body.as_ref()).await;
        assert_eq!(
            (answer.status, &answer.body["errorCode"]),
            (404, &json!("404 NOT FOUND")),
            "{method} {path}"
        );
    }
    let body = json!({"connectorId": connector});
    let answer = server.cs("manager", Method::DELETE, "/registry/acr/connector", Some(&body)).await;
    assert_eq!(answer.status, 404, "{}", answer.body);
    for (method, path, body) in [
        (Method::DELETE, "/registry", json!([registry])),
        (
            Method::POST,
            "/registry",
            json!({"registryType": "Azure", "registryUri": "https://shop.azurecr.io",
            "acr": {"connectorId": connector}}),
        ),
        (
            Method::POST,
            "/sensorProfile",
            json!({"profileName": "p", "profileType": "General",
            "associatedRegistryIds": [registry], "associatedSensorIds": []}),
        ),
        (
            Method::POST,
            "/sensorProfile",
            json!({"profileName": "p", "profileType": "General",
            "associatedRegistryIds": [], "associatedSensorIds": [sensor]}),
        ),
    ] {
        let answer = server.cs("manager", method.clone(), path, Some(&body)).await;
        assert!(matches!(answer.status, 400 | 404), "{method} {path}: {} {}", answer.status, answer.body);
    }
    for list in ["/registry", "/registry?filter=registryName:theirs", "/sensors"] {
        assert_eq!(server.cs("manager", Method::GET, list, None).await.status, 204, "{list}");
    }
    assert!(app.registries().get(&stranger, registry).await.is_ok(), "nothing was changed");
}

#[tokio::test]
async fn loopback_and_private_networks_can_be_closed() {
    let of = |uri: &str| json!({"registryType": "V2", "registryUri": uri});
    let open = TestServer::new().await;
    let closed =
        TestServer::with(|options| options.allow = AddressPolicy { loopback: false, private: false }).await;
    for (at, uri) in [
        "http://127.0.0.1:5000",
        "http://[::1]:5000",
        "https://10.1.2.3",
        "https://192.168.7.7:5000",
        "https://[fd00::7]",
    ]
    .into_iter()
    .enumerate()
    {
        let answer = closed.cs("manager", Method::POST, "/registry", Some(&of(uri))).await;
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(
            answer.status == 400 && message.contains("not allowed"),
            "{uri}: {} {message}",
            answer.status
        );
        let mut body = of(uri);
        body["registryName"] = json!(format!("r{at}"));
        assert_eq!(open.cs("manager", Method::POST, "/registry", Some(&body)).await.status, 200, "{uri}");
    }
    for never in
        ["http://169.254.169.254", "http://[fe80::1]", "http://[fd00:ec2::254]", "http://0.0.0.0:5000"]
    {
        let answer = open.cs("manager", Method::POST, "/registry", Some(&of(never))).await;
        assert_eq!(answer.status, 400, "{never}: {}", answer.body);
    }
}

#[tokio::test]
async fn fields_of_other_types_and_words_that_are_none_are_named() {
    let server = TestServer::new().await;
    let aws = json!({"arn": "arn:aws:iam::362990800442:role/r", "name": "n", "accountType": "Global"});
    assert_eq!(server.cs("manager", Method::POST, "/registry/aws/connector", Some(&aws)).await.status, 200);
    let ecr = |aws: Value| json!({"registryType": "AWS", "registryUri": "https://1.dkr.ecr.us-east-1.amazonaws.com", "aws": aws});
    let arn = "arn:aws:iam::362990800442:role/r";
    for (path, body, words) in [
        ("/registry", json!({"registryType": ["V2"], "registryUri": "https://a.example"}), "body"),
        ("/registry", json!({"registryType": "V2", "registryUri": {}}), "body"),
        (
            "/registry",
            json!({"registryType": "V2", "registryUri": "https://a.example", "credential": "x"}),
            "body",
        ),
        (
            "/registry",
            json!({"registryType": "V2", "registryUri": "https://a.example", "registryName": "a".repeat(129)}),
            "name",
        ),
        (
            "/registry",
            ecr(json!({"arn": "arn:aws:iam::1:role/none", "region": "us-east-1"})),
            "there is no connector",
        ),
        ("/registry", ecr(json!({"arn": arn})), "aws.region is mandatory"),
        ("/registry", ecr(json!({"arn": arn, "region": "us-east-1", "accountType": "US_Gov"})), "us-gov"),
        ("/registry", ecr(json!({"arn": arn, "region": "us-gov-west-1", "accountType": "Global"})), "us-gov"),
        ("/registry", ecr(json!({"arn": arn, "region": "us-east-1", "accountType": "Moon"})), "accountType"),
        (
            "/registry",
            json!({"registryType": "AWS", "registryUri": "https://evil.example",
            "aws": {"arn": arn, "region": "us-east-1"}}),
            "no registry of that cloud",
        ),
        (
            "/registry",
            json!({"registryType": "Azure", "registryUri": "https://a.azurecr.io", "acr": {"connectorId": "x"}}),
            "there is no connector",
        ),
        (
            "/registry/acr/connector",
            json!({"name": "n", "applicationId": "a", "clientSecret": "s", "tenantId": "a/b"}),
            "tenantId",
        ),
        ("/registry/acr/connector", json!({"name": "n", "applicationId": 7, "clientSecret": "s"}), "body"),
        ("/registry/aws/connector", json!({"arn": arn, "name": "n"}), "connector"),
        (
            "/registry/aws/connector",
            json!({"arn": "arn:aws:iam::362990800442:role/s", "name": "n".repeat(501)}),
            "characters",
        ),
    ] {
        let answer = server.cs("manager", Method::POST, path, Some(&body)).await;
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(answer.status == 400 && message.contains(words), "{body}: {} {message}", answer.status);
    }
}
