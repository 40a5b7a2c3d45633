//! Documents of our own, small, with what is hard in real ones.

use std::io::Write as _;

use parapet_model::compliance::Criticality;
use parapet_model::time::parse_instant;
use proptest::prelude::*;

use super::*;

const TEMPLATE: &str = include_str!("../../fixtures/host.arf.xml");

/// The template filled in; `changes` first.
fn report(changes: &[(&str, &str)]) -> String {
    let usual = [
        ("VERSION", "0"),
        ("HOST", "web-1.example.test"),
        ("MAC", "01"),
        ("ADDRESS", "192.0.2.15"),
        ("TIME", "2026-11-22T10:34:41+00:00"),
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

fn parse(text: &str) -> Result<ResultsDocument> {
    read(text.as_bytes(), MAX_UNPACKED)
}

fn one(text: &str) -> Evaluation {
    let mut document = parse(text).unwrap();
    assert_eq!(document.evaluations.len(), 1);
    document.evaluations.remove(0)
}

fn rule<'a>(evaluation: &'a Evaluation, id: &str) -> &'a RuleResult {
    evaluation.results.iter().find(|result| result.rule == id).unwrap()
}

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn a_report_says_who_when_and_what() {
    let evaluation = one(&report(&[]));
    assert_eq!(evaluation.benchmark, "house_benchmark");
    assert_eq!((evaluation.title.as_str(), evaluation.version.as_str()), ("House rules (basic)", "1.0"));
    assert_eq!(evaluation.platform, "cpe:/o:debian:debian_linux:12");
    assert_eq!(evaluation.platform_name, "Debian GNU/Linux 12.x");
    assert_eq!(Some(evaluation.observed), parse_instant("2026-11-22T10:34:41Z"));
    let target = &evaluation.target;
    assert_eq!(target.full_names, ["web-1.example.test"]);
    assert_eq!(
        (&target.addresses[..], &target.hardware[..]),
        (&["192.0.2.15".to_owned()][..], &["020000000001".to_owned()][..])
    );
    let statuses: Vec<(&str, &str)> =
        evaluation.results.iter().map(|r| (r.rule.as_str(), r.status.as_str())).collect();
    assert_eq!(
        statuses,
        [
            ("rule_container", "notapplicable"),
            ("rule_package", "fail"),
            ("rule_shadow", "fail"),
            ("rule_umask", "fail")
        ]
    );
    let text = evaluation.texts.get("rule_umask").unwrap();
    assert_eq!(text.statement, "Default umask");
    assert_eq!(text.rationale, "Files stay private.");
    assert_eq!((text.category.as_str(), text.sub_category.as_str()), ("Accounts", "Accounts"));
    assert_eq!(text.criticality, Criticality::Medium);
    let references: Vec<&str> = text.references.iter().map(|r| r.section.as_str()).collect();
    assert_eq!(references, ["R1 & R2", "CCE-1-1"]);
    assert!(!evaluation.texts.has("rule_unselected"));
}

#[test]
fn what_was_found_follows_results_and_definitions() {
    let evaluation = one(&report(&[]));
    let evidence = rule(&evaluation, "rule_umask").evidence.as_ref().unwrap();
    assert_eq!(evidence.lines(), ["18"]);
    let test = &evidence.tests[0];
    assert_eq!((test.test.as_str(), test.title.as_str()), ("tst:umask", "umask is strict"));
    assert_eq!(test.expected[0].operation, "bitwise and");
    assert_eq!(test.expected[0].values, ["63"], "the value of the variable");
    assert_eq!(evidence.tests.len(), 1, "what was not evaluated is no evidence");
    let nothing = rule(&evaluation, "rule_package").evidence.as_ref().unwrap();
    assert!(nothing.is_empty());
    assert_eq!(nothing.tests[0].existence, "at_least_one_exists");
    assert_eq!(rule(&evaluation, "rule_container").evidence, None);
}

#[test]
fn item_numbers_times_and_hashes_are_no_change_but_values_are() {
    let (one_run, other) = (one(&report(&[])), one(&report(&[("ID", "977")])));
    assert_eq!(one_run.content(), other.content());
    let drifted = one(&report(&[("ID", "977"), ("UMASK", "22")]));
    let found = |evaluation: &Evaluation, id: &str| rule(evaluation, id).evidence.as_ref().unwrap().found;
    assert_ne!(found(&one_run, "rule_umask"), found(&drifted, "rule_umask"));
    assert_eq!(found(&one_run, "rule_shadow"), found(&drifted, "rule_shadow"));
    assert_ne!(one_run.content(), drifted.content());
}

#[test]
fn a_planted_hash_does_not_come_in() {
    let text = report(&[]);
    assert!(text.contains("PlantedHash"));
    let document = parse(&text).unwrap();
    assert!(!format!("{document:?}").contains("PlantedHash"));
    let evidence = rule(&document.evaluations[0], "rule_shadow").evidence.clone().unwrap();
    let item = &evidence.tests.iter().find(|test| test.test == "tst:hash").unwrap().items[0];
    assert_eq!((item.field("username"), item.field("password")), (Some("root"), Some("(removed)")));
}

#[test]
fn packed_and_plain_are_the_same() {
    let text = report(&[]);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    let packed = packer.finish().unwrap();
    assert_eq!(read(packed.as_slice(), MAX_UNPACKED).unwrap(), parse(&text).unwrap());
    let cut = read(&packed[..packed.len() / 2], MAX_UNPACKED).unwrap_err();
    assert!(matches!(cut, ArfError::Truncated(_) | ArfError::Io(_)), "{cut}");
}

#[test]
fn plain_results_have_statuses_and_texts_but_no_values() {
    let text = report(&[]);
    let benchmark = &text[text.find("<x:Benchmark").unwrap()..text.find("</x:Benchmark>").unwrap()];
    let result = &text[text.find("<TestResult").unwrap()
        ..text.find("</arf:content>\n    </arf:report>\n  </arf:reports>").unwrap()];
    let evaluation = one(&format!("{benchmark}{result}</x:Benchmark>"));
    assert_eq!(evaluation.title, "House rules (basic)");
    assert_eq!(rule(&evaluation, "rule_umask").status.as_str(), "fail");
    assert!(evaluation.results.iter().all(|result| result.evidence.is_none()));
    assert!(evaluation.content() < one(&text).content(), "of one run, the file that says more counts");
    let alone = one(result.trim());
    assert!(alone.texts.is_empty());
    assert_eq!(alone.title, "");
}

#[test]
fn a_repeated_rule_keeps_the_worst_and_is_said() {
    let again = r#"<rule-result idref="rule_umask"><result>pass</result></rule-result><score "#;
    let document = parse(&report(&[]).replacen("<score ", again, 1)).unwrap();
    assert_eq!(rule(&document.evaluations[0], "rule_umask").status.as_str(), "fail");
    assert!(document.warnings[0].contains("rule_umask has 2 results"), "{:?}", document.warnings);
}

#[test]
fn instances_and_several_checks_are_results_of_their_own() {
    let more = r##"<rule-result idref="rule_db"><result>fail</result><instance>db:1</instance></rule-result>
        <rule-result idref="rule_db"><result>pass</result><instance>db:2</instance></rule-result>
        <rule-result idref="rule_many"><result>pass</result><check multi-check="true"><check-content-ref name="def:a" href="#x"/></check></rule-result>
        <rule-result idref="rule_many"><result>fail</result><check multi-check="true"><check-content-ref name="def:b" href="#x"/></check></rule-result>
        <score "##;
    let document = parse(&report(&[]).replacen("<score ", more, 1)).unwrap();
    let of = |id: &str| -> Vec<(String, &str)> {
        let results = document.evaluations[0].results.iter().filter(|result| result.rule == id);
        results.map(|r| (r.instance.clone(), r.status.as_str())).collect()
    };
    assert_eq!(of("rule_db"), [("db:1".to_owned(), "fail"), ("db:2".to_owned(), "pass")]);
    assert_eq!(of("rule_many"), [("def:a".to_owned(), "pass"), ("def:b".to_owned(), "fail")]);
    assert_eq!(of("rule_umask"), [("os".to_owned(), "fail")]);
    assert!(document.warnings.is_empty());
}

#[test]
fn what_a_script_printed_is_evidence() {
    let more = r#"<rule-result idref="rule_script"><result>fail</result><message>took long</message>
        <check system="http://open-scap.org/page/SCE"><check-import import-name="stdout">port 23 open</check-import>
        <check-content-ref href="a.sh"/></check></rule-result><score "#;
    let evaluation = one(&report(&[]).replacen("<score ", more, 1));
    let evidence = rule(&evaluation, "rule_script").evidence.clone().unwrap();
    assert_eq!(evidence.lines(), ["port 23 open"]);
    assert_eq!(evidence.messages, ["took long"]);
}

#[test]
fn document_types_and_entities_are_refused() {
    let head = "<?xml version=\"1.0\"?>";
    let bomb = format!(
        "{head}<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]><TestResult>&b;</TestResult>"
    );
    assert!(error(&bomb).contains("DOCTYPE"), "{}", error(&bomb));
    let external = format!("{head}<!DOCTYPE a SYSTEM \"http://127.0.0.1:9/x.dtd\"><TestResult/>");
    assert!(error(&external).contains("DOCTYPE"));
    let undefined = report(&[]).replacen("<target>", "<target>&xxe;", 1);
    assert!(error(&undefined).contains("&xxe; is refused"), "{}", error(&undefined));
    let attribute = report(&[]).replacen("idref=\"rule_umask\" severity", "idref=\"&xxe;\" severity", 1);
    assert!(error(&attribute).contains("&xxe; is refused"), "{}", error(&attribute));
}

#[test]
fn a_document_that_cannot_be_believed_is_an_error_that_says_why() {
    let report = report(&[]);
    for (text, words) in [
        ("<html/>".to_owned(), "outermost element is <html>"),
        (String::new(), "outermost element"),
        ("no markup at all".to_owned(), "outermost element"),
        ("\u{feff}<html></html>".to_owned(), "<html>"),
        (report.replace("TestResult", "Other"), "holds no results"),
        (report.replace(" id=\"house_benchmark\"/>", "/>"), "name no benchmark"),
        (
            report
                .replace("end-time=\"2026-11-22T10:34:41+00:00\"", "")
                .replace("start-time=\"2026-11-22T00:00:00Z\"", ""),
            "when the host was looked at",
        ),
        (
            report.replacen("<result>fail<", "<result>broken<", 1),
            "\"broken\" is no XCCDF result (rule rule_umask)",
        ),
        (report.replacen("</definitions>", "</wrong>", 1), "not well-formed"),
        (report.replacen("<target>", "<target>a\0b", 1), "a NUL"),
        (report.replacen("<target>", "<target>&#0;", 1), "&#0; is refused"),
        (report.replacen("idref=\"rule_umask\" severity", "idref=\"a&#0;\" severity", 1), "not well-formed"),
        (format!("{report}<more/>"), "follows the outermost"),
        (report.replacen("UTF-8", "ISO-8859-1", 1), "only UTF-8"),
        (format!("{}{}", "<a>".repeat(300), "</a>".repeat(300)).replacen("<a>", "<Benchmark>", 1), "deep"),
        (format!("<TestResult a=\"{}\"/>", "x".repeat(9 << 20)), "longer than"),
    ] {
        let said = error(&text);
        assert!(said.contains(words), "{words:?} in {said:?}");
    }
    let wide: Vec<u8> = "<TestResult/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(matches!(read(wide.as_slice(), MAX_UNPACKED), Err(ArfError::Encoding(_))));
    assert!(matches!(read(report.as_bytes(), 1_000), Err(ArfError::TooLarge(1_000))));
    assert!(matches!(read(b"<TestResult>\xff</TestResult>".as_slice(), 1_000), Err(ArfError::Encoding(_))));
}

#[test]
fn a_host_without_names_is_told_apart_by_none() {
    let text = report(&[("HOST", "localhost"), ("ADDRESS", "::1")])
        .replace("02:00:00:00:00:01", "00:00:00:00:00:00");
    assert!(one(&text).target.is_nameless());
}

#[test]
fn a_document_cut_anywhere_is_truncated() {
    let text = report(&[]);
    let end = text.trim_end().len();
    for at in (1..end).step_by(97) {
        if text.is_char_boundary(at) {
            let cut = parse(&text[..at]).unwrap_err();
            assert!(matches!(cut, ArfError::Truncated(_) | ArfError::Root(_)), "{at}: {cut}");
        }
    }
}

/// A document with many items that no test looked at, made while it is read.
struct Filled {
    head: String,
    tail: String,
    items: u64,
}

struct Items {
    left: u64,
    item: Vec<u8>,
    at: usize,
}

impl Read for Items {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.item.len() {
            if self.left == 0 {
                return Ok(0);
            }
            (self.left, self.at) = (self.left - 1, 0);
            let path = "x".repeat(4_000);
            let number = 1_000_000 + self.left;
            self.item = format!("<file_item id=\"{number}\"><path>{path}</path></file_item>").into_bytes();
        }
        let count = out.len().min(self.item.len() - self.at);
        out[..count].copy_from_slice(&self.item[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl Source for Filled {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let items = Items { left: self.items, item: Vec::new(), at: 0 };
        Ok(Box::new(self.head.as_bytes().chain(items).chain(self.tail.as_bytes())))
    }
}

#[test]
fn what_no_test_looked_at_changes_nothing_however_much_it_is() {
    let text = report(&[]);
    let at = text.find("</system_data>").unwrap();
    let (head, tail) = (text[..at].to_owned(), text[at..].to_owned());
    let filled = Filled { head, tail, items: 8_000 };
    assert_eq!(read(&filled, MAX_UNPACKED).unwrap(), parse(&text).unwrap());
    assert!(matches!(read(&filled, 30_000_000), Err(ArfError::TooLarge(30_000_000))));
}

#[test]
fn many_items_are_kept_in_part_and_compared_whole() {
    let item = |n: usize, value: &str| {
        format!("<s:file_item xmlns:s=\"s\" id=\"9{n}\"><s:path>{value}</s:path></s:file_item>")
    };
    let with = |last: &str| {
        let looked: String = (0..5_000).map(|n| format!("<tested_item item_id=\"9{n}\"/>")).collect();
        let items: String = (0..5_000)
            .map(|n| item(n, &if n == 4_999 { last.to_owned() } else { format!("/srv/{n:05}") }))
            .collect();
        let text = report(&[]).replacen("<tested_item item_id=\"1002\"/>", &looked, 1);
        one(&text.replacen("<system_data>", &format!("<system_data>{items}"), 1))
    };
    let (a, b) = (with("/z"), with("/zz"));
    let evidence = |e: &Evaluation| rule(e, "rule_shadow").evidence.clone().unwrap();
    let test = evidence(&a).tests.into_iter().find(|test| test.test == "tst:mode").unwrap();
    assert_eq!((test.items.len(), test.more), (Evidence::MAX_ITEMS, 4_900));
    assert_ne!(evidence(&a).found, evidence(&b).found);
}

proptest! {
    /// Whatever comes, the answer is a document or an error.
    #[test]
    fn nothing_panics(cuts in proptest::collection::vec((any::<proptest::sample::Index>(), "[<>/&;=\"a-z ]{0,6}"), 1..6)) {
        let mut text = report(&[]);
        for (at, new) in cuts {
            let mut at = at.index(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            text.insert_str(at, &new);
        }
        let _ = parse(&text);
    }
}

/// The real samples, where they are: statuses and the drift that their description names.
#[test]
fn real_results_are_read() {
    let Some(folder) =
        std::env::var_os("PARAPET_DATA").map(|dir| std::path::PathBuf::from(dir).join("openscap"))
    else {
        return;
    };
    let load = |name: &str| {
        let path = folder.join(format!("{name}-anssi_bp28_enhanced.arf.xml.gz"));
        path.exists().then(|| read(path.as_path(), MAX_UNPACKED).unwrap().evaluations.remove(0))
    };
    let (Some(run1), Some(run2)) = (load("debian12-rootfs-run1"), load("debian12-rootfs-run2-drifted"))
    else {
        return;
    };
    let count = |e: &Evaluation, word: &str| e.results.iter().filter(|r| r.status.as_str() == word).count();
    assert_eq!((count(&run1, "pass"), count(&run1, "fail"), count(&run1, "notapplicable")), (62, 39, 214));
    assert_eq!((count(&run2, "pass"), count(&run2, "fail"), count(&run2, "notchecked")), (63, 38, 1));
    assert_eq!(run1.platform_name, "Debian GNU/Linux 12.x");
    let changed: BTreeSet<&str> = run1
        .results
        .iter()
        .zip(&run2.results)
        .filter(|(a, b)| a.status.as_str() == "fail" && b.status == a.status)
        .filter(|(a, b)| a.evidence.as_ref().unwrap().found != b.evidence.as_ref().unwrap().found)
        .map(|(a, _)| a.rule.trim_start_matches("xccdf_org.ssgproject.content_rule_"))
        .collect();
    for rule in [
        "accounts_umask_etc_login_defs",
        "accounts_password_set_max_life_root",
        "sudo_add_umask",
        "accounts_password_pam_minlen",
        "sudoers_no_root_target",
    ] {
        assert!(changed.contains(rule), "{rule} in {changed:?}");
    }
    let umask = |e: &Evaluation| {
        let result =
            e.results.iter().find(|r| r.rule.ends_with("rule_accounts_umask_etc_login_defs")).unwrap();
        result.evidence.as_ref().unwrap().lines()
    };
    assert!(umask(&run1).contains(&"18".to_owned()) && umask(&run2).contains(&"22".to_owned()));
}
