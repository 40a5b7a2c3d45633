//! Random estates: small, so that everything collides with everything, and nasty: tags that move,
//! containers of images of another project, sets shown twice, deltas that contradict sets,
//! redirects in circles, rows about packages and vulnerabilities that are not known.

use parapet_model::asset::{HostFacts, Reference};
use parapet_model::coverage::EcosystemCoverage;
use parapet_model::exception::{Asked, Exception, ExceptionState, Target, TargetKind};
use parapet_model::facts::{
    AssetRow, Change, EnterpriseProjectRow, LinkRow, MatchRow, PackageRow, PresenceRow, ReferenceRow, SetRow,
};
use parapet_model::filter::{Field, Op, Value};
use parapet_model::inventory::{DatabaseRead, ReadOutcome};
use parapet_model::verdict::AdvisoryClass;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{
    AdvisoryNo, AssetKind, AssetNo, Coverage, EnterpriseProjectNo, ExceptionNo, FOREVER, Filter, Interval,
    MatchState, Millis, PackageKey, PackageNo, ProjectNo, ScanState, SetNo, Severity, VulnerabilityNo,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use uuid::Uuid;

const PACKAGES: u32 = 9;
const VULNERABILITIES: u32 = 7;
const SETS: u32 = 6;
/// Two of them lie in a second block.
const ASSETS: [u32; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 65_540, 65_541];

fn interval() -> impl Strategy<Value = Interval> {
    prop_oneof![
        3 => (0..8_i64).prop_map(Interval::since),
        1 => (0..8_i64, 0..5_i64).prop_map(|(from, length)| Interval { from, to: from + length }),
    ]
}

fn package(no: impl Strategy<Value = u32>) -> impl Strategy<Value = PackageRow> {
    let name = select(vec!["openssl", "OpenSSL", "curl", "linux-image-6.1-a", "linux-image-6.1-b"]);
    let ecosystem = select(vec!["Debian:12", "npm", "PyPI"]);
    let coverage = select(vec![Coverage::Assessed, Coverage::Assessed, Coverage::VersionUnparsed]);
    (no, name, ecosystem, coverage).prop_map(|(no, name, ecosystem, coverage)| PackageRow {
        no: PackageNo(no),
        key: PackageKey::new(ecosystem, name, &no.to_string()),
        coverage,
        kernel: name.starts_with("linux"),
    })
}

fn set(no: impl Strategy<Value = u32>) -> impl Strategy<Value = SetRow> {
    let members = subsequence((0..PACKAGES + 1).collect::<Vec<_>>(), 1..8);
    (no, members).prop_map(|(no, members)| SetRow {
        no: SetNo(no),
        members: members.into_iter().map(PackageNo).collect(),
    })
}

fn vulnerability(no: impl Strategy<Value = u32>) -> impl Strategy<Value = Vulnerability> {
    let aliases = subsequence(vec!["GHSA-1", "GHSA-2", "GHSA-3"], 0..3);
    let numbers = (no, of(0..VULNERABILITIES + 1));
    (numbers, aliases, severity(), any::<bool>(), select(vec![-1.0, 0.2, 0.9])).prop_map(
        |((no, canonical), aliases, severity, kev, epss)| Vulnerability {
            no: VulnerabilityNo(no),
            id: format!("CVE-{no}"),
            canonical: VulnerabilityNo(canonical.filter(|_| no % 2 == 0).unwrap_or(no)),
            aliases: aliases.into_iter().map(str::to_owned).collect(),
            severity,
            kev_added: i64::from(kev),
            epss,
            ..Vulnerability::default()
        },
    )
}

fn severity() -> impl Strategy<Value = Severity> {
    select(Severity::WORST_FIRST.to_vec())
}

fn state() -> impl Strategy<Value = MatchState> {
    select(MatchState::ALL.to_vec())
}

fn match_rows(no: impl Strategy<Value = u32>) -> impl Strategy<Value = (PackageNo, Vec<MatchRow>)> {
    let row = (0..VULNERABILITIES + 1, 0..5_u32, 0..3_u8, state(), severity(), interval(), 0..3_u8);
    (no, vec(row, 0..6)).prop_map(|(package, rows)| {
        let package = PackageNo(package);
        let row = |(vulnerability, advisory, precedence, state, vendor_severity, held, class)| MatchRow {
            package,
            vulnerability: VulnerabilityNo(vulnerability),
            advisory: AdvisoryNo(advisory),
            precedence,
            state,
            class: AdvisoryClass::from_number(class).unwrap_or_default(),
            vendor_severity,
            fixed_version: format!("{advisory}.{class}"),
            held,
            closed: None,
        };
        let mut rows: Vec<MatchRow> = rows.into_iter().map(row).collect();
        // One advisory speaks once at a time of one (package, vulnerability).
        rows.sort_by_key(|row| (row.vulnerability, row.advisory, row.held.to));
        rows.dedup_by_key(|row| (row.vulnerability, row.advisory));
        (package, rows)
    })
}

fn asset(no: impl Strategy<Value = u32>) -> impl Strategy<Value = AssetRow> {
    let project = select(vec![1, 1, 1, 2_u32]);
    let identity = (no, project, 0..3_u32, 0..3_u8, of(select(ASSETS.to_vec())));
    let life = (prop_oneof![4 => (0..3_i64).prop_map(Interval::since), 1 => interval()], any::<bool>());
    let link = (0..SETS, interval()).prop_map(|(set, held)| LinkRow {
        set: SetNo(set),
        layer: format!("sha256:{set}"),
        held,
    });
    let delta = (0..PACKAGES, 0..SETS, interval()).prop_map(|(package, set, held)| PresenceRow {
        package: PackageNo(package),
        set: SetNo(set),
        held,
    });
    let reference = (select(vec!["1.0", "latest"]), interval()).prop_map(|(tag, held)| ReferenceRow {
        reference: Reference {
            registry: "r.test".into(),
            repository: "team/web".into(),
            tag: tag.to_owned(),
        },
        held,
    });
    let outcome = select(vec![
        ReadOutcome::Read,
        ReadOutcome::Read,
        ReadOutcome::Unreadable("torn".into()),
        ReadOutcome::NotRead("java".into()),
    ]);
    let database = outcome.prop_map(|outcome| DatabaseRead {
        kind: "dpkg".into(),
        path: "status".into(),
        packages: 1,
        outcome,
    });
    let shown = (vec(link, 0..4), vec(delta, 0..3), vec(reference, 0..2), vec(database, 0..2));
    let read = (0..3_u8, select(vec!["", "6.1-a", "9.9"]), 0..4_i64);
    (identity, life, shown, read).prop_map(
        |((no, project, enterprise, kind, image), (held, pinned), shown, (scan, kernel, observed))| {
            let kind = AssetKind::from_number(kind).unwrap_or(AssetKind::Host);
            let (links, deltas, references, databases) = shown;
            AssetRow {
                no: AssetNo(no),
                uuid: Uuid::from_u128(u128::from(no)),
                project: ProjectNo(project),
                enterprise_project: EnterpriseProjectNo(enterprise),
                kind,
                identity: format!("{no}"),
                name: format!("{kind:?}-{}", no % 3),
                image: image.map(AssetNo),
                distro: String::new(),
                ecosystem: String::new(),
                scan: ScanState::from_number(scan).unwrap_or_default(),
                scan_error: String::new(),
                first_seen: held.from,
                observed,
                scanned: observed,
                reader_version: 1,
                held,
                pinned,
                image_facts: Default::default(),
                host_facts: HostFacts { kernel: kernel.to_owned(), ..HostFacts::default() }.into(),
                container_facts: Default::default(),
                databases,
                references,
                links,
                deltas,
            }
        },
    )
}

/// Any exception; its filter asks nothing about exceptions.
pub(crate) fn exception() -> impl Strategy<Value = Exception> {
    let numbers = subsequence(ASSETS.to_vec(), 0..5);
    let ids = select(vec!["CVE-0", "cve-1", "CVE-2", "GHSA-1", "ghsa-2", "CVE-none"]);
    let few = subsequence(ASSETS.to_vec(), 0..2);
    let target = (
        any::<bool>(),
        of(filter(leaf())),
        numbers,
        few,
        prop_oneof![Just(Vec::new()).boxed(), vec(ids, 1..3).boxed()],
    );
    let end = prop_oneof![(0..14_i64).boxed(), Just(FOREVER).boxed()];
    let states = select(vec![
        ExceptionState::Approved,
        ExceptionState::Approved,
        ExceptionState::Pending,
        ExceptionState::Ended,
    ]);
    (0..5_u32, select(vec![1, 1, 1, 2_u32]), target, 0..8_i64, end, states).prop_map(
        |(no, project, (dynamic, filter, included, excluded, ids), start, end, state)| Exception {
            no: ExceptionNo(no),
            uuid: Uuid::from_u128(0xE000 + u128::from(no)),
            project: ProjectNo(project),
            enterprise_project: EnterpriseProjectNo(0),
            title: String::new(),
            reason: "risk_accepted".into(),
            comment: String::new(),
            target: Target {
                kind: if dynamic { TargetKind::Dynamic } else { TargetKind::Static },
                filter,
                included: included.into_iter().map(AssetNo).collect(),
                excluded: excluded.into_iter().map(AssetNo).collect(),
                vulnerabilities: ids.into_iter().map(str::to_owned).collect(),
            },
            start,
            end,
            state,
            requested_by: "tess".into(),
            requested_at: 0,
            decisions: Vec::new(),
            asked: Asked::default(),
        },
    )
}

/// The whole life of an estate: everything there is, then some changes of some of it; with each,
/// whether blocks are merged after it.
pub(crate) fn life() -> impl Strategy<Value = Vec<(Change, bool)>> {
    let later = vec((change(), any::<bool>()), 0..4);
    (founding(), any::<bool>(), later).prop_map(|(first, merge, later)| {
        let mut life = vec![(first, merge)];
        life.extend(later);
        life
    })
}

/// A life of many small writes of which none is about everything, so that what is kept only ever grows.
pub(crate) fn long_life() -> impl Strategy<Value = Vec<(Change, bool)>> {
    let write = change().prop_map(|change| Change { enterprise_projects: None, coverage: None, ..change });
    let later = vec((write, proptest::bool::weighted(0.2)), 6..16);
    (founding(), later).prop_map(|(first, later)| {
        let mut life = vec![(first, true)];
        life.extend(later);
        life
    })
}

fn founding() -> impl Strategy<Value = Change> {
    let packages: Vec<_> = (0..PACKAGES).map(|no| package(Just(no))).collect();
    let sets: Vec<_> = (0..SETS).map(|no| set(Just(no))).collect();
    let assets: Vec<_> = ASSETS.iter().map(|no| asset(Just(*no))).collect();
    let matches: Vec<_> = (0..PACKAGES).map(|no| match_rows(Just(no))).collect();
    let vulnerabilities: Vec<_> = (0..VULNERABILITIES - 1).map(|no| vulnerability(Just(no))).collect();
    assemble((packages, sets, assets, matches), vulnerabilities, vec(exception(), 0..5))
}

/// One step. Each subject occurs once at most, as the log promises.
fn change() -> impl Strategy<Value = Change> {
    let packages = vec(package(0..PACKAGES), 0..3);
    let sets = vec(set(0..SETS), 0..3);
    let assets = vec(asset(select(ASSETS.to_vec())), 0..4);
    let matches = vec(match_rows(0..PACKAGES), 0..4);
    let vulnerabilities = vec(vulnerability(0..VULNERABILITIES), 0..3);
    assemble((packages, sets, assets, matches), vulnerabilities, vec(exception(), 0..3))
}

fn assemble<F, V, E>(facts: F, vulnerabilities: V, exceptions: E) -> impl Strategy<Value = Change>
where
    F: Strategy<Value = (Vec<PackageRow>, Vec<SetRow>, Vec<AssetRow>, Vec<(PackageNo, Vec<MatchRow>)>)>,
    V: Strategy<Value = Vec<Vulnerability>>,
    E: Strategy<Value = Vec<Exception>>,
{
    let coverage = of(subsequence(vec!["Debian:12", "npm"], 0..3));
    (facts, vulnerabilities, exceptions, coverage).prop_map(
        |((packages, sets, assets, matches), vulnerabilities, exceptions, coverage)| Change {
            seq: 1,
            recorded: 0,
            packages: once(packages, |row| row.no.0),
            sets: once(sets, |row| row.no.0),
            assets: once(assets, |row| row.no.0),
            matches: once(matches, |(no, _)| no.0),
            vulnerabilities: once(vulnerabilities, |row| row.no.0),
            exceptions: once(exceptions, |row| row.no.0),
            enterprise_projects: coverage.as_ref().map(|_| enterprise_projects()),
            coverage: coverage.map(|list| list.into_iter().map(ecosystem).collect()),
        },
    )
}

fn once<T>(rows: Vec<T>, key: impl Fn(&T) -> u32) -> Vec<T> {
    let mut seen = std::collections::BTreeSet::new();
    rows.into_iter().filter(|row| seen.insert(key(row))).collect()
}

fn ecosystem(name: &str) -> EcosystemCoverage {
    EcosystemCoverage { ecosystem: name.into(), coverage: Coverage::FixesOnly, feeds: vec![], records: 1 }
}

fn enterprise_projects() -> Vec<EnterpriseProjectRow> {
    let row = |no| EnterpriseProjectRow {
        no: EnterpriseProjectNo(no),
        id: no.to_string(),
        name: format!("ep{no}"),
    };
    (0..2).map(row).collect()
}

fn leaf() -> impl Strategy<Value = Filter> + Clone {
    let text = |field, op, texts: &[&'static str]| {
        select(texts.to_vec()).prop_map(move |text| Filter::test(field, op, text)).boxed()
    };
    let number = |field, op| (0..9_i64).prop_map(move |n| Filter::test(field, op, n)).boxed();
    let yes = |field| any::<bool>().prop_map(move |yes| Filter::test(field, Op::Eq, yes)).boxed();
    let asset_id = select(ASSETS.to_vec())
        .prop_map(|no| Filter::test(Field::AssetId, Op::Eq, Uuid::from_u128(u128::from(no)).to_string()));
    let severe = severity().prop_map(|s| Filter::test(Field::Severity, Op::Ge, s));
    let unknown = Just(Filter::test(Field::Severity, Op::Eq, Severity::Unknown));
    let packages = subsequence(vec!["curl", "openSSL"], 0..3);
    let leaves = vec![
        Just(Filter::All).boxed(),
        Just(Filter::Nothing).boxed(),
        text(Field::Kind, Op::Eq, &["image", "container", "host"]),
        text(Field::Asset, Op::Contains, &["image-1", "-2"]),
        text(Field::Tag, Op::Eq, &["1.0", "latest"]),
        text(Field::EnterpriseProject, Op::Eq, &["ep0", "ep1"]),
        text(Field::Coverage, Op::Eq, &["no-feed", "not-scanned", "fixes-only", "unreadable"]),
        text(Field::Scan, Op::Eq, &["scanned", "failed"]),
        text(Field::Package, Op::Eq, &["OPENSSL", "curl"]),
        packages.prop_map(|names| Filter::any_of(Field::Package, names.into_iter().map(Value::from))).boxed(),
        text(Field::Package, Op::Prefix, &["linux", "c"]),
        text(Field::Ecosystem, Op::Eq, &["npm", "Debian:12"]),
        text(Field::Vulnerability, Op::Eq, &["CVE-0", "cve-3", "GHSA-1", "ghsa-2", "CVE-none"]),
        text(Field::State, Op::Eq, &["affected", "fix_available"]),
        text(Field::Class, Op::Eq, &["vulnerability", "malware"]),
        number(Field::FirstFound, Op::Le),
        number(Field::ReopenedAt, Op::Gt),
        yes(Field::Kev),
        yes(Field::Fixable),
        yes(Field::NotRunHere),
        Just(Filter::test(Field::Epss, Op::Gt, 0.5)).boxed(),
        asset_id.boxed(),
        severe.boxed(),
        unknown.boxed(),
    ];
    proptest::strategy::Union::new(leaves)
}

fn filter(leaf: impl Strategy<Value = Filter> + Clone + 'static) -> impl Strategy<Value = Filter> {
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Filter::And),
            vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

/// What is asked: filter, project, enterprise project, now, and whether kernels that do not run are
/// wanted.
pub(crate) type Question = (Filter, ProjectNo, Option<EnterpriseProjectNo>, Millis, bool);

/// Any question; half of them ask for everything.
pub(crate) fn question() -> impl Strategy<Value = Question> {
    let exception = (0..5_u128)
        .prop_map(|no| Filter::test(Field::Exception, Op::Eq, Uuid::from_u128(0xE000 + no).to_string()));
    let excepted = Just(Filter::test(Field::Excepted, Op::Eq, true));
    let leaf = prop_oneof![8 => leaf(), 1 => exception, 1 => excepted];
    let filter = prop_oneof![Just(Filter::All).boxed(), filter(leaf).boxed()];
    (
        filter,
        select(vec![1, 1, 1, 2_u32]),
        proptest::option::weighted(0.2, 0..3_u32),
        0..14_i64,
        any::<bool>(),
    )
        .prop_map(|(filter, project, ep, now, kernels)| {
            (filter, ProjectNo(project), ep.map(EnterpriseProjectNo), now, kernels)
        })
}
