//! Properties of findings exports: what is read back equals what was written, in any selection.

use std::collections::HashMap;

use parapet_export::{
    Column, Columns, CsvOptions, FindingLines, FindingsCsv, FindingsJsonl, Newline, TableCsv, unguard,
};
use parapet_model::finding::{Finding, Likeness};
use parapet_model::{Coverage, Severity};
use proptest::prelude::*;
use serde_json::Value;

use crate::estate::{Estate, MARCH, asset, package, verdict, vulnerability};

fn csv_of(estate: &Estate, columns: &Columns) -> Vec<u8> {
    let mut writer = FindingsCsv::new(Vec::new(), columns, CsvOptions::default());
    estate.each(|finding| writer.row(finding).unwrap());
    writer.finish().unwrap()
}

/// Each row by a writer of its own, which can have nothing cached.
fn csv_without_cache(estate: &Estate, columns: &Columns) -> Vec<u8> {
    let header = FindingsCsv::new(Vec::new(), columns, CsvOptions::default());
    let mut bytes = header.finish().unwrap();
    let options = CsvOptions { header: false, ..CsvOptions::default() };
    estate.each(|finding| {
        let mut writer = FindingsCsv::new(Vec::new(), columns, options);
        writer.row(finding).unwrap();
        bytes.extend(writer.finish().unwrap());
    });
    bytes
}

fn reordered(columns: &[Column]) -> Vec<Column> {
    let mut columns = columns.to_vec();
    columns.reverse();
    columns
}

#[test]
fn the_caches_change_nothing() {
    let estate = Estate::generate(6, 20);
    for columns in [Column::DEFAULT.to_vec(), Column::ALL.to_vec(), reordered(Column::ALL)] {
        let columns = Columns::of(&columns);
        assert!(csv_of(&estate, &columns) == csv_without_cache(&estate, &columns));
    }
}

/// The rows by the package, in pieces as they come.
fn in_pieces(estate: &Estate, mut lines: FindingLines, likeness: Likeness) -> Vec<u8> {
    let mut findings: Vec<Finding<'_>> = Vec::new();
    estate.each(|finding| findings.push(*finding));
    let (mut bytes, mut spare) = (Vec::new(), b"of another use".to_vec());
    let packages = findings.chunk_by(|a, b| (a.asset.no, a.package.no) == (b.asset.no, b.package.no));
    for rows in packages {
        let base =
            Finding { vulnerability: findings[0].vulnerability, verdict: findings[0].verdict, ..rows[0] };
        lines.package(&base, likeness, |visit| rows.iter().for_each(visit));
        if lines.ready() > 5000 {
            spare = lines.take(spare);
            bytes.extend_from_slice(&spare);
        }
    }
    assert_eq!(lines.rows() as usize, findings.len());
    bytes.extend(lines.take(Vec::new()));
    bytes
}

#[test]
fn pieces_are_the_same_bytes_whatever_is_known_of_the_rows() {
    let estate = Estate::generate(6, 20);
    let options = CsvOptions { header: false, ..CsvOptions::SPREADSHEET };
    let asset_first = [Column::Asset, Column::LastFound, Column::Package, Column::Title];
    for (columns, alike) in [
        (Column::DEFAULT.to_vec(), Likeness::Matches),
        (Column::ALL.to_vec(), Likeness::Matches),
        (reordered(Column::ALL), Likeness::Matches),
        (asset_first.to_vec(), Likeness::Rows),
        (reordered(&asset_first), Likeness::Rows),
        (vec![Column::Blank], Likeness::Rows),
    ] {
        let columns = Columns::of(&columns);
        let mut csv = FindingsCsv::new(Vec::new(), &columns, CsvOptions { bom: false, ..options });
        let mut json = FindingsJsonl::new(Vec::new(), &columns);
        estate.each(|finding| {
            csv.row(finding).unwrap();
            json.row(finding).unwrap();
        });
        let (csv, json) = (csv.finish().unwrap(), json.finish().unwrap());
        for likeness in [Likeness::None, alike] {
            let lines = FindingLines::csv(&columns, options, 2);
            assert!(in_pieces(&estate, lines, likeness) == csv, "{likeness:?}: {columns:?}");
            let lines = FindingLines::jsonl(&columns, 2);
            assert!(in_pieces(&estate, lines, likeness) == json, "{likeness:?}: {columns:?}");
        }
    }
}

#[test]
fn tails_beyond_the_cache_change_nothing() {
    let mut estate = Estate::generate(3, 10);
    for (no, matched) in estate.packages.iter_mut().enumerate() {
        for (vulnerability, _) in &mut matched.vulnerabilities {
            // Together several times the cache, with some too long for it altogether.
            vulnerability.title = format!("{no} ").repeat(if no % 20 == 0 { 40_000 } else { 12_000 });
        }
    }
    let columns = Columns::of(&[Column::Asset, Column::Vulnerability, Column::Title]);
    assert!(csv_of(&estate, &columns) == csv_without_cache(&estate, &columns));
}

#[test]
fn every_selection_agrees_with_the_json_lines() {
    let estate = Estate::generate(3, 10);
    let all = Columns::of(Column::ALL);
    let mut writer = FindingsJsonl::new(Vec::new(), &all);
    estate.each(|finding| writer.row(finding).unwrap());
    let lines = writer.finish().unwrap();
    let mut objects = lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());

    let bytes = csv_of(&estate, &Columns::of(&reordered(Column::ALL)));
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let headers = reader.headers().unwrap().clone();
    let mut rows = 0;
    for record in reader.records() {
        let record = record.unwrap();
        let object: HashMap<String, Value> = serde_json::from_slice(objects.next().unwrap()).unwrap();
        assert_eq!(object.len(), record.len());
        for (header, cell) in headers.iter().zip(&record) {
            assert_eq!(unguard(cell), cell_text(&object[header]), "{header}");
        }
        rows += 1;
    }
    assert!(rows > 50 && objects.next().is_none());
}

/// A JSON value as the CSV writes it.
fn cell_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(texts) => texts.iter().map(cell_text).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// Texts that are made to go wrong: formulas, quotes, separators, control characters, any script.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof!["(?s)['=+\\-@\t\r\",\n\\\\;(0-9. ]{0,8}", "(?s).{0,40}", "-?[0-9]{1,5}(\\.[0-9]{1,3})?"]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tables_come_back_cell_by_cell(
        rows in prop::collection::vec(prop::collection::vec(hostile(), 3), 0..8),
        raw in any::<bool>(),
        crlf in any::<bool>(),
    ) {
        let newline = if crlf { Newline::CrLf } else { Newline::Lf };
        let options = CsvOptions { bom: false, header: true, raw, newline };
        let mut table = TableCsv::new(Vec::new(), &["a", "b", "c"], options);
        for row in &rows {
            table.row(row).unwrap();
        }
        let bytes = table.finish().unwrap();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let read: Vec<Vec<String>> = reader
            .records()
            .map(|record| {
                let cells = record.unwrap();
                cells.iter().map(|cell| if raw { cell } else { unguard(cell) }.to_owned()).collect()
            })
            .collect();
        prop_assert_eq!(read, rows);
    }

    #[test]
    fn single_columns_keep_their_empty_rows(cells in prop::collection::vec("[a,]{0,2}", 0..8)) {
        let mut table = TableCsv::new(Vec::new(), &["only"], CsvOptions::default());
        for cell in &cells {
            table.row([cell]).unwrap();
        }
        let bytes = table.finish().unwrap();
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let read: Vec<String> = reader.records().map(|record| record.unwrap()[0].to_owned()).collect();
        prop_assert_eq!(read, cells);
    }

    #[test]
    fn hostile_texts_of_a_finding_come_back(name in hostile(), version in hostile(), title in hostile()) {
        let image = asset(1, &name);
        let package = package(1, &name, &version);
        let (vulnerability, verdict) = (vulnerability(1, "CVE-2026-1", &title), verdict(Severity::Low, &version));
        let finding = Finding {
            asset: &image,
            references: &image.references,
            enterprise_project: &title,
            asset_coverage: Coverage::Assessed,
            package: &package,
            vulnerability: &vulnerability,
            verdict: &verdict,
            not_run_here: false,
            first_found: MARCH,
            reopened_at: MARCH,
            last_found: MARCH,
            exception: None,
        };
        use Column::{Asset, EnterpriseProject, FixedVersion, Package, Title, Version};
        let columns = Columns::of(&[Asset, EnterpriseProject, FixedVersion, Package, Title, Version]);
        let expected = [&name, &title, &version, &name, &title, &version];

        let mut writer = FindingsCsv::new(Vec::new(), &columns, CsvOptions::default());
        writer.row(&finding).unwrap();
        let bytes = writer.finish().unwrap();
        let record = csv::Reader::from_reader(bytes.as_slice()).into_records().next().unwrap().unwrap();
        prop_assert!(record.iter().map(unguard).eq(expected));

        let mut writer = FindingsJsonl::new(Vec::new(), &columns);
        writer.row(&finding).unwrap();
        let bytes = writer.finish().unwrap();
        let object: Value = serde_json::from_slice(&bytes).unwrap();
        for (heading, expected) in columns.headings().iter().zip(expected) {
            prop_assert_eq!(object[heading.column.as_str()].as_str().unwrap_or_default(), expected);
        }
    }
}
