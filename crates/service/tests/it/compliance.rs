//! Results of checklists: what an import says, what it leaves alone, and what never comes in.

use std::path::PathBuf;

use parapet_model::asset::ScanState;
use parapet_model::compliance::ControlPosture;
use parapet_model::{ControlNo, ControlResultNo, Permission, PolicyNo};
use parapet_service::compliance::{EvaluationReport, ImportOptions};
use parapet_service::{Error, PastInstant};
use parapet_store::audit::AuditFilter;
use parapet_store::compliance::ResultFilter;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};

use crate::world::World;

const TEMPLATE: &str = include_str!("../../../catalog/fixtures/host.arf.xml");

/// The template filled in; `changes` first.
fn report(changes: &[(&str, &str)]) -> String {
    let usual = [
        ("VERSION", "0"),
        ("HOST", "web-1.example.test"),
        ("MAC", "01"),
        ("ADDRESS", "192.0.2.15"),
        ("TIME", "2026-10-01T10:00:00Z"),
        ("ID", "100"),
        ("UMASK", "18"),
        ("UMASK_TEST", "false"),
        ("UMASK_RESULT", "fail"),
        ("READABLE", "true"),
        ("SHADOW_RESULT", "fail"),
    ];
    let mut text = TEMPLATE.to_owned();
    for (name, value) in changes.iter().chain(&usual) {
        text = text.replace(&format!("{{{{{name}}}}}"), value);
    }
    text
}

impl World {
    fn results(&self, name: &str, changes: &[(&str, &str)]) -> PathBuf {
        self.write(name, &report(changes));
        self.path(name)
    }

    pub(crate) async fn import_results(&self, changes: &[(&str, &str)]) -> EvaluationReport {
        let file = self.results("results.xml", changes);
        let report = self.app.compliance().import(&self.who, &file, &ImportOptions::default()).await.unwrap();
        assert_eq!(report.evaluations.len(), 1);
        report.evaluations.into_iter().next().unwrap()
    }

    /// Rule, status and what was found, of all results that have a posture.
    async fn stands(&self) -> Vec<String> {
        let compliance = self.app.compliance();
        let all = ResultFilter::default();
        let mut out = Vec::new();
        for result in compliance.results(&self.who, &all, None, ControlResultNo(0), 1_000).await.unwrap() {
            let detail = compliance.result(&self.who, result.no, 10).await.unwrap();
            let lines = detail.now().map(|evidence| evidence.lines().join(" | ")).unwrap_or_default();
            out.push(format!("{} {} {lines}", detail.control.rule, result.status.as_str()));
        }
        out.sort_unstable();
        out
    }
}

const LATER: (&str, &str) = ("TIME", "2026-10-02T10:00:00Z");

#[tokio::test]
async fn an_import_says_what_it_read_and_the_same_again_changes_nothing() {
    let world = World::new().await;
    let first = world.import_results(&[]).await;
    assert_eq!(first.outcome, "newest");
    assert!(first.host_is_new);
    assert_eq!((first.results, first.failed, first.not_judged, first.new), (4, 3, 1, 4));
    assert_eq!(
        (first.policy_title.as_str(), first.technology.as_str()),
        ("House rules (basic)", "Debian GNU/Linux 12.x")
    );
    let stands = world.stands().await;
    assert_eq!(stands[0], "rule_package fail nothing found");
    assert_eq!(stands[2], "rule_umask fail 18");

    let head = world.app.store().head().await.unwrap().seq;
    let again = world.import_results(&[("ID", "555")]).await;
    assert_eq!((again.outcome, again.host, again.host_is_new), ("seen", first.host, false));
    assert_eq!(world.app.store().head().await.unwrap().seq, head, "not one transaction");
    let controls =
        world.app.compliance().controls(&world.who, Some(first.policy), ControlNo(0), 10).await.unwrap();
    let numbers: Vec<u32> = controls.iter().map(|control| control.no.0).collect();
    assert_eq!(numbers, [100_000, 100_001, 100_002, 100_003]);
    let policies = world.app.compliance().policies(&world.who, PolicyNo(0), 10).await.unwrap();
    assert_eq!((policies.len(), policies[0].version.as_str()), (1, "1.0"));
}

#[tokio::test]
async fn the_past_is_told_as_it_was_known_or_as_it_was_seen() {
    let world = World::new().await;
    world.import_results(&[]).await;
    let then = world.app.now();
    world.clock.advance(60_000);
    world.import_results(&[LATER, ("UMASK", "22"), ("SHADOW_RESULT", "pass"), ("READABLE", "false")]).await;
    let failed = async |past| {
        let filter = ResultFilter { postures: vec![ControlPosture::Failed], ..ResultFilter::default() };
        world.app.compliance().results(&world.who, &filter, past, ControlResultNo(0), 10).await
    };
    assert_eq!(failed(None).await.unwrap().len(), 2);
    let past = |at, hindsight| Some(PastInstant { at, hindsight });
    assert_eq!(failed(past(then + 1_000, false)).await.unwrap().len(), 3);
    assert_eq!(failed(past(then - 1_000_000, false)).await.unwrap().len(), 0);
    let october = parapet_model::time::parse_instant("2026-10-01T12:00:00Z").unwrap();
    assert_eq!(failed(past(october, true)).await.unwrap().len(), 3);
    let ahead = failed(past(world.app.now() + 1_000_000, false)).await;
    assert!(matches!(ahead, Err(Error::Invalid(_))), "{ahead:?}");
}

#[tokio::test]
async fn a_drifted_host_fails_differently_passes_again_and_fails_anew() {
    let world = World::new().await;
    world.import_results(&[]).await;
    // The same failure with another value; the password file is repaired.
    let drift = world
        .import_results(&[LATER, ("UMASK", "22"), ("SHADOW_RESULT", "pass"), ("READABLE", "false")])
        .await;
    assert_eq!(
        (drift.outcome, drift.changed_status, drift.changed_evidence, drift.unchanged),
        ("newest", 1, 1, 2)
    );
    let [umask] = drift.fail_differently[..] else { panic!("{drift:?}") };
    let [_] = drift.pass_again[..] else { panic!("{drift:?}") };
    let detail = world.app.compliance().result(&world.who, umask, 10).await.unwrap();
    let lines = |evidence: Option<&parapet_model::compliance::Evidence>| evidence.unwrap().lines();
    assert_eq!((lines(detail.before()), lines(detail.now())), (vec!["18".to_owned()], vec!["22".to_owned()]));
    assert_eq!(detail.history.len(), 2);
    let filter = AuditFilter { kind: "control-result", ..AuditFilter::default() };
    let events = world.app.audit(&world.who, &filter, u32::MAX, 10).await.unwrap();
    assert_eq!((events.len(), events[0].action.as_str()), (1, "evidence-changed"));

    // It fails anew, and the umask is right.
    let third = world
        .import_results(&[("TIME", "2026-10-03T10:00:00Z"), ("UMASK", "63"), ("UMASK_RESULT", "pass")])
        .await;
    assert_eq!((third.changed_status, third.pass_again.len(), third.fail_differently.len()), (2, 1, 0));
    let failed = ResultFilter { postures: vec![ControlPosture::Failed], ..ResultFilter::default() };
    let failed =
        world.app.compliance().results(&world.who, &failed, None, ControlResultNo(0), 10).await.unwrap();
    assert_eq!(failed.len(), 2);
    let shadow = failed.iter().find(|result| result.summary.previous.is_some()).unwrap();
    assert!(shadow.summary.first_passed < shadow.summary.posture_since);
}

#[tokio::test]
async fn an_older_document_becomes_history_and_the_answer_says_so() {
    let world = World::new().await;
    world.import_results(&[LATER, ("UMASK", "22")]).await;
    let stands = world.stands().await;
    let older = world.import_results(&[]).await;
    assert_eq!((older.outcome, older.changed_evidence, older.fail_differently.len()), ("older", 0, 0));
    assert_eq!(world.stands().await, stands);
    let all = ResultFilter::default();
    let results =
        world.app.compliance().results(&world.who, &all, None, ControlResultNo(0), 10).await.unwrap();
    for result in results {
        let detail = world.app.compliance().result(&world.who, result.no, 10).await.unwrap();
        let values = usize::from(detail.control.rule == "rule_umask") + 1;
        assert_eq!(detail.history.len(), values, "{}", detail.control.rule);
        assert!(
            detail.result.summary.first_failed < detail.result.evaluated,
            "the older look counts as a look"
        );
    }
}

#[tokio::test]
async fn the_order_of_imports_does_not_matter() {
    let days = ["2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04"];
    let looks = proptest::collection::vec(
        (
            proptest::sample::select(days.to_vec()),
            proptest::sample::select(vec!["18", "22", "63"]),
            any::<bool>(),
        ),
        1..6,
    );
    let mut runner = TestRunner::new(Config::default());
    for _ in 0..5 {
        let looks = looks.new_tree(&mut runner).unwrap().current();
        let mut sorted = looks.clone();
        sorted.sort_by_key(|(day, ..)| *day);
        let mut states = Vec::new();
        for order in [looks.clone(), sorted] {
            let world = World::new().await;
            for (day, umask, passes) in order {
                let time = format!("{day}T10:00:00Z");
                let result = if passes { "pass" } else { "fail" };
                world.import_results(&[("TIME", &time), ("UMASK", umask), ("UMASK_RESULT", result)]).await;
            }
            states.push(world.stands().await);
        }
        assert_eq!(states[0], states[1], "{looks:?}");
    }
}

#[tokio::test]
async fn results_join_the_host_that_a_sensor_knows() {
    let world = World::new().await;
    world.host("web-1");
    let scanned = world.scan().await;
    let joined = world.import_results(&[("HOST", "WEB-1")]).await;
    assert_eq!((joined.host, joined.host_is_new), (scanned.asset, false));
    // By its hardware address from now on, whatever it is called.
    let renamed = world.import_results(&[LATER, ("HOST", "other.example.test")]).await;
    assert_eq!(renamed.host, scanned.asset);
    // The packages of the host are as they were.
    world.clock.advance(60_000);
    assert_eq!(world.scan().await.outcome, "unchanged");
}

#[tokio::test]
async fn a_host_that_documents_named_first_is_the_one_that_is_scanned_later() {
    let world = World::new().await;
    let first = world.import_results(&[]).await;
    world.host("web-1.example.test");
    world.clock.advance(60_000);
    let scanned = world.scan().await;
    assert_eq!(scanned.asset, first.host);
    let later = world.import_results(&[LATER, ("UMASK", "22")]).await;
    assert_eq!((later.host, later.host_is_new, later.changed_evidence), (first.host, false, 1));
    let snapshot = world.app.live().snapshot();
    let scope = world.who.scope();
    let host = snapshot.asset_by_uuid(&scope, first.host).unwrap();
    assert_eq!((host.scan, host.identity.as_str()), (ScanState::Scanned, "web-1.example.test"));
    assert_eq!(host.host_facts.addresses, ["192.0.2.15"], "a look that says none keeps what is known");
    // Another machine that calls itself so stays another one.
    world.write("root/etc/machine-id", "ffffffffffffffffffffffffffffffff\n");
    world.clock.advance(60_000);
    assert_ne!(world.scan().await.asset, first.host);
}

#[tokio::test]
async fn a_host_can_be_named_by_the_one_who_imports() {
    let world = World::new().await;
    let file = world.results("nameless.xml", &[("HOST", "localhost"), ("ADDRESS", "::1"), ("MAC", "00")]);
    let text = std::fs::read_to_string(&file).unwrap().replace("02:00:00:00:00:00", "00:00:00:00:00:00");
    std::fs::write(&file, text).unwrap();
    let compliance = world.app.compliance();
    let refused = compliance.import(&world.who, &file, &ImportOptions::default()).await.unwrap_err();
    assert!(refused.to_string().contains("name no host"), "{refused}");
    let named = ImportOptions { host: Some("build-7".to_owned()), ..ImportOptions::default() };
    let report = compliance.import(&world.who, &file, &named).await.unwrap();
    assert_eq!(report.evaluations[0].host_name, "build-7");
    let id = report.evaluations[0].host.to_string();
    let by_id = ImportOptions { host: Some(id), ..ImportOptions::default() };
    assert_eq!(compliance.import(&world.who, &file, &by_id).await.unwrap().evaluations[0].outcome, "seen");
    let unknown = ImportOptions { host: Some(uuid(9)), ..ImportOptions::default() };
    assert!(matches!(compliance.import(&world.who, &file, &unknown).await, Err(Error::NotFound(_))));
}

fn uuid(n: u128) -> String {
    format!("{n:032x}")
}

#[tokio::test]
async fn bad_documents_and_people_without_the_right_change_nothing() {
    let world = World::new().await;
    let head = world.app.store().head().await.unwrap().seq;
    let good = report(&[]);
    for (name, text) in [
        ("cut.xml", good[..good.len() - 200].to_owned()),
        ("entity.xml", good.replacen("<target>", "<target>&xxe;", 1)),
        (
            "doctype.xml",
            good.replacen("<arf:asset", "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><arf:asset", 1),
        ),
        ("other.xml", "<html/>".to_owned()),
        ("empty.xml", String::new()),
    ] {
        world.write(name, &text);
        let options = ImportOptions::default();
        let refused =
            world.app.compliance().import(&world.who, &world.path(name), &options).await.unwrap_err();
        assert!(matches!(refused, Error::Invalid(_)), "{name}: {refused}");
    }
    let missing =
        world.app.compliance().import(&world.who, &world.path("none.xml"), &Default::default()).await;
    assert!(matches!(missing, Err(Error::File { .. })));
    world.write("good.xml", &good);
    let mut reader = world.who.clone();
    reader.permissions.remove(&Permission::AssetsWrite);
    let refused = world.app.compliance().import(&reader, &world.path("good.xml"), &Default::default()).await;
    assert!(matches!(refused, Err(Error::Forbidden(Permission::AssetsWrite))));
    assert_eq!(world.app.store().head().await.unwrap().seq, head);
}

#[tokio::test]
async fn a_planted_hash_is_nowhere_in_the_store() {
    let world = World::new().await;
    world.import_results(&[]).await;
    world.app.store().close().await;
    let mut seen = 0;
    for entry in std::fs::read_dir(world.path("")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("parapet.db") {
            let bytes = std::fs::read(&path).unwrap();
            let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
            assert!(!has(b"PlantedHash"), "{}", path.display());
            seen += usize::from(has(b"rule_shadow"));
        }
    }
    assert!(seen > 0, "the store was looked at");
}
