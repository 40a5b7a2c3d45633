//! Control results: their life whatever the order of documents, what is listed, and which host is meant.

use parapet_model::asset::HostFacts;
use parapet_model::compliance::{
    ControlPosture, ControlStatus, ControlText, Evidence, Item, ResultIdentity, Target, TestEvidence,
    WHOLE_HOST,
};
use parapet_model::control_exception::{ControlException, ControlTarget};
use parapet_model::exception::ExceptionState;
use parapet_model::lifecycle::{Lifecycle, Standing};
use parapet_model::time::{FOREVER, Millis};
use parapet_model::{
    AssetNo, ControlExceptionNo, ControlNo, ControlResultNo, Digest, PolicyNo, Principal, ProjectNo, Scope,
    TechnologyNo,
};
use parapet_store::Store;
use parapet_store::assets::{HostObservation, Look, Outcome, TargetObservation};
use parapet_store::compliance::{
    Arrival, Document, NewControl, NewPolicy, NewResult, Ranges, RecordedResults, ResultFilter, Said,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};

use crate::estate::PROJECT;
use crate::support::{TestStore, on_both_stores};

pub(crate) fn scope() -> Scope {
    Principal::local(PROJECT).scope()
}

fn target(name: &str) -> Target {
    let mut target = Target::default();
    target.add_name(name);
    target
}

/// The newest look at a host.
fn seen(target: &Target, observed: Millis) -> TargetObservation<'_> {
    let enterprise_project = Default::default();
    TargetObservation { project: PROJECT, enterprise_project, target, observed, newest: true }
}

fn evidence(value: &str) -> Evidence {
    let item = Item { kind: "variable".to_owned(), fields: vec![("value".to_owned(), value.to_owned())] };
    let test = TestEvidence {
        test: "tst".to_owned(),
        title: String::new(),
        result: "false".to_owned(),
        existence: String::new(),
        expected: Vec::new(),
        items: if value.is_empty() { Vec::new() } else { vec![item] },
        more: 0,
    };
    Evidence::new(vec![test], Vec::new())
}

/// Lives that are compared in one store.
const CASES: usize = 16;

/// What a look shows of one rule: its status and the value found.
pub(crate) type Shown = (&'static str, ControlStatus, &'static str);

/// Records a document as an import does; what it was, and what changed.
pub(crate) async fn import(
    store: &Store,
    host: &str,
    at: Millis,
    shown: &[Shown],
) -> (Arrival, RecordedResults) {
    import_for(store, "b", &target(host), at, shown).await
}

/// The same for any benchmark and host.
pub(crate) async fn import_for(
    store: &Store,
    benchmark: &str,
    host: &Target,
    at: Millis,
    shown: &[Shown],
) -> (Arrival, RecordedResults) {
    let text: String =
        shown.iter().map(|(rule, status, value)| format!("{rule}{status:?}{value};")).collect();
    let content = Digest::of(format!("{at}{text}").as_bytes());
    let mut tx = store.begin().await.unwrap();
    let new = NewPolicy { project: PROJECT, benchmark, profile: "p", title: "Basic", version: "1" };
    let policy = tx.put_policy(&new, Said { observed: at, content }).await.unwrap();
    let technology = tx.put_technology(PROJECT, "cpe:/o:debian:debian_linux:12", "Debian").await.unwrap();
    let host = tx.record_target(&seen(host, at)).await.unwrap().asset;
    let document = Document { project: PROJECT, host, policy, technology, observed: at, content };
    let arrival = tx.begin_document(&document).await.unwrap();
    let controls: Vec<NewControl> =
        shown.iter().map(|(rule, ..)| NewControl { rule: (*rule).to_owned(), text: None }).collect();
    let controls = tx.put_controls(PROJECT, &controls, "1", technology).await.unwrap();
    tx.commit().await.unwrap();
    if !arrival.has_results() {
        let mut tx = store.begin().await.unwrap();
        tx.end_document(&document, &controls).await.unwrap();
        tx.commit().await.unwrap();
        return (arrival, RecordedResults::default());
    }
    let evidences: Vec<Evidence> = shown.iter().map(|(_, _, value)| evidence(value)).collect();
    let results: Vec<NewResult<'_>> = shown
        .iter()
        .zip(&controls)
        .zip(&evidences)
        .map(|(((_, status, _), control), evidence)| NewResult {
            control: *control,
            instance: WHOLE_HOST,
            status: *status,
            evidence: status.posture().map(|_| evidence),
        })
        .collect();
    let mut tx = store.begin().await.unwrap();
    let recorded = tx.record_control_results(&document, &results).await.unwrap();
    let gone: Vec<ControlNo> = tx
        .result_identities(host, policy)
        .await
        .unwrap()
        .into_iter()
        .map(|(control, ..)| control)
        .filter(|control| !controls.contains(control))
        .collect();
    let gone: Vec<NewResult<'_>> = gone
        .into_iter()
        .map(|control| NewResult {
            control,
            instance: WHOLE_HOST,
            status: ControlStatus::NotSelected,
            evidence: None,
        })
        .collect();
    tx.record_control_results(&document, &gone).await.unwrap();
    tx.end_document(&document, &controls).await.unwrap();
    tx.commit().await.unwrap();
    (arrival, recorded)
}

/// All that holds now for a benchmark of one host, in words: by rule, with the life and what was found.
async fn state(store: &Store, benchmark: &str) -> Vec<String> {
    let mut read = store.read().await.unwrap();
    let policies = read.policies(PROJECT, PolicyNo(0), 1_000).await.unwrap();
    let policy = policies.into_iter().find(|policy| policy.benchmark == benchmark).unwrap();
    let all = ResultFilter { policy: Some(policy.no), without_posture: true, ..ResultFilter::default() };
    let results = read.control_results(&scope(), &all, ControlResultNo(0), 1_000).await.unwrap();
    let mut out = Vec::new();
    for result in results {
        let control = read.control(PROJECT, result.identity.control).await.unwrap().unwrap();
        let life = read.control_result_history(result.no, FOREVER, 100).await.unwrap();
        let mut told = Vec::new();
        for (stretch, _) in life {
            let found = read.evidence(&[stretch.held.evidence]).await.unwrap();
            let lines = found.values().next().map(|evidence| evidence.lines().join("|")).unwrap_or_default();
            told.push(format!("{}-{} {} {lines}", stretch.from, stretch.to, stretch.held.status.as_str()));
        }
        out.push(format!("{} {:?} {:?} {told:?}", control.rule, result.status, result.summary));
    }
    let asked = read.controls_of_policy(policy.no, ControlNo(0), 100).await.unwrap();
    let asked = read.controls_by_number(PROJECT, &asked).await.unwrap();
    let mut rules: Vec<String> = asked.into_iter().map(|control| control.rule).collect();
    rules.sort_unstable();
    out.push(format!("{} {} {rules:?}", policy.title, policy.evaluated));
    out.sort_unstable();
    out
}

#[test]
fn a_drift_shows_what_changed_and_what_only_looks_so() {
    use ControlStatus::{Fail, NotApplicable, Pass};
    on_both_stores(async |t: TestStore| {
        let run1 = [
            ("umask", Fail, "18"),
            ("sudoers", Fail, "mode 755"),
            ("shadow", Pass, ""),
            ("boot", NotApplicable, ""),
        ];
        let run2 = [
            ("umask", Fail, "22"),
            ("sudoers", Pass, ""),
            ("shadow", Fail, "mode 644"),
            ("boot", NotApplicable, ""),
        ];
        let (arrival, first) = import(&t.store, "web", 1_000, &run1).await;
        assert_eq!((arrival, first.changes.len()), (Arrival::Newest, 4));
        assert!(
            first.changes.iter().all(|c| c.before.is_none() && !c.fails_differently() && !c.passes_again())
        );
        let head = t.store.head().await.unwrap().seq;
        let (arrival, again) = import(&t.store, "web", 1_000, &run1).await;
        assert_eq!((arrival, again), (Arrival::Duplicate, RecordedResults::default()));
        let written = t.store.head().await.unwrap().seq - head;
        assert!(written <= 1, "the names of the host at most: {written}");

        let (_, second) = import(&t.store, "web", 2_000, &run2).await;
        assert_eq!((second.changes.len(), second.unchanged), (3, 1));
        let mut read = t.store.read().await.unwrap();
        let mut told = Vec::new();
        for change in &second.changes {
            let rule = read.control(PROJECT, change.identity.control).await.unwrap().unwrap().rule;
            told.push((rule, change.fails_differently(), change.passes_again(), change.status_changed()));
        }
        told.sort_unstable();
        assert_eq!(
            told,
            [
                ("shadow".to_owned(), false, false, true),
                ("sudoers".to_owned(), false, true, true),
                ("umask".to_owned(), true, false, false)
            ]
        );
        let umask = second.changes.iter().find(|change| change.fails_differently()).unwrap();
        let before = umask.before.unwrap();
        assert_eq!(read.control_result_before(umask.no).await.unwrap(), (Some(umask.now), Some(before)));
        let values = read.evidence(&[before.evidence, umask.now.evidence]).await.unwrap();
        let lines: Vec<Vec<String>> = values.values().map(Evidence::lines).collect();
        assert_eq!(lines, [["18"], ["22"]]);
        let sudoers = ResultFilter { postures: vec![ControlPosture::Passed], ..ResultFilter::default() };
        let passed = read.control_results(&scope(), &sudoers, ControlResultNo(0), 10).await.unwrap();
        assert_eq!(passed.len(), 1);
        let summary = passed[0].summary;
        assert_eq!(summary.previous, Some(Fail));
        assert_eq!(
            (summary.first_failed, summary.last_failed, summary.first_passed, summary.last_passed),
            (1_000, 1_000, 2_000, 2_000)
        );

        // A third look that shows the same writes no result, yet it is what was seen last.
        drop(read);
        let (_, third) = import(&t.store, "web", 3_000, &run2).await;
        assert_eq!((third.changes.len(), third.unchanged), (0, 4));
        let mut read = t.store.read().await.unwrap();
        let passed = read.control_results(&scope(), &sudoers, ControlResultNo(0), 10).await.unwrap();
        assert_eq!((passed[0].summary.last_passed, passed[0].evaluated), (3_000, 3_000));
    });
}

#[test]
fn whatever_the_order_of_documents_the_state_is_that_of_their_times() {
    let status = proptest::sample::select(vec![
        ControlStatus::Pass,
        ControlStatus::Fail,
        ControlStatus::Error,
        ControlStatus::NotApplicable,
        ControlStatus::NotSelected,
    ]);
    let value = proptest::sample::select(vec!["", "18", "22"]);
    let shown = (status, value);
    let document = proptest::collection::vec(proptest::option::weighted(0.8, shown), 3);
    let looks = proptest::collection::vec((1..9_i64, document), 1..8);
    let mut runner = TestRunner::new(Config::default());
    let cases: Vec<Vec<(Millis, Vec<Shown>)>> = (0..CASES)
        .map(|_| {
            let looks = looks.new_tree(&mut runner).unwrap().current();
            let shown = |document: &Vec<Option<(ControlStatus, &'static str)>>| -> Vec<Shown> {
                let shown = ["r0", "r1", "r2"].into_iter().zip(document);
                let shown =
                    shown.filter_map(|(rule, shown)| shown.map(|(status, value)| (rule, status, value)));
                shown.filter(|(_, status, _)| *status != ControlStatus::NotSelected).collect()
            };
            looks.iter().map(|(at, document)| (at * 1_000, shown(document))).collect()
        })
        .collect();
    on_both_stores(async |t: TestStore| {
        for (case, documents) in cases.iter().enumerate() {
            let mut sorted = documents.clone();
            sorted.sort_by_key(|(at, _)| *at);
            let mut states = Vec::new();
            for (order, documents) in [documents, &sorted].into_iter().enumerate() {
                let (benchmark, host) = (format!("b{case} {order}"), target(&format!("web-{case}-{order}")));
                for (at, shown) in documents {
                    import_for(&t.store, &benchmark, &host, *at, shown).await;
                }
                states.push(state(&t.store, &benchmark).await);
            }
            assert_eq!(states[0], states[1], "{documents:#?}");
        }
    });
}

#[test]
fn a_document_that_was_cut_off_is_recorded_again() {
    use ControlStatus::{Fail, Pass};
    on_both_stores(async |t: TestStore| {
        import(&t.store, "web", 1_000, &[("a", Fail, "1"), ("b", Fail, "1")]).await;
        let mut read = t.store.read().await.unwrap();
        let known =
            read.control_results(&scope(), &ResultFilter::default(), ControlResultNo(0), 10).await.unwrap();
        drop(read);
        // One batch of a document, and no end.
        let ResultIdentity { host, policy, control, .. } = known[0].identity.clone();
        let document = Document {
            project: PROJECT,
            host,
            policy,
            technology: known[0].technology,
            observed: 5_000,
            content: Digest::of(b"cut off"),
        };
        let mut tx = t.store.begin().await.unwrap();
        tx.begin_document(&document).await.unwrap();
        let found = evidence("");
        let result = NewResult { control, instance: WHOLE_HOST, status: Pass, evidence: Some(&found) };
        tx.record_control_results(&document, &[result]).await.unwrap();
        tx.commit().await.unwrap();
        // An older look that is complete has the word until the newer one is recorded whole.
        let (arrival, _) = import(&t.store, "web", 3_000, &[("a", Fail, "3"), ("b", Fail, "3")]).await;
        assert_eq!(arrival, Arrival::Newest);
        let mut read = t.store.read().await.unwrap();
        for result in
            read.control_results(&scope(), &ResultFilter::default(), ControlResultNo(0), 10).await.unwrap()
        {
            assert_eq!((result.status, result.evaluated), (Fail, 3_000));
        }
        drop(read);
        import(&t.store, "web", 5_000, &[("a", Pass, ""), ("b", Pass, "")]).await;
        let mut read = t.store.read().await.unwrap();
        let all =
            read.control_results(&scope(), &ResultFilter::default(), ControlResultNo(0), 10).await.unwrap();
        assert!(
            all.len() == 2 && all.iter().all(|result| result.status == Pass && result.evaluated == 5_000)
        );
    });
}

#[test]
fn lists_go_by_number_and_by_every_condition() {
    use ControlStatus::{Fail, NotChecked, Pass};
    on_both_stores(async |t: TestStore| {
        for n in 0..30 {
            let status = if n % 3 == 0 { Pass } else { Fail };
            let shown = [("a", status, "1"), ("b", Fail, "2"), ("c", NotChecked, "")];
            import(&t.store, &format!("host-{n:02}"), 1_000 + n, &shown).await;
        }
        let mut read = t.store.read().await.unwrap();
        let all = ResultFilter::default();
        let (mut after, mut seen) = (ControlResultNo(0), Vec::new());
        loop {
            let page = read.control_results(&scope(), &all, after, 7).await.unwrap();
            let Some(last) = page.last() else { break };
            after = last.no;
            seen.extend(page);
        }
        assert_eq!(seen.len(), 60);
        assert!(seen.windows(2).all(|pair| pair[0].no < pair[1].no));
        let policy = seen[0].identity.policy;
        let control = seen[0].identity.control;
        let hosts: Vec<AssetNo> = seen.iter().map(|result| result.identity.host).collect();
        for (what, filter, wanted) in [
            ("failed", ResultFilter { postures: vec![ControlPosture::Failed], ..all.clone() }, 50),
            ("of the policy", ResultFilter { policy: Some(policy), ..all.clone() }, 60),
            ("of no policy", ResultFilter { policy: Some(PolicyNo(1)), ..all.clone() }, 0),
            ("of a control", ResultFilter { controls: Ranges::one(control.0), ..all.clone() }, 30),
            (
                "of two hosts",
                ResultFilter {
                    hosts: Ranges::new([(hosts[0].0.into(), u64::from(hosts[0].0) + 1)]),
                    ..all.clone()
                },
                4,
            ),
            ("of all hosts", ResultFilter { hosts: Ranges::new([(1, 99_999_999_999)]), ..all.clone() }, 60),
            ("by number", ResultFilter { numbers: Ranges::one(seen[3].no.0), ..all.clone() }, 1),
            (
                "from a number",
                ResultFilter { numbers: Ranges::new([(seen[58].no.0.into(), u64::MAX)]), ..all.clone() },
                2,
            ),
            ("not judged too", ResultFilter { without_posture: true, ..all.clone() }, 90),
            ("looked at since", ResultFilter { evaluated_since: Some(1_020), ..all.clone() }, 20),
            ("of another platform", ResultFilter { technology: Some(TechnologyNo(1)), ..all.clone() }, 0),
            ("of another instance", ResultFilter { instance: Some("db".to_owned()), ..all.clone() }, 0),
        ] {
            let found = read.control_results(&scope(), &filter, ControlResultNo(0), 1_000).await.unwrap();
            assert_eq!(found.len(), wanted, "{what}");
        }
        let elsewhere = Principal::local(ProjectNo(77)).scope();
        assert!(read.control_results(&elsewhere, &all, ControlResultNo(0), 10).await.unwrap().is_empty());
        assert!(read.control_result(&elsewhere, seen[0].no).await.unwrap().is_none());
        assert_eq!(
            read.control_result_of(&scope(), &seen[0].identity).await.unwrap().as_ref(),
            Some(&seen[0])
        );
        assert_eq!(read.assessments_of_policy(policy, AssetNo(0), 100).await.unwrap().len(), 30);
        assert!(read.policy_holds(policy, control).await.unwrap());
        drop(read);
        // A host that disappears takes its results out of every list, and brings them back.
        let mut tx = t.store.begin().await.unwrap();
        tx.delete_asset(hosts[0]).await.unwrap();
        tx.commit().await.unwrap();
        let mut read = t.store.read().await.unwrap();
        assert_eq!(read.control_results(&scope(), &all, ControlResultNo(0), 100).await.unwrap().len(), 58);
    });
}

#[test]
fn numbers_begin_above_those_of_the_real_service_and_stay() {
    on_both_stores(async |t: TestStore| {
        import(&t.store, "web", 1_000, &[("a", ControlStatus::Pass, "")]).await;
        import(&t.store, "db", 2_000, &[("b", ControlStatus::Pass, ""), ("a", ControlStatus::Pass, "")])
            .await;
        let mut tx = t.store.begin().await.unwrap();
        let controls = tx.controls(PROJECT, ControlNo(0), 10).await.unwrap();
        let numbers: Vec<(u32, &str)> = controls.iter().map(|c| (c.no.0, c.rule.as_str())).collect();
        assert_eq!(numbers, [(100_000, "a"), (100_001, "b")]);
        // The newest version has the word, whichever came first.
        let technology = tx.technologies(PROJECT, TechnologyNo(0), 10).await.unwrap()[0].no;
        let text =
            |statement: &str| ControlText { statement: statement.to_owned(), ..ControlText::default() };
        for (version, statement) in [("0.1.9", "old"), ("0.1.76", "new"), ("0.1.10", "between")] {
            let new = [NewControl { rule: "a".to_owned(), text: Some(text(statement)) }];
            assert_eq!(
                tx.put_controls(PROJECT, &new, version, technology).await.unwrap(),
                [ControlNo(100_000)]
            );
        }
        assert_eq!(tx.control(PROJECT, ControlNo(100_000)).await.unwrap().unwrap().text, text("new"));
        let links = tx.technologies_of_controls(&[ControlNo(100_000)]).await.unwrap();
        assert_eq!(links, [(ControlNo(100_000), technology)]);
    });
}

#[test]
fn a_host_is_joined_by_the_strongest_name_that_only_it_has() {
    on_both_stores(async |t: TestStore| {
        let mut tx = t.store.begin().await.unwrap();
        let mut known = Vec::new();
        for (id, name, address) in [
            ("m1", "web", "192.0.2.1"),
            ("m2", "db", "192.0.2.2"),
            ("m3", "twin", "192.0.2.3"),
            ("m4", "twin", "192.0.2.4"),
        ] {
            let facts = HostFacts {
                addresses: vec!["127.0.0.1".to_owned(), address.to_owned()],
                ..HostFacts::default()
            };
            let (set, _) = tx.put_set(&Default::default(), &[]).await.unwrap();
            let look = Look {
                project: PROJECT,
                enterprise_project: Default::default(),
                name,
                distro: None,
                databases: &[],
                observed: 5,
                content: Digest::of(id.as_bytes()),
                reader_version: 1,
            };
            let host = HostObservation { look, identity: id, facts: &facts, set };
            known.push(tx.record_host(&host).await.unwrap().asset);
        }
        let build = |parts: &[&str]| {
            let mut target = Target::default();
            for part in parts {
                match part.split_once('=') {
                    Some(("mac", mac)) => target.add_hardware(mac),
                    Some(("id", id)) => target.add_machine_id(id),
                    _ => target.add_name(part),
                }
            }
            target
        };
        for (parts, wanted) in [
            (&["id=m2", "web"][..], Some(known[1])),
            (&["WEB"], Some(known[0])),
            (&["twin", "192.0.2.4"], Some(known[3])),
            (&["twin"], None),
            (&["new.example.test", "192.0.2.9", "192.0.2.1"], None),
            (&["localhost", "127.0.0.1", "192.0.2.2"], Some(known[1])),
        ] {
            assert_eq!(tx.find_target(PROJECT, &build(parts)).await.unwrap(), wanted, "{parts:?}");
        }
        let fresh = build(&["new.example.test", "mac=02:00:00:00:00:01", "192.0.2.9"]);
        let made = tx.record_target(&seen(&fresh, 9)).await.unwrap();
        assert_eq!(made.outcome, Outcome::New);
        // The same machine under another name and address is known by its hardware.
        let renamed = build(&["other.example.test", "mac=020000000001", "192.0.2.10"]);
        let again = tx.record_target(&seen(&renamed, 9)).await.unwrap();
        assert_eq!((again.asset, again.outcome), (made.asset, Outcome::Unchanged));
        // Its old name is forgotten, and joins nobody any more.
        assert_eq!(tx.find_target(PROJECT, &build(&["192.0.2.9"])).await.unwrap(), None);
        let row = tx.asset(made.asset).await.unwrap().unwrap();
        assert_eq!((row.name.as_str(), row.identity.as_str()), ("new.example.test", "name:new.example.test"));
    });
}

#[test]
fn sums_count_controls_on_hosts_and_exceptions_as_they_stand() {
    use ControlStatus::{Error, Fail, Pass};
    on_both_stores(async |t: TestStore| {
        import(&t.store, "one", 10, &[("a", Fail, "1"), ("b", Fail, "1"), ("c", Pass, "1")]).await;
        import(&t.store, "two", 10, &[("a", Fail, "2"), ("b", Error, ""), ("c", Pass, "1")]).await;
        let mut session = t.store.read().await.unwrap();
        let all = session
            .control_results(&scope(), &ResultFilter::default(), ControlResultNo(0), 10)
            .await
            .unwrap();
        let first = all.iter().find(|result| result.posture() == Some(ControlPosture::Failed)).unwrap();
        drop(session);
        let life = |state, end| Lifecycle { state, start: 0, end };
        let exception = |life| ControlException {
            no: ControlExceptionNo(0),
            uuid: uuid::Uuid::nil(),
            project: PROJECT,
            enterprise_project: first.enterprise_project,
            target: ControlTarget {
                identity: first.identity.clone(),
                technology: first.technology,
                reopen_on_evidence_change: false,
                accepted: first.evidence,
            },
            life,
            assignee: 0,
            created_by: 0,
            created_at: 1,
            modified_by: 0,
            modified_at: 1,
        };
        let mut made: Vec<ControlException> = [
            life(ExceptionState::Approved, 100),
            life(ExceptionState::Approved, 50),
            life(ExceptionState::Pending, 50),
            life(ExceptionState::Rejected, FOREVER),
            life(ExceptionState::Ended, FOREVER),
        ]
        .map(exception)
        .into();
        let mut tx = t.store.begin().await.unwrap();
        tx.number_control_exceptions(&mut made).await.unwrap();
        tx.put_control_exceptions(&made).await.unwrap();
        tx.commit().await.unwrap();

        let mut session = t.store.read().await.unwrap();
        let policy = first.identity.policy;
        let sums = session.sums_of_controls(&scope(), policy, 60).await.unwrap();
        let shown: Vec<_> = sums.values().map(|s| (s.passed, s.failed, s.error, s.accepted)).collect();
        assert_eq!(shown, [(0, 2, 0, 1), (0, 1, 1, 0), (2, 0, 0, 0)]);
        let later = session.sums_of_controls(&scope(), policy, 100).await.unwrap();
        assert_eq!(later.values().map(|sum| sum.accepted).sum::<u64>(), 0);
        let counts = session.control_exception_counts(&scope(), 60).await.unwrap();
        let expected = [
            (Standing::Pending, 1),
            (Standing::Approved, 1),
            (Standing::Rejected, 1),
            (Standing::Expired, 1),
        ];
        assert_eq!(counts, expected.into());
        // Somebody without its enterprise project sees none of it.
        let stranger =
            Principal { enterprise_projects: Some([].into()), ..Principal::local(PROJECT) }.scope();
        assert!(session.sums_of_controls(&stranger, policy, 60).await.unwrap().is_empty());
        assert!(session.control_exception_counts(&stranger, 60).await.unwrap().is_empty());
    });
}
