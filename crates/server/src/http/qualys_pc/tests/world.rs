//! A server with a host, a policy and results, and calls of the family.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parapet_model::asset::HostFacts;
use parapet_model::compliance::{
    ControlReference, ControlStatus, ControlText, Criticality, Evidence, Expected, Item, TestEvidence,
    WHOLE_HOST,
};
use parapet_model::inventory::PackageSet;
use parapet_model::{AssetNo, ControlNo, Digest, EnterpriseProjectNo, Millis, PolicyNo, TechnologyNo};
use parapet_store::assets::{HostObservation, Look};
use parapet_store::compliance::{Document, NewControl, NewPolicy, NewResult, Said};

use crate::http::testing::{Answer, PASSWORD, TestServer};

/// Controls of the policy, by place: their statement.
pub(super) const CONTROLS: [&str; 3] =
    ["Default umask in login.defs", "Telnet is not installed", "Audit is on"];
/// The instance of the last control's results.
pub(super) const INSTANCE: &str = "MSSQL 2022:1:1433:MSSQLSERVER:master";

/// See the module.
pub(super) struct World {
    pub(super) server: TestServer,
    pub(super) host: AssetNo,
    pub(super) policy: PolicyNo,
    pub(super) controls: Vec<ControlNo>,
    pub(super) technology: TechnologyNo,
    pub(super) users: BTreeMap<String, u32>,
}

/// A result: place of the control, instance, status, value found (none: nothing was found).
pub(super) type Shown<'a> = (usize, &'a str, ControlStatus, Option<&'a str>);

/// What the first look shows: the umask is wrong, telnet is away, auditing fails on its instance.
pub(super) const FIRST: [Shown<'static>; 3] = [
    (0, WHOLE_HOST, ControlStatus::Fail, Some("022")),
    (1, WHOLE_HOST, ControlStatus::Pass, None),
    (2, INSTANCE, ControlStatus::Fail, Some("off")),
];

impl World {
    /// A host that was looked at once.
    pub(super) async fn new() -> Self {
        Self::on(TestServer::new().await).await
    }

    /// The same on SQLite and, where a server is named, on PostgreSQL.
    pub(super) async fn on_both_stores() -> Vec<Self> {
        let mut worlds = Vec::new();
        for server in TestServer::on_both_stores().await {
            worlds.push(Self::on(server).await);
        }
        worlds
    }

    async fn on(server: TestServer) -> Self {
        let host = add_host(&server, "web-01.example.test", "192.0.2.15", 0).await;
        let mut session = server.app.store().read().await.unwrap();
        let users = session.users().await.unwrap().into_iter().map(|user| (user.name, user.no)).collect();
        drop(session);
        let mut world = Self {
            server,
            host,
            policy: PolicyNo(0),
            controls: Vec::new(),
            technology: TechnologyNo(0),
            users,
        };
        world.look(&FIRST).await;
        world
    }

    /// Looks at the host again, a second later; how many exceptions were reopened.
    pub(super) async fn look(&mut self, shown: &[Shown<'_>]) -> usize {
        self.server.clock.advance(1_000);
        self.look_at(self.host, self.server.app.now(), shown).await
    }

    /// Records a look at a host.
    pub(super) async fn look_at(&mut self, host: AssetNo, observed: Millis, shown: &[Shown<'_>]) -> usize {
        let (app, project) = (&self.server.app, self.server.local.project);
        let content = Digest::of(format!("{host} {observed} {shown:?}").as_bytes());
        let mut tx = app.store().begin().await.unwrap();
        let policy = NewPolicy {
            project,
            benchmark: "xccdf_example_benchmark",
            profile: "xccdf_example_profile",
            title: "ANSSI-BP-028 (enhanced)",
            version: "1.0",
        };
        self.policy = tx.put_policy(&policy, Said { observed, content }).await.unwrap();
        let cpe = "cpe:/o:debian:debian_linux:12";
        self.technology = tx.put_technology(project, cpe, "Debian GNU/Linux 12.x").await.unwrap();
        let controls: Vec<NewControl> = CONTROLS.iter().map(|statement| control(statement)).collect();
        self.controls = tx.put_controls(project, &controls, "1.0", self.technology).await.unwrap();
        let document =
            Document { project, host, policy: self.policy, technology: self.technology, observed, content };
        assert!(tx.begin_document(&document).await.unwrap().has_results());
        let evidence: Vec<Evidence> =
            shown.iter().map(|(place, _, _, value)| found(*place, *value)).collect();
        let results: Vec<NewResult<'_>> = shown
            .iter()
            .zip(&evidence)
            .map(|((place, instance, status, _), evidence)| NewResult {
                control: self.controls[*place],
                instance,
                status: *status,
                evidence: Some(evidence),
            })
            .collect();
        let recorded = tx.record_control_results(&document, &results).await.unwrap();
        let reopened = app.control_exceptions().results_changed(&mut tx, &recorded.changes).await.unwrap();
        tx.end_document(&document, &self.controls).await.unwrap();
        tx.commit().await.unwrap();
        app.live().catch_up().await.unwrap();
        reopened
    }

    /// A request by Basic, with `X-Requested-With`.
    pub(super) async fn send(&self, user: &str, method: Method, target: &str, body: &str) -> Answer {
        let basic = STANDARD.encode(format!("{user}:{PASSWORD}"));
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("Host", "pc.example.test")
            .header("Authorization", format!("Basic {basic}"))
            .header("X-Requested-With", "test")
            .header("Content-Type", "application/x-www-form-urlencoded");
        self.server.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// A POST to the exceptions.
    pub(super) async fn exceptions(&self, user: &str, body: &str) -> Answer {
        self.send(user, Method::POST, "/api/2.0/fo/compliance/exception/", body).await
    }

    /// The parameters that ask for an exception of a control.
    pub(super) fn request(&self, place: usize) -> String {
        let instance = if place == 2 { format!("&instance_string={INSTANCE}") } else { String::new() };
        format!(
            "action=request&control_id={}&host_id={}&policy_id={}&technology_id={}&assignee_id={}\
             &comments=legacy job{instance}",
            self.controls[place], self.host, self.policy, self.technology, self.users["manager"]
        )
    }

    /// Asks for an exception and gives its number.
    pub(super) async fn ask(&self, user: &str, place: usize, more: &str) -> String {
        let answer = self.exceptions(user, &format!("{}{more}", self.request(place))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        element(answer.text(), "VALUE").to_owned()
    }

    /// The list as an answer in text.
    pub(super) async fn listed(&self, more: &str) -> String {
        let answer = self.exceptions("manager", &format!("action=list&details=All{more}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text().to_owned()
    }
}

impl Answer {
    /// The body as it is.
    pub(super) fn text(&self) -> &str {
        self.body.as_str().unwrap_or_default()
    }

    /// Status and code of an error.
    pub(super) fn error(&self) -> (u16, u16) {
        (self.status, element(self.text(), "CODE").parse().unwrap_or_default())
    }
}

/// The text of the first element of that name; empty when there is none.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let begin = format!("<{name}>");
    let Some(at) = xml.find(&begin) else { return "" };
    let rest = &xml[at + begin.len()..];
    let inner = &rest[..rest.find(&format!("</{name}>")).unwrap()];
    inner.trim().trim_start_matches("<![CDATA[").trim_end_matches("]]>")
}

/// How often an element of that name stands in it.
pub(super) fn count(xml: &str, name: &str) -> usize {
    xml.matches(&format!("<{name}>")).count()
}

/// A host without packages.
pub(super) async fn add_host(server: &TestServer, name: &str, ip: &str, enterprise_project: u32) -> AssetNo {
    let mut tx = server.app.store().begin().await.unwrap();
    let (set, _) = tx.put_set(&PackageSet::default(), &[]).await.unwrap();
    let look = Look {
        project: server.local.project,
        enterprise_project: EnterpriseProjectNo(enterprise_project),
        name,
        distro: None,
        databases: &[],
        observed: server.app.now(),
        content: Digest::of(name.as_bytes()),
        reader_version: parapet_model::READER_VERSION,
    };
    let facts = HostFacts { addresses: vec![ip.to_owned()], ..HostFacts::default() };
    let host = HostObservation { look, identity: name, facts: &facts, set };
    let recorded = tx.record_host(&host).await.unwrap();
    tx.commit().await.unwrap();
    server.app.live().catch_up().await.unwrap();
    recorded.asset
}

fn control(statement: &str) -> NewControl {
    let text = ControlText {
        statement: statement.to_owned(),
        category: "Access".to_owned(),
        sub_category: "Accounts & files".to_owned(),
        rationale: "files stay private <here>".to_owned(),
        criticality: Criticality::Medium,
        references: vec![ControlReference { framework: "CIS".to_owned(), section: "5.4.2".to_owned() }],
    };
    NewControl { rule: format!("rule {statement}"), text: Some(text) }
}

fn found(place: usize, value: Option<&str>) -> Evidence {
    let item = |value: &str| Item {
        kind: "textfilecontent".to_owned(),
        fields: vec![("subexpression".to_owned(), value.to_owned())],
    };
    let expected = Expected {
        field: "subexpression".to_owned(),
        operation: "equals".to_owned(),
        values: vec!["077".to_owned()],
    };
    let test = TestEvidence {
        test: format!("oval:test:{place}"),
        title: CONTROLS[place].to_owned(),
        result: if value.is_some() { "false" } else { "true" }.to_owned(),
        existence: "at_least_one_exists".to_owned(),
        expected: if place == 1 { Vec::new() } else { vec![expected] },
        items: value.map(item).into_iter().collect(),
        more: 0,
    };
    Evidence::new(vec![test], Vec::new())
}
