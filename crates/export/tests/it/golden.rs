//! Whole small files, compared byte by byte with those in `fixtures`.

use parapet_export::{Column, Columns, CsvOptions, FindingsCsv, FindingsJsonl, Heading};
use parapet_model::finding::Finding;
use parapet_model::{AssetKind, Coverage, Severity};

use crate::estate::{MARCH, asset, exception, package, verdict, vulnerability};

/// Three findings that between them use every column and every odd value.
fn each_sample(mut visit: impl FnMut(&Finding<'_>)) {
    let image = asset(1, "registry.example/team/api:1.4");
    let mut host = asset(2, "db, primary");
    host.kind = AssetKind::Host;
    host.identity = "0f6a".to_owned();
    host.distro = String::new();
    host.references.clear();
    host.observed = 0;
    host.host_facts = Default::default();

    let openssl = package(1, "libssl3", "3.0.11-1~deb12u2");
    let mut angular = package(2, "@angular/core", "17.0.0");
    angular.key.ecosystem = "npm".to_owned();
    angular.key.arch = String::new();

    let mut known = vulnerability(7, "CVE-2026-1234", "He said \"overflow\", and\nmeant it");
    known.aliases = vec!["GHSA-aaaa-bbbb-cccc".to_owned(), "DSA-1-1".to_owned()];
    known.kev_added = MARCH - 86_400_000;
    let mut unknown = vulnerability(8, "GHSA-dddd-eeee-ffff", "=HYPERLINK(\"http://example\")");
    unknown.cvss_score = -1.0;
    unknown.cvss_vector = String::new();
    unknown.epss = -1.0;

    let (fixable, postponed) =
        (verdict(Severity::Critical, "3.0.14-1~deb12u1"), verdict(Severity::Unknown, ""));
    let (ending, endless) = (exception(0), exception(1));

    let first = Finding {
        asset: &image,
        references: &image.references,
        enterprise_project: "payments",
        asset_coverage: Coverage::Assessed,
        package: &openssl,
        vulnerability: &known,
        verdict: &fixable,
        not_run_here: false,
        first_found: MARCH,
        reopened_at: MARCH + 1_500,
        last_found: image.observed,
        exception: Some(&ending),
    };
    visit(&first);
    visit(&Finding {
        package: &angular,
        vulnerability: &unknown,
        verdict: &postponed,
        exception: Some(&endless),
        ..first
    });
    visit(&Finding {
        asset: &host,
        references: &host.references,
        enterprise_project: "",
        asset_coverage: Coverage::NoFeed,
        not_run_here: true,
        last_found: 0,
        exception: None,
        ..first
    });
}

fn csv(columns: &Columns, options: CsvOptions) -> String {
    let mut writer = FindingsCsv::new(Vec::new(), columns, options);
    each_sample(|finding| writer.row(finding).unwrap());
    assert_eq!(writer.rows(), 3);
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

fn jsonl(columns: &Columns) -> String {
    let mut writer = FindingsJsonl::new(Vec::new(), columns);
    each_sample(|finding| writer.row(finding).unwrap());
    assert_eq!(writer.rows(), 3);
    String::from_utf8(writer.finish().unwrap()).unwrap()
}

#[test]
fn the_default_csv() {
    assert_eq!(csv(&Columns::default(), CsvOptions::default()), include_str!("fixtures/default.csv"));
}

#[test]
fn all_columns_as_csv() {
    let all = Columns::of(Column::ALL);
    assert_eq!(csv(&all, CsvOptions::default()), include_str!("fixtures/all.csv"));
}

#[test]
fn all_columns_as_json_lines() {
    assert_eq!(jsonl(&Columns::of(Column::ALL)), include_str!("fixtures/all.jsonl"));
}

#[test]
fn titles_and_order_of_the_caller_with_an_unknown_column() {
    let heading = |column, label: &str| Heading { column, label: label.to_owned() };
    let columns = Columns::labelled(vec![
        heading(Column::Title, "漏洞"),
        heading(Column::Blank, "repair_cmd"),
        heading(Column::Asset, "=Server"),
        heading(Column::Title, "again"),
    ]);
    let expected = "\u{feff}漏洞,repair_cmd,'=Server,again\r\n\
        \"He said \"\"overflow\"\", and\nmeant it\",,registry.example/team/api:1.4,\"He said \"\"overflow\"\", and\nmeant it\"\r\n\
        \"'=HYPERLINK(\"\"http://example\"\")\",,registry.example/team/api:1.4,\"'=HYPERLINK(\"\"http://example\"\")\"\r\n\
        \"He said \"\"overflow\"\", and\nmeant it\",,\"db, primary\",\"He said \"\"overflow\"\", and\nmeant it\"\r\n";
    assert_eq!(csv(&columns, CsvOptions::SPREADSHEET), expected);
    let first = jsonl(&columns).lines().next().map(str::to_owned);
    let expected =
        r#"{"title":"He said \"overflow\", and\nmeant it","asset":"registry.example/team/api:1.4"}"#;
    assert_eq!(first.as_deref(), Some(expected));
}

#[test]
fn raw_csv_has_no_guard_and_no_header_on_request() {
    let options = CsvOptions { raw: true, header: false, ..CsvOptions::default() };
    let text = csv(&Columns::of(&[Column::Package, Column::Title]), options);
    assert!(text.starts_with("libssl3,"));
    assert!(text.contains("@angular/core,\"=HYPERLINK(\"\"http://example\"\")\"\n"));
}

#[test]
fn references_are_shown_as_of_the_instant_asked_for() {
    let columns = Columns::of(&[Column::Tag, Column::References]);
    let options = CsvOptions { header: false, ..CsvOptions::default() };
    let now = csv(&columns, options);
    assert!(now.starts_with("1.4 latest,registry.example/team/api:1.4 registry.example/team/api:latest\n"));
    let then = csv(&columns.as_of(MARCH), options);
    assert!(then.starts_with("old,registry.example/team/api:old\n"));
}

#[test]
fn empty_selections_and_estates_are_whole_files() {
    let header = FindingsCsv::new(Vec::new(), &Columns::of(&[Column::Asset]), CsvOptions::default());
    assert_eq!(header.finish().unwrap(), b"asset\n");
    assert_eq!(jsonl(&Columns::of(&[])), "{}\n{}\n{}\n");
    assert_eq!(FindingsJsonl::new(Vec::new(), &Columns::default()).finish().unwrap(), b"");
}
