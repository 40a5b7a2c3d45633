//! Workbooks open in another program's reader and hold what the JSON lines hold, typed.

use std::fs;

use parapet_export::{Column, Columns, FindingLines, FindingsJsonl, FindingsXlsx};
use parapet_model::finding::Likeness;
use tempfile::TempDir;

use crate::estate::{Estate, MARCH};
use crate::zip::opens_in_python;

/// Compares every cell of every sheet with the JSON lines beside the workbook.
const COMPARE: &str = r#"
import datetime, json, sys
import openpyxl
book = openpyxl.load_workbook(sys.argv[1], read_only=True)
lines = [json.loads(line) for line in open(sys.argv[1] + ".jsonl", encoding="utf-8")]
columns = list(lines[0])
assert book.sheetnames == ["Findings", "Findings 2", "Findings 3"], book.sheetnames
def plain(cell):
    if isinstance(cell, datetime.datetime):
        at = cell.replace(tzinfo=datetime.timezone.utc)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return cell
seen = 0
for sheet in book.worksheets:
    rows = sheet.iter_rows(values_only=True)
    assert list(next(rows)) == columns
    for row in rows:
        for column, cell, value in zip(columns, row, lines[seen].values(), strict=True):
            if isinstance(value, list):
                value = " ".join(value) or None
            found = plain(cell)
            if column == "kev_added" and value is not None:
                found = found[:10]
            # Milliseconds in days of a double are a millisecond off at times.
            assert found == value or (value or "").endswith("Z") and found[:22] == value[:22], (column, cell, value)
            assert type(found) is type(value) or isinstance(value, (int, float)), (column, cell, value)
        seen += 1
assert seen == len(lines), (seen, len(lines))
"#;

#[test]
fn a_workbook_holds_typed_cells_and_splits_its_sheets() {
    let estate = Estate::generate(3, 10);
    let columns = Columns::of(Column::ALL);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("findings.xlsx");

    let mut lines = FindingsJsonl::new(Vec::new(), &columns);
    estate.each(|finding| lines.row(finding).unwrap());
    let rows = lines.rows();
    fs::write(folder.path().join("findings.xlsx.jsonl"), lines.finish().unwrap()).unwrap();

    // The third sheet takes what is left.
    let file = fs::File::create(&path).unwrap();
    let mut book = FindingsXlsx::new(file, &columns, MARCH).unwrap().sheet_rows(rows / 3 + 2);
    estate.each(|finding| book.row(finding).unwrap());
    assert!(rows > 50 && book.rows() == rows);
    book.finish().unwrap();
    opens_in_python("workbooks in openpyxl", COMPARE, &path);
}

#[test]
fn rows_made_elsewhere_fill_the_same_sheets() {
    let estate = Estate::generate(3, 10);
    let columns = Columns::of(Column::ALL);
    for (sheet_rows, rows_of_piece) in [(u64::MAX, 7), (2, 1), (2, 50), (20, 19), (20, 20), (33, 100)] {
        let mut plain = FindingsXlsx::new(Vec::new(), &columns, MARCH).unwrap().sheet_rows(sheet_rows);
        let mut book = FindingsXlsx::new(Vec::new(), &columns, MARCH).unwrap().sheet_rows(sheet_rows);
        let mut lines = FindingLines::xlsx(&columns, 2);
        let mut put = 0;
        estate.each(|finding| {
            plain.row(finding).unwrap();
            lines.package(finding, Likeness::None, |visit| visit(finding));
            if lines.rows() - put == rows_of_piece {
                book.ready_rows(&lines.take(Vec::new()), rows_of_piece).unwrap();
                put = lines.rows();
            }
        });
        book.ready_rows(&lines.take(Vec::new()), lines.rows() - put).unwrap();
        assert_eq!((book.rows(), plain.rows()), (lines.rows(), lines.rows()));
        assert!(book.finish().unwrap() == plain.finish().unwrap(), "{sheet_rows}, {rows_of_piece}");
    }
}

#[test]
fn a_workbook_without_findings_opens_too() {
    let book = FindingsXlsx::new(Vec::new(), &Columns::default(), MARCH).unwrap();
    let bytes = book.finish().unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let names: Vec<String> =
        (0..archive.len()).map(|at| archive.by_index(at).unwrap().name().to_owned()).collect();
    assert_eq!(
        names,
        [
            "xl/worksheets/sheet1.xml",
            "xl/styles.xml",
            "xl/workbook.xml",
            "xl/_rels/workbook.xml.rels",
            "_rels/.rels",
            "[Content_Types].xml"
        ]
    );
}
