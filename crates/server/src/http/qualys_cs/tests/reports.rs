//! Reports and their schedules (contract 6), on images and containers that are really there.

use axum::http::Method;
use parapet_model::time::{DAY, format_rfc3339};
use parapet_model::{Digest, Principal, ProjectNo};
use parapet_store::audit::AuditFilter;
use serde_json::{Value, json};

use crate::http::testing::{Answer, START, TestServer};

/// Two images, one container of the first, and a feed that speaks of two of three packages.
pub(super) struct Estate {
    pub(super) server: TestServer,
    web: Digest,
}

impl Estate {
    async fn new() -> Self {
        Self::on(TestServer::new().await).await
    }

    pub(super) async fn on(server: TestServer) -> Self {
        server
            .feed(&[
                ("DSA-1-1", "CVE-2026-0001", "glass", "1.0-2"),
                ("DEBIAN-CVE-2026-0002", "CVE-2026-0002", "stone", ""),
            ])
            .await;
        let packages = [("glass", "1.0-1"), ("stone", "2.0-1"), ("wood", "3.0-1")];
        let (_, web) = server.image("shop/web:1", &packages).await;
        server.image("shop/api:7", &[("glass", "1.0-1")]).await;
        server.container(&"c".repeat(64), "web-1", web).await;
        Self { server, web }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.server.cs("analyst", method, path, body).await
    }

    /// Asks for a report.
    pub(super) async fn ask(&self, changes: Value) -> Answer {
        self.call(Method::POST, "/reports", Some(&request(changes))).await
    }

    /// Asks for a report that is accepted; its id.
    pub(super) async fn create(&self, changes: Value) -> String {
        let answer = self.ask(changes).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["reportUuid"].as_str().unwrap().to_owned()
    }

    /// A report as its details show it, after its job.
    async fn made(&self, changes: Value) -> Value {
        let id = self.create(changes).await;
        self.server.app.run_jobs().await.unwrap();
        self.details(&id).await
    }

    async fn details(&self, id: &str) -> Value {
        let answer = self.call(Method::GET, &format!("/reports/{id}"), None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    async fn download(&self, id: &str) -> Answer {
        self.call(Method::GET, &format!("/reports/{id}/download"), None).await
    }

    /// What a server does every second, and its workers.
    pub(super) async fn tick(&self) {
        self.server.app.reports().fire_due().await.unwrap();
        self.server.app.run_jobs().await.unwrap();
    }

    async fn list(&self, query: &str) -> Vec<Value> {
        let answer = self.call(Method::GET, &format!("/reports{query}"), None).await;
        assert!(matches!(answer.status, 200 | 204), "{}", answer.body);
        answer.body["data"].as_array().cloned().unwrap_or_default()
    }
}

fn request(changes: Value) -> Value {
    let mut request = json!({
        "name": "weekly", "templateName": "CS_IMAGE_VULNERABILITY", "expireAfter": "7", "displayColumns": "",
    });
    for (key, value) in changes.as_object().unwrap() {
        request[key] = value.clone();
    }
    request
}

/// One column of each row, sorted.
fn column(report: &Value, name: &str) -> Vec<String> {
    let rows = report["vulnerabilities"].as_array().unwrap();
    let mut out: Vec<String> = rows.iter().map(|row| text(&row[name])).collect();
    out.sort_unstable();
    out
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn a_report_is_asked_for_made_downloaded_and_deleted() {
    let estate = Estate::new().await;
    assert_eq!(estate.call(Method::GET, "/reports", None).await.status, 204);
    let id =
        estate.create(json!({"displayColumns": ["repo", "qid", "severity", "cveids", "software"]})).await;
    let waiting = estate.details(&id).await;
    assert_eq!((&waiting["status"], &waiting["vulnerabilities"]), (&json!("ACCEPTED"), &Value::Null));
    let early = estate.download(&id).await;
    assert_eq!((early.status, &early.body["errorCode"]), (404, &json!("404 NOT FOUND")));
    assert_eq!(early.body["message"], format!("the file of report {id} (ACCEPTED) not found"));

    estate.server.app.run_jobs().await.unwrap();
    let file = estate.download(&id).await;
    assert_eq!(file.status, 200);
    assert_eq!(file.headers["content-type"], "application/octet-stream");
    let disposition = file.headers["content-disposition"].to_str().unwrap();
    assert!(disposition.contains("weekly-") && disposition.ends_with(".csv\""), "{disposition}");
    let body = file.body.as_str().unwrap();
    let mut lines: Vec<&str> = body.lines().collect();
    assert_eq!(lines.remove(0), "repo,qid,severity,cveids,software");
    let without_qid: Vec<String> = lines
        .iter()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{} {} {} {}", cells[0], cells[2], cells[3], cells[4])
        })
        .collect();
    assert_eq!(
        without_qid,
        [
            "registry.example/shop/web:1 3 CVE-2026-0001 glass 1.0-1",
            "registry.example/shop/web:1 3 CVE-2026-0002 stone 2.0-1",
            "registry.example/shop/api:7 3 CVE-2026-0001 glass 1.0-1",
        ]
    );
    let head = estate.call(Method::HEAD, &format!("/reports/{id}/download"), None).await;
    assert_eq!(
        (head.status, head.headers["content-length"].to_str().unwrap()),
        (200, &*body.len().to_string())
    );
    let part = estate.server.range("analyst", &format!("/reports/{id}/download"), "bytes=0-3").await;
    assert_eq!((part.status, part.body.as_str()), (206, Some("repo")));

    let done = estate.details(&id).await;
    insta::assert_json_snapshot!("report", stable(done.clone()));
    assert_eq!(done["rowCount"], json!(3));
    assert_eq!(estate.list("?filter=report.name%3Aweekly").await.len(), 1);
    assert_eq!(estate.list("?filter=reportName%3Amonthly").await.len(), 0);

    let unknown = "00000000-0000-4000-8000-000000000000";
    let gone = format!("/reports?reportUuids={id}&reportUuids={unknown}");
    assert_eq!(estate.call(Method::DELETE, &gone, None).await.status, 404);
    assert_eq!(estate.list("").await.len(), 1, "all or nothing");
    let folder = || std::fs::read_dir(estate.server.folder().join("artifacts")).unwrap().count();
    assert_eq!(folder(), 2, "the file and its provenance");
    let deleted = estate.call(Method::DELETE, &format!("/reports?reportUuids={id},{id}"), None).await;
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    assert_eq!(folder(), 0);
    for path in [format!("/reports/{id}"), format!("/reports/{id}/download")] {
        assert_eq!(estate.call(Method::GET, &path, None).await.status, 404);
    }
    let filter = AuditFilter { kind: "report", ..AuditFilter::default() };
    let events = estate.server.app.audit(&estate.server.local, &filter, u32::MAX, 10).await.unwrap();
    let said: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(said, ["delete", "create"]);
}

/// The same without ids and numbers that differ from run to run.
fn stable(mut report: Value) -> Value {
    report["reportUuid"] = json!("<id>");
    report["fileSize"] = json!("<size>");
    for row in report["vulnerabilities"].as_array_mut().unwrap() {
        row["qid"] = json!("<qid>");
    }
    for key in ["createdAt", "completedAt", "expiresAt"] {
        let text = report[key].as_str().unwrap().to_owned();
        report[key] = json!(text[..16]);
    }
    report
}

/// The rows of a report are those of the lists of vulnerabilities, one by one.
#[tokio::test]
async fn reports_say_what_the_lists_of_vulnerabilities_say() {
    let estate = Estate::new().await;
    let web = estate.web.to_string();
    for (template, filter, path) in [
        ("CS_IMAGE_VULNERABILITY", format!("image.sha:{}", &web[7..]), format!("/images/{}/vuln", &web[7..])),
        (
            "CS_CONTAINER_VULNERABILITY",
            "container.name:web-1".to_owned(),
            format!("/containers/{}/vuln", "c".repeat(64)),
        ),
    ] {
        let answer = estate.call(Method::GET, &path, None).await;
        let details = &answer.body["details"];
        let expected = details.get("vulns").unwrap_or(details).as_array().unwrap().clone();
        let report =
            estate.made(json!({"templateName": template, "filter": filter, "displayColumns": null})).await;
        assert_eq!(report["rowCount"], json!(expected.len()), "{report}");
        let mut rows = report["vulnerabilities"].as_array().unwrap().clone();
        rows.sort_by_key(|row| row["qid"].as_u64());
        assert_eq!((expected.len(), rows.len()), (2, 2));
        for (row, listed) in rows.iter().zip(&expected) {
            for key in ["qid", "title", "severity", "cveids", "result"] {
                assert_eq!(row[key], listed[key], "{template} {key}");
            }
            assert_eq!(text(&row["category"]), text(&listed["category"]));
            let software = listed["software"].as_array().unwrap().iter();
            let software: Vec<String> =
                software.map(|s| format!("{} {}", text(&s["name"]), text(&s["version"]))).collect();
            assert_eq!(text(&row["software"]), software.join(", "));
            let first: i64 = listed["firstFound"].as_str().unwrap().parse().unwrap();
            assert_eq!(text(&row["firstDetected"]), format_rfc3339(first));
            assert_eq!(text(&row["imageId"]), web[7..19]);
        }
        assert_eq!(column(&report, "solution"), ["", "Upgrade glass to 1.0-2"]);
        let own = if template.contains("IMAGE") { "label" } else { "name" };
        let value = if own == "label" { "team=shop/web:1" } else { "web-1" };
        assert_eq!(column(&report, own), [value, value]);
        for unknown in ["tags", "threat", "impact", "associatedMalwares", "qdsScore", "riskScore"] {
            assert_eq!(column(&report, unknown), ["", ""], "{unknown}");
        }
    }
}

#[tokio::test]
async fn filters_columns_and_exceptions_decide_what_is_in_it() {
    let estate = Estate::new().await;
    let both = estate.made(json!({"filter": "repo.repository:`shop/web` OR repo.tag:7"})).await;
    assert_eq!(both["rowCount"], json!(3));
    assert_eq!(both["displayColumns"][0], "repo", "the default columns");
    assert!(both["vulnerabilities"][0].get("result").is_none());
    let glass = json!({"filter": "repo.repository:`shop/web` AND vulnerabilities.cveids:`CVE-2026-0001`"});
    assert_eq!(column(&estate.made(glass).await, "cveids"), ["[\"CVE-2026-0001\"]"]);
    let without = estate.made(json!({"filter": "NOT vulnerabilities.cveids:`CVE-2026-0002`"})).await;
    assert_eq!(column(&without, "repo"), ["registry.example/shop/api:7"]);
    let twice = "repo.repository%3A%60shop%2Fapi%60";
    assert_eq!(estate.made(json!({"filter": twice})).await["rowCount"], json!(1), "encoded twice");
    let none = estate.made(json!({"filter": "repo.repository:`nowhere`"})).await;
    assert_eq!((&none["status"], &none["rowCount"]), (&json!("COMPLETED"), &json!(0)));
    let over_all = estate.made(json!({"templateName": "CS_VULNERABILITIES"})).await;
    assert_eq!(column(&over_all, "imageCount"), ["1", "2"]);
    assert_eq!(
        estate.made(json!({"includeScaVuln": false})).await["rowCount"],
        json!(3),
        "all of the system"
    );

    let list = json!({"name": "accepted", "cveids": ["CVE-2026-0001"]});
    let list = estate.server.cs("manager", Method::POST, "/list", Some(&list)).await.body;
    let exception = json!({
        "name": "e", "reason": "RISK_ACCEPTED", "explanation": "x", "scope": "IMAGE", "listId": list["listId"],
        "exceptionType": "VULNERABILITY", "entityAssignmentRequest": {"additionFilter": "repo.tag:1"},
        "startDate": "1687777225000", "endDate": "4102358400000",
    });
    let made = estate.server.cs("manager", Method::POST, "/exception", Some(&exception)).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let standing = estate.made(json!({"filter": "repo.tag:1"})).await;
    assert_eq!(column(&standing, "cveids"), ["[\"CVE-2026-0002\"]"]);
    let exempted = estate.made(json!({"filter": "repo.tag:1 AND vulnerabilities.isExempted:true"})).await;
    assert_eq!(column(&exempted, "cveids"), ["[\"CVE-2026-0001\"]"]);
    let containers = estate.made(json!({"templateName": "CS_CONTAINER_VULNERABILITY"})).await;
    assert_eq!(column(&containers, "cveids"), ["[\"CVE-2026-0002\"]"], "an image's exception holds here too");
}

#[tokio::test]
async fn a_zip_holds_the_same_file_and_names_cannot_run() {
    let estate = Estate::new().await;
    estate.server.feed(&[("DSA-9-9", "CVE-2026-0009", "=cmd", "1")]).await;
    estate.server.image("shop/odd:1", &[("=cmd", "0")]).await;
    let columns = json!(["software", "cveids"]);
    let plain = estate.made(json!({"displayColumns": columns, "filter": "repo.repository:odd"})).await;
    let zipped =
        estate.made(json!({"displayColumns": columns, "filter": "repo.repository:odd", "zip": 1})).await;
    assert_eq!(plain["vulnerabilities"], zipped["vulnerabilities"]);
    assert_eq!(column(&zipped, "software"), ["=cmd 0"]);
    let id = plain["reportUuid"].as_str().unwrap();
    assert_eq!(estate.download(id).await.body, "software,cveids\n'=cmd 0,CVE-2026-0009\n");
    let id = zipped["reportUuid"].as_str().unwrap();
    let bytes = estate.server.bytes("analyst", &format!("/reports/{id}/download")).await;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut member = archive.by_index(0).unwrap();
    assert!(member.name().starts_with("weekly-") && member.name().ends_with(".csv"));
    let text = std::io::read_to_string(&mut member).unwrap();
    assert_eq!(text, "software,cveids\n'=cmd 0,CVE-2026-0009\n");
}

#[tokio::test]
async fn a_file_expires_to_the_day_and_its_report_is_forgotten_long_after() {
    let estate = Estate::new().await;
    let mut ids = Vec::new();
    for days in [1, 90] {
        ids.push(estate.create(json!({"name": days.to_string(), "expireAfter": days})).await);
    }
    estate.server.app.run_jobs().await.unwrap();
    estate.server.clock.advance(DAY - 60_000);
    assert_eq!(estate.download(&ids[0]).await.status, 200);
    estate.server.clock.advance(120_000);
    let gone = estate.download(&ids[0]).await;
    assert_eq!(gone.status, 404, "although nobody has removed it");
    assert_eq!(gone.body["message"], format!("the file of report {} (EXPIRED) not found", ids[0]));
    let row = estate.details(&ids[0]).await;
    assert_eq!(
        (&row["status"], &row["fileSize"], &row["vulnerabilities"]),
        (&json!("EXPIRED"), &Value::Null, &Value::Null)
    );
    let folder = || std::fs::read_dir(estate.server.folder().join("artifacts")).unwrap().count();
    assert_eq!(folder(), 4);
    estate.server.app.tidy_now().await.unwrap();
    assert_eq!(folder(), 2, "the sweep removes it with its provenance");
    estate.server.clock.advance(180 * DAY);
    estate.server.app.tidy_now().await.unwrap();
    estate.server.app.tidy_now().await.unwrap();
    assert!(estate.list("").await.is_empty());
    assert_eq!(folder(), 0);
}

#[tokio::test]
async fn a_report_says_what_was_known_when_it_was_asked_for_also_after_a_restart() {
    let estate = Estate::new().await;
    let id = estate.create(json!({})).await;
    // A worker takes it and dies with its server.
    let claimed = estate
        .server
        .app
        .store()
        .claim_job("server", &parapet_model::job::JobKind::ALL, 30_000)
        .await
        .unwrap();
    assert!(claimed.is_some());
    assert_eq!(estate.details(&id).await["status"], "PROCESSING");
    estate.server.image("shop/later:1", &[("glass", "1.0-1")]).await;
    estate.server.clock.advance(60_000);
    let server = estate.server.restart().await;
    let estate = Estate { server, ..estate };
    estate.server.app.sweep().await.unwrap();
    estate.server.app.run_jobs().await.unwrap();
    let report = estate.details(&id).await;
    assert_eq!((&report["status"], &report["rowCount"]), (&json!("COMPLETED"), &json!(3)), "{report}");
    assert_eq!(estate.made(json!({})).await["rowCount"], json!(4));
}

#[tokio::test]
async fn deleting_a_report_under_way_ends_its_job() {
    let estate = Estate::new().await;
    let id = estate.create(json!({})).await;
    assert_eq!(estate.call(Method::DELETE, &format!("/reports?reportUuids={id}"), None).await.status, 200);
    assert_eq!(estate.server.app.run_jobs().await.unwrap(), 0);
    assert!(estate.list("").await.is_empty());
}

#[tokio::test]
async fn one_persons_many_reports_do_not_keep_anothers_waiting() {
    let estate = Estate::new().await;
    for _ in 0..3 {
        estate.create(json!({})).await;
    }
    let body = request(json!({"name": "mine"}));
    assert_eq!(estate.server.cs("reader", Method::POST, "/reports", Some(&body)).await.status, 200);
    estate.server.app.run_jobs().await.unwrap();
    let mut rows = estate.list("").await;
    rows.sort_by_key(|row| text(&row["completedAt"]));
    let order: Vec<String> = rows.iter().map(|row| text(&row["createdBy"])).collect();
    assert_eq!(order, ["analyst", "reader", "analyst", "analyst"]);
}

#[tokio::test]
async fn lists_are_sorted_and_cut_into_pages() {
    let estate = Estate::new().await;
    for name in ["b", "a"] {
        estate.create(json!({"name": name})).await;
    }
    estate.server.app.run_jobs().await.unwrap();
    estate.create(json!({"name": "c"})).await;
    let names =
        |rows: Vec<Value>| -> Vec<String> { rows.iter().map(|row| text(&row["reportName"])).collect() };
    assert_eq!(names(estate.list("").await), ["a", "b", "c"], "status:desc, the newest first");
    assert_eq!(names(estate.list("?sort=reportName:desc").await), ["c", "b", "a"]);
    assert_eq!(names(estate.list("?sort=status:asc").await), ["c", "a", "b"]);
    let page = estate.call(Method::GET, "/reports?sort=reportName&pageNumber=2&pageSize=2", None).await;
    assert_eq!((&page.body["count"], &page.body["data"][0]["reportName"]), (&json!(3), &json!("c")));
    for wrong in ["?sort=size", "?filter=colour%3Ared", "?pageSize=0", "?filter=reportName"] {
        let answer = estate.call(Method::GET, &format!("/reports{wrong}"), None).await;
        assert_eq!((answer.status, &answer.body["errorCode"]), (400, &json!("400 BAD REQUEST")), "{wrong}");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_named_and_nothing_is_kept() {
    let estate = Estate::new().await;
    let deep = vec!["repo.tag:a"; 10_000].join(" and ");
    for (changes, named) in [
        (json!({"name": "x".repeat(151)}), "name has at most 150 characters"),
        (json!({"name": "\u{0}"}), "name contains a NUL"),
        (json!({"description": "x".repeat(251)}), "description has at most 250 characters"),
        (json!({"expireAfter": 2}), "expireAfter must be 1, 7, 30 or 90 days, not 2"),
        (json!({"emailNotification": 1}), "recipient is mandatory with emailNotification"),
        (json!({"customMessage": "x".repeat(4_001)}), "customMessage has at most 4000 characters"),
        (json!({"templateName": "CS_IMAGE_SECRETS"}), "does not look for secrets"),
        (json!({"displayColumns": ["hostIp"]}), "no column \"hostIp\""),
        (json!({"filter": "repo.tag:"}), "expected a value"),
        (json!({"filter": "colour:red"}), "colour"),
        (json!({"filter": "container.state:RUNNING"}), "container.state"),
        (json!({"filter": "vulnerabilities.severity:9"}), "1 to 5"),
        (json!({"filter": deep}), "expected at most"),
    ] {
        let answer = estate.ask(changes.clone()).await;
        let message = answer.body["message"].as_str().unwrap();
        assert!(answer.status == 400 && message.contains(named), "{named}: {}", answer.body);
    }
    for (method, path, status) in [
        (Method::DELETE, "/reports", 400),
        (Method::DELETE, "/reports?reportUuids=x", 404),
        (Method::GET, "/reports/x", 404),
        (Method::GET, "/reports/x/download", 404),
        (Method::PUT, "/reports", 404),
        (Method::DELETE, "/reports/schedule", 400),
        (Method::GET, "/reports/schedule/x", 404),
    ] {
        assert_eq!(estate.call(method.clone(), path, None).await.status, status, "{method} {path}");
    }
    assert!(estate.list("").await.is_empty());
    let fine = json!({
        "name": "x".repeat(150), "emailNotification": 1, "recipient": ["ops@shop.example"],
        "sendAsAttachment": 1, "emailSubject": "s", "customMessage": "m", "description": "d",
    });
    let row = estate.made(fine).await;
    assert_eq!(
        (&row["recipient"], &row["sendAsAttachment"], &row["emailNotification"]),
        (&json!("ops@shop.example"), &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn each_call_names_its_permission_and_only_owners_and_managers_change() {
    let estate = Estate::new().await;
    for (method, path, verb) in [
        (Method::GET, "/reports", "VIEW"),
        (Method::POST, "/reports", "CREATE"),
        (Method::DELETE, "/reports", "DELETE"),
        (Method::PUT, "/reports/schedule/x", "UPDATE"),
    ] {
        let answer = estate.server.cs("sensor", method, path, Some(&json!({}))).await;
        assert_eq!(answer.status, 403);
        assert_eq!(
            answer.body["message"],
            format!(
                "The sensor user does not have the CS.REPORT.{verb} permission to perform this operation. \
                 Ensure that required permissions are assigned to the user"
            )
        );
    }
    let id = estate.create(json!({})).await;
    let path = format!("/reports?reportUuids={id}");
    let answer = estate.server.cs("reader", Method::DELETE, &path, None).await;
    assert_eq!((answer.status, &answer.body["message"]), (403, &json!("Request Forbidden")));
    let seen = estate.server.cs("reader", Method::GET, &format!("/reports/{id}"), None).await;
    assert_eq!(seen.status, 200);
    assert_eq!(estate.server.cs("manager", Method::DELETE, &path, None).await.status, 200);

    let theirs = Principal::local(ProjectNo(1));
    let mut tx = estate.server.app.store().begin().await.unwrap();
    let other = tx.ensure_project("other").await.unwrap();
    tx.commit().await.unwrap();
    let stranger = Principal { project: other.no, ..theirs };
    let mine: uuid::Uuid = estate.create(json!({})).await.parse().unwrap();
    let reports = estate.server.app.reports();
    assert!(reports.get(&stranger, mine).await.is_err() && reports.file(&stranger, mine).await.is_err());
    assert!(reports.delete(&stranger, &[mine]).await.is_err());
    assert!(reports.list(&stranger).await.unwrap().is_empty());
}

fn schedule(changes: Value) -> Value {
    let mut body = request(json!({
        "action": "CREATE", "eventTime": "2026-11-02T09:30:00Z", "eventEndTime": "2026-11-06T09:30:00Z",
        "reportScheduleDetails": {"recurrenceType": "DAILY", "selectedDayOfWeeks": null},
    }));
    for (key, value) in changes.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

impl Estate {
    pub(super) async fn schedule(&self, changes: Value) -> String {
        let answer = self.call(Method::POST, "/reports/schedule", Some(&schedule(changes))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["reportingScheduleId"].as_str().unwrap().to_owned()
    }

    async fn standing(&self, id: &str) -> Value {
        let answer = self.call(Method::GET, &format!("/reports/schedule/{id}"), None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }
}

/// The clock begins on Monday, 2026-11-02 at midnight.
#[tokio::test]
async fn a_schedule_fires_in_time_makes_up_for_what_was_missed_once_and_ends() {
    let estate = Estate::new().await;
    let id = estate.schedule(json!({})).await;
    let row = estate.standing(&id).await;
    assert_eq!((&row["status"], &row["nextEventTime"]), (&json!("Active"), &json!("2026-11-02T09:30:00Z")));
    estate.tick().await;
    assert!(estate.list("").await.is_empty(), "not due yet");
    estate.server.clock.set(START + 9 * 3_600_000 + 30 * 60_000);
    estate.tick().await;
    estate.tick().await;
    let made = estate.list("").await;
    assert_eq!(made.len(), 1, "once");
    assert_eq!((&made[0]["isScheduled"], &made[0]["rowCount"]), (&json!(true), &json!(3)));
    assert_eq!(estate.download(made[0]["reportUuid"].as_str().unwrap()).await.status, 200);

    // Nobody looks for two days and a half, and what appears meanwhile is in the next one.
    estate.server.image("shop/later:1", &[("glass", "1.0-1")]).await;
    estate.server.clock.advance(5 * DAY / 2);
    estate.tick().await;
    estate.tick().await;
    let made = estate.list("?sort=createdAt:desc").await;
    assert_eq!((made.len(), &made[0]["rowCount"]), (2, &json!(4)));
    assert_eq!(estate.standing(&id).await["nextEventTime"], "2026-11-05T09:30:00Z");

    // A clock that goes back fires nothing again.
    estate.server.clock.advance(-2 * DAY);
    estate.tick().await;
    assert_eq!(estate.list("").await.len(), 2);
    estate.server.clock.advance(30 * DAY);
    estate.tick().await;
    estate.server.clock.advance(30 * DAY);
    estate.tick().await;
    assert_eq!(estate.list("").await.len(), 3, "the last ones come once, and then it is over");
    let row = estate.standing(&id).await;
    assert_eq!((&row["status"], &row["nextEventTime"]), (&json!("Completed"), &Value::Null));
    let late =
        estate.call(Method::PUT, &format!("/reports/schedule/{id}"), Some(&json!({"name": "n"}))).await;
    assert_eq!(late.status, 412, "{}", late.body);
}

#[tokio::test]
async fn a_run_that_is_not_over_stands_for_the_next() {
    let estate = Estate::new().await;
    estate.schedule(json!({})).await;
    for _ in 0..2 {
        estate.server.clock.advance(DAY);
        estate.server.app.reports().fire_due().await.unwrap();
    }
    assert_eq!(estate.list("").await.len(), 1);
    estate.server.app.run_jobs().await.unwrap();
    assert_eq!(estate.list("").await[0]["status"], "COMPLETED");
}

#[tokio::test]
async fn schedules_are_shown_changed_and_deleted() {
    let estate = Estate::new().await;
    let daily = estate.schedule(json!({"filter": "repo.tag:1"})).await;
    let once = estate
        .schedule(json!({"name": "once", "eventTime": "2026-12-01T00:00:00Z", "reportScheduleDetails": null}))
        .await;
    let mut row = estate.standing(&daily).await;
    row["reportingScheduleId"] = json!("<id>");
    for key in ["createdAt", "updatedAt"] {
        row[key] = json!(row[key].as_str().unwrap()[..16]);
    }
    insta::assert_json_snapshot!("report schedule", row);
    let listed = estate.call(Method::GET, "/reports/schedule?sort=reportName", None).await;
    assert_eq!((&listed.body["count"], &listed.body["data"][0]["reportName"]), (&json!(2), &json!("once")));
    assert_eq!(listed.body["data"][0]["reportScheduleDetails"], Value::Null);

    let change = json!({
        "name": "fridays", "expireAfter": 30, "eventEndTime": null,
        "reportScheduleDetails": {"recurrenceType": "WEEKLY", "selectedDayOfWeeks": ["FRIDAY"]},
    });
    let path = format!("/reports/schedule/{daily}");
    assert_eq!(estate.call(Method::PUT, &path, Some(&change)).await.status, 200);
    let row = estate.standing(&daily).await;
    assert_eq!(row["nextEventTime"], "2026-11-06T09:30:00Z");
    assert_eq!(
        (&row["expireAfter"], &row["filter"], &row["eventEndTime"]),
        (&json!(30), &json!("repo.tag:1"), &Value::Null)
    );

    for (changes, named) in [
        (json!({"filter": "repo.tag:"}), "expected a value"),
        (json!({"displayColumns": ["colour"]}), "colour"),
        (json!({"eventEndTime": "2026-11-01T00:00:00Z"}), "eventEndTime lies before eventTime"),
        (
            json!({"eventTime": "2026-10-01T00:00:00Z", "eventEndTime": "2026-10-05T00:00:00Z"}),
            "all of its times have passed",
        ),
        (json!({"eventTime": "2026-10-01T00:00:00Z", "reportScheduleDetails": null}), "have passed"),
        (json!({"expireAfter": 5}), "expireAfter"),
    ] {
        let answer = estate.call(Method::POST, "/reports/schedule", Some(&schedule(changes.clone()))).await;
        let message = text(&answer.body["message"]);
        assert!(answer.status == 400 && message.contains(named), "{changes}: {}", answer.body);
    }
    let answer = estate.server.cs("reader", Method::PUT, &path, Some(&change)).await;
    assert_eq!(answer.status, 403);
    let both = format!("/reports/schedule?reportingScheduleIds={once}&reportingScheduleIds={daily}");
    assert_eq!(estate.server.cs("reader", Method::DELETE, &both, None).await.status, 403);
    assert_eq!(estate.call(Method::DELETE, &both, None).await.status, 200);
    assert_eq!(estate.call(Method::GET, "/reports/schedule", None).await.status, 204);
    assert_eq!(estate.call(Method::PUT, &path, Some(&change)).await.status, 404);
    let filter = AuditFilter { kind: "report schedule", ..AuditFilter::default() };
    let events = estate.server.app.audit(&estate.server.local, &filter, u32::MAX, 10).await.unwrap();
    let said: Vec<&str> = events.iter().map(|event| event.action.as_str()).collect();
    assert_eq!(said, ["delete", "delete", "update", "create", "create"]);
}

#[tokio::test]
async fn a_schedule_of_somebody_without_rights_fails_its_report_and_says_why() {
    let estate = Estate::new().await;
    estate.schedule(json!({})).await;
    estate.server.app.accounts().set_disabled(&estate.server.local, "analyst", true).await.unwrap();
    estate.server.clock.advance(DAY);
    estate.tick().await;
    let rows = estate.server.cs("manager", Method::GET, "/reports", None).await.body;
    assert_eq!(rows["data"][0]["status"], "FAILED");
    assert_eq!(rows["data"][0]["error"], "analyst has no rights in the project any more");
}
