//! Each answer on a small store, and what exceptions and deletions do to them.

use serde_json::{Value, json};

use super::world::{BUILT, SEEN, World, config, id, sha};

/// What qualysdk 0.3.17 builds its objects from; any other key makes it fail (contract 5.6).
const CONTAINER_KEYS: &str = "imageId imageUuid containerId created updated label uuid sha privileged path \
    imageSha macAddress customerUuid ipv4 ipv6 name host hostArchitecture state portMapping stateChanged services \
    operatingSystem lastScanned source environment arguments command drift vulnerabilities softwares isDrift isRoot \
    cluster users compliance lastComplianceScanned cloudProvider exceptions riskScore riskScoreCalculatedDate \
    formulaUsed maxQdsScore qdsSeverity scanTypes criticality criticalityUpdated isExposedToWorld k8sExposure";
const VULN_KEYS: &str = "qid title result severity customerSeverity qdsScore cvssInfo patchAvailable published \
    cvss3Info port status risk category discoveryType authType supportedBy product vendor cveids threatIntel software \
    lastFound firstFound typeDetected scanType source reason imageResult containerResult vulnerability isExempted \
    vendorData";
const SOFTWARE_KEYS: &str = "name version scanType packagePath fixVersion vulnerabilities";

/// The same without the instants at which this test ran.
fn stable(value: Value) -> Value {
    let known = [BUILT + 1, BUILT + 3, SEEN].map(|at| at.to_string());
    match value {
        Value::String(text) if text.len() == 13 && text.bytes().all(|b| b.is_ascii_digit()) => {
            json!(if known.contains(&text) { text } else { "<recorded>".to_owned() })
        }
        Value::Array(list) => list.into_iter().map(stable).collect(),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, stable(value))).collect())
        }
        other => other,
    }
}

#[test]
fn every_answer_of_an_image() {
    let world = World::new();
    let web = format!("/images/{}", sha(&config("web")));
    for (name, path) in [
        ("images", "/images?sort=created:asc".to_owned()),
        ("image", web.clone()),
        ("image vuln", format!("{web}/vuln")),
        ("image vuln summary", format!("{web}/vuln?type=summary&filter=severity%3A5")),
        ("image vuln count", format!("{web}/vuln/count")),
        ("image software", format!("{web}/software")),
        ("image association", format!("{web}/association")),
        ("image registries", format!("{web}/associatedRegistries")),
        ("images list", "/images/list?limit=1".to_owned()),
    ] {
        insta::assert_json_snapshot!(name, stable(world.get(&path)));
    }
}

#[test]
fn every_answer_of_a_container() {
    let world = World::new();
    let web = format!("/containers/{}", id("web-1"));
    for (name, path) in [
        ("containers", "/containers?filter=name%3Aweb-1".to_owned()),
        ("container", web.clone()),
        ("container vuln", format!("{web}/vuln?type=ALL")),
        ("container vuln count", format!("{web}/vuln/count")),
        ("container software", format!("{web}/software")),
        ("containers list", "/containers/list?filter=name%3Alost-1".to_owned()),
    ] {
        insta::assert_json_snapshot!(name, stable(world.get(&path)));
    }
}

#[test]
fn containers_have_no_key_that_qualysdk_does_not_know() {
    let world = World::new();
    let check = |row: &Value, keys: &str| {
        let known: Vec<&str> = keys.split_whitespace().collect();
        for key in row.as_object().unwrap().keys() {
            assert!(known.contains(&key.as_str()), "{key}");
        }
    };
    let bulk = world.get("/containers/list");
    let details = world.get(&format!("/containers/{}", id("web-1")));
    let page = world.get("/containers");
    for row in
        bulk["data"].as_array().unwrap().iter().chain(page["data"].as_array().unwrap()).chain([&details])
    {
        check(row, CONTAINER_KEYS);
    }
    let vulns = world.get(&format!("/containers/{}/vuln", id("web-1")));
    let softwares = world.get(&format!("/containers/{}/software", id("web-1")));
    for row in vulns["details"]["vulns"].as_array().unwrap() {
        check(row, VULN_KEYS);
        row["software"].as_array().unwrap().iter().for_each(|row| check(row, SOFTWARE_KEYS));
    }
    softwares["data"].as_array().unwrap().iter().for_each(|row| check(row, SOFTWARE_KEYS));
}

/// Contract 2.7: exempted rows are gone by default, and marked when asked for.
#[test]
fn an_exception_takes_rows_out_of_image_and_container_until_asked_otherwise() {
    let world = World::new();
    let image = world.get(&format!("/images/{}", sha(&config("web"))));
    let qid = image["vulnerabilities"][0]["qid"].clone();
    let list =
        world.post("/list", &json!({"name": "q", "type": "VULNERABILITY", "qids": [qid]}))["listId"].clone();
    world.post(
        "/exception",
        &json!({
            "name": "accepted", "reason": "RISK_ACCEPTED", "explanation": "no way in", "scope": "IMAGE",
            "listId": list, "exceptionType": "VULNERABILITY", "startDate": "1710000000000",
            "endDate": "4102358400000",
            "entityAssignmentRequest": {"idsToAdd": null, "additionFilter": "vulnerabilities.severity:5"},
        }),
    );
    let web = format!("/images/{}", sha(&config("web")));
    for (path, rows) in
        [(web.clone(), "/details"), (format!("/containers/{}", id("web-1")), "/details/vulns")]
    {
        let marks = |query: &str| -> Vec<Value> {
            let answer = world.get(&format!("{path}/vuln{query}"));
            answer
                .pointer(rows)
                .unwrap()
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["isExempted"].clone())
                .collect()
        };
        assert_eq!(marks(""), [false, false], "{path}");
        assert_eq!(marks("?applyException=true"), [false, false], "{path}");
        assert_eq!(marks("?applyException=false"), [true, false, false], "{path}");
        let critical = |query: &str| {
            world.get(&format!("{path}/vuln{query}"))["vulnSummary"]["confirmed"]["sev5"].clone()
        };
        assert_eq!((critical(""), critical("?applyException=false")), (json!(0), json!(1)), "{path}");
        assert_eq!(world.get(&format!("{path}/vuln/count"))["severity5Count"], 0, "{path}");
    }
    let of = |filter: &str| world.selected("images", filter, |row| &row["repo"][0]["repository"]);
    assert_eq!(of("vulnerabilities.severity:5"), [""; 0], "what is excepted is not found");
    assert_eq!(of("vulnerabilities.isExempted:true"), ["team/web"]);
    assert_eq!(of("vulnerabilities.severity:1 OR vulnerabilities.severity:2"), ["team/web"]);
}

#[test]
fn what_is_deleted_is_gone_all_or_nothing() {
    let world = World::new();
    let clean = sha(&config("clean"));
    let unknown = "f".repeat(64);
    let refused = world.call("DELETE", &format!("/images?imageIds={clean}&imageIds={unknown}"), None);
    assert_eq!((refused.status, refused.body["errorCode"].as_str()), (404, Some("404 NOT FOUND")));
    world.get(&format!("/images/{clean}"));
    let done = world.call("DELETE", "/images", Some(&json!({"imageIds": [clean]})));
    assert_eq!(done.status, 200);
    assert!(done.body["deletionJobId"].is_string());
    assert_eq!(world.call("GET", &format!("/images/{clean}"), None).status, 404);
    assert_eq!(world.call("DELETE", "/containers?filter=name%3Aweb", None).status, 200);
    let left = world.selected("containers", "name:web", |row| &row["name"]);
    assert_eq!(left, [""; 0]);
    assert_eq!(world.call("DELETE", "/images", None).status, 400, "nothing said is not everything");
}
