//! Sensor profiles (contract 4.1, release notes 1.22).

use axum::http::Method;
use serde_json::{Value, json};

use crate::http::testing::TestServer;

fn request(changes: &[(&str, Value)]) -> Value {
    let mut request = json!({
        "profileName": "nights", "profileType": "General",
        "associatedRegistryIds": [], "associatedSensorIds": [],
        "config": {
            "weeklyBlackoutWindowSchedules": [
                {"startTime": "08:00", "endTime": "18:30", "repeatOnDays": ["MONDAY", "FRIDAY"]}
            ],
            "vulnerabilityManagement": {"containerScanningInterval": 24, "imageExclusionRegexList": ["^pause"]},
        },
    });
    for (key, value) in changes {
        request[*key] = value.clone();
    }
    request
}

#[tokio::test]
async fn a_profile_is_made_shown_changed_and_deleted() {
    let server = TestServer::new().await;
    assert_eq!(server.cs("reader", Method::GET, "/sensorProfile", None).await.status, 204);
    let made = server.cs("manager", Method::POST, "/sensorProfile", Some(&request(&[]))).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let path = format!("/sensorProfile/{}", made.body["profileUuid"].as_str().unwrap());
    let shown = server.cs("reader", Method::GET, &path, None).await.body;
    assert_eq!(
        shown,
        json!({
            "profileUuid": made.body["profileUuid"], "profileName": "nights", "description": null,
            "profileType": "General", "associatedRegistryIds": [], "associatedSensorIds": [],
            "runtimeSensor": null, "ignoreProcesses": null, "isVulnPropagation": "false", "filter": null,
            "config": {
                "weeklyBlackoutWindowSchedules": [
                    {"startTime": "08:00", "endTime": "18:30", "repeatOnDays": ["MONDAY", "FRIDAY"]}
                ],
                "vulnerabilityManagement": {
                    "containerScanningInterval": 24, "imageExclusionRegexList": ["^pause"],
                    "globalScanningFlag": false, "scanningPolicy": "DynamicWithStaticScanningAsFallback"
                },
                "performanceManagement": {
                    "maxNoOfArchivedLogFiles": null, "maxLogFileSize": null, "concurrentScans": 2
                },
            },
            "created": shown["created"], "updated": shown["updated"],
        })
    );
    // What a PUT does not name stays.
    let change = json!({"config": {"vulnerabilityManagement": {"containerScanningInterval": 12}}});
    let changed = server.cs("manager", Method::PUT, &path, Some(&change)).await;
    assert_eq!((changed.status, &changed.body), (200, &made.body));
    let list = server.cs("reader", Method::GET, "/sensorProfile?filter=profileName:nights", None).await.body;
    let scanning = &list["data"][0]["config"]["vulnerabilityManagement"];
    assert_eq!((&scanning["containerScanningInterval"], &list["count"]), (&json!(12), &json!(1)));
    assert_eq!(scanning["imageExclusionRegexList"], json!(["^pause"]));

    assert_eq!(server.cs("manager", Method::DELETE, &path, None).await.status, 200);
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(server.cs("manager", method, &path, None).await.status, 404);
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_named() {
    let server = TestServer::new().await;
    let id = "0c1f2a34-0000-4000-8000-000000000000";
    let config = |section: Value| json!({"weeklyBlackoutWindowSchedules": [section]});
    let day = json!(["MONDAY"]);
    let management = |key: &str, value: Value| json!({"vulnerabilityManagement": {key: value}});
    for (key, value, named) in [
        ("profileName", Value::Null, "profileName is mandatory"),
        ("profileName", json!(7), "string"),
        ("profileName", json!(" "), "profileName must have"),
        ("profileType", Value::Null, "profileType is mandatory"),
        ("profileType", json!("GENERAL"), "profileType is one of Registry, General"),
        ("associatedRegistryIds", Value::Null, "associatedRegistryIds is mandatory"),
        ("associatedRegistryIds", json!([id]), "there is no registry"),
        ("associatedSensorIds", Value::Null, "associatedSensorIds is mandatory"),
        ("associatedSensorIds", json!(id), "there is no sensor"),
        ("associatedSensorIds", json!(["x"]), "is no id"),
        ("runtimeSensor", json!("enable"), "RUNTIME only"),
        ("isVulnPropagation", json!("maybe"), "isVulnPropagation is true or false"),
        ("config", config(json!({"startTime": "08:00", "endTime": "09:00"})), "repeatOnDays is mandatory"),
        ("config", config(json!({"startTime": "8", "endTime": "09:00", "repeatOnDays": day})), "HH:MM"),
        ("config", config(json!({"startTime": "24:01", "endTime": "24:00", "repeatOnDays": day})), "HH:MM"),
        ("config", config(json!({"startTime": "09:00", "endTime": "08:00", "repeatOnDays": day})), "before"),
        (
            "config",
            config(json!({"startTime": "08:00", "endTime": "09:00", "repeatOnDays": []})),
            "repeatOnDays",
        ),
        (
            "config",
            config(json!({"startTime": "08:00", "endTime": "09:00", "repeatOnDays": ["X"]})),
            "repeatOnDays",
        ),
        ("config", management("containerScanningInterval", json!(36)), "12, 24 or 48"),
        ("config", management("imageExclusionRegexList", json!(["("])), "imageExclusionRegexList"),
        ("config", management("scanningPolicy", json!("Static")), "scanningPolicy is one of"),
        ("config", json!({"performanceManagement": {"concurrentScans": 21}}), "1 to 20"),
    ] {
        let answer =
            server.cs("manager", Method::POST, "/sensorProfile", Some(&request(&[(key, value)]))).await;
        let said = answer.body["message"].as_str().unwrap_or_default();
        assert!(answer.status == 400 && said.contains(named), "{key}: {} {}", answer.status, answer.body);
    }
    assert_eq!(server.cs("manager", Method::GET, "/sensorProfile", None).await.status, 204);
    server.cs("manager", Method::POST, "/sensorProfile", Some(&request(&[]))).await;
    let twice = server.cs("manager", Method::POST, "/sensorProfile", Some(&request(&[]))).await;
    assert_eq!(twice.status, 400, "{}", twice.body);
}

#[tokio::test]
async fn each_call_wants_its_own_permission() {
    let server = TestServer::new().await;
    let made = server.cs("manager", Method::POST, "/sensorProfile", Some(&request(&[]))).await;
    let path = format!("/sensorProfile/{}", made.body["profileUuid"].as_str().unwrap());
    let tail =
        "permission to perform this operation. Ensure that required permissions are assigned to the user";
    for (who, method, path, start) in [
        ("sensor", Method::GET, "/sensorProfile", "The user does not have the CS.SENSOR_PROFILE.VIEW"),
        ("sensor", Method::GET, &path, "The user does not have the CS.SENSOR_PROFILE.VIEW"),
        ("reader", Method::DELETE, &path, "The reader user does not have the CS.SENSOR_PROFILE.DELETE"),
        ("reader", Method::PUT, &path, "The reader user does not have the CS.SENSOR_PROFILE.UPDATE"),
        (
            "analyst",
            Method::POST,
            "/sensorProfile",
            "The analyst user does not have the CS.SENSOR_PROFILE.CREATE",
        ),
    ] {
        let answer = server.cs(who, method, path, Some(&request(&[]))).await;
        assert_eq!((answer.status, &answer.body["errorCode"]), (403, &json!("403 FORBIDDEN")));
        assert_eq!(answer.body["message"], format!("{start} {tail}"));
        assert!(answer.body["timestamp"].is_number());
    }
}
