//! Parquet files open in DuckDB and hold what the JSON lines hold, typed.

use std::fs;

use parapet_export::{Column, Columns, FindingsJsonl, FindingsParquet, ParquetRows};
use tempfile::TempDir;

use crate::estate::Estate;
use crate::zip::opens_in_python;

/// Compares every cell with the JSON lines beside the file, and the types with what they are.
const COMPARE: &str = r#"
import datetime, json, sys
import duckdb
lines = [json.loads(line) for line in open(sys.argv[1] + ".jsonl", encoding="utf-8")]
session = duckdb.connect()
session.execute("SET TimeZone = 'UTC'")
relation = session.sql(f"SELECT * FROM read_parquet('{sys.argv[1]}')")
types = dict(zip(relation.columns, map(str, relation.types)))
if lines:
    assert relation.columns == list(lines[0]), relation.columns
for column, kind in {"aliases": "VARCHAR[]", "first_found": "TIMESTAMP WITH TIME ZONE", "kev_added": "DATE",
                     "kev": "BOOLEAN", "cvss": "DOUBLE", "qid": "BIGINT", "asset": "VARCHAR"}.items():
    assert types.get(column, kind) == kind, types
def plain(cell):
    if isinstance(cell, datetime.datetime):
        return cell.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return cell.isoformat() if isinstance(cell, datetime.date) else cell
rows = relation.fetchall()
assert len(rows) == len(lines), (len(rows), len(lines))
for row, line in zip(rows, lines):
    for column, cell, value in zip(relation.columns, row, line.values(), strict=True):
        assert plain(cell) == value, (column, cell, value)
"#;

fn compare(estate: &Estate, columns: &Columns) -> u64 {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("findings.parquet");
    let mut lines = FindingsJsonl::new(Vec::new(), columns);
    estate.each(|finding| lines.row(finding).unwrap());
    fs::write(folder.path().join("findings.parquet.jsonl"), lines.finish().unwrap()).unwrap();
    let mut file = FindingsParquet::new(fs::File::create(&path).unwrap(), columns).unwrap();
    estate.each(|finding| file.row(finding).unwrap());
    let rows = file.rows();
    file.finish().unwrap();
    opens_in_python("Parquet in DuckDB", COMPARE, &path);

    // The same of groups that were gathered apart, one of them by itself.
    let mut file = FindingsParquet::new(fs::File::create(&path).unwrap(), columns).unwrap();
    let mut gathered = ParquetRows::new(columns, 3);
    estate.each(|finding| match file.rows() {
        5 => file.row(finding).unwrap(),
        _ => {
            gathered.row(finding);
            if gathered.is_full() || gathered.rows() == 5 || gathered.rows().is_multiple_of(101) {
                file.group(&gathered.take().unwrap()).unwrap();
            }
        }
    });
    file.group(&gathered.take().unwrap()).unwrap();
    assert_eq!(file.rows(), rows);
    file.finish().unwrap();
    opens_in_python("Parquet in DuckDB", COMPARE, &path);
    rows
}

#[test]
fn every_column_comes_back_typed() {
    assert!(compare(&Estate::generate(3, 10), &Columns::of(Column::ALL)) > 50);
}

#[test]
fn several_groups_of_rows_are_one_table() {
    let columns = Columns::parse("vulnerability,asset,tag,first_found,exception,fixable").unwrap();
    assert!(compare(&Estate::generate(200, 100), &columns) > 1 << 16);
}

#[test]
fn no_finding_is_a_table_too() {
    assert_eq!(compare(&Estate::default(), &Columns::of(Column::ALL)), 0);
}
