//! Files that all processors make hold what one writer makes of the same findings, whatever part is asked for.

use std::cell::Cell;
use std::env;
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use parapet_export::{Columns, CsvOptions, FindingsCsv, FindingsJsonl, FindingsXlsx};
use parapet_model::Filter;
use parapet_model::finding::Finding;
use parapet_service::exports::{ColumnChoice, ExportRequest, Format, write};
use parapet_service::feeds;
use parapet_service::generate::{Shape, Wishes};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::world::World;

/// Compares each Parquet file of a folder with the JSON lines beside it.
const COMPARE: &str = r#"
import glob, json, sys
import duckdb
files = glob.glob(sys.argv[1] + "/*.parquet")
assert files
for file in files:
    lines = [json.loads(line) for line in open(file + ".jsonl", encoding="utf-8")]
    rows = duckdb.sql(f"SELECT asset, package, vulnerability, severity FROM read_parquet('{file}')").fetchall()
    assert rows == [tuple(line.values()) for line in lines], file
"#;

#[tokio::test]
async fn files_made_in_pieces_are_those_of_one_writer() {
    let world = World::new().await;
    for n in 0..90 {
        let (id, cve, fixed) = (format!("DEBIAN-CVE-2026-{n}"), format!("CVE-2026-{n}"), format!("{n}.1"));
        world.advise(&id, &cve, &format!("lib{}", n % 30), (n % 3 > 0).then_some(&*fixed));
    }
    world.import(&feeds::ImportOptions::default()).await;
    let wishes = Wishes {
        images: 150,
        containers: 120,
        hosts: 9,
        packages_per_image: 40,
        seed: 7,
        shape: Shape::Layered,
        history: None,
    };
    world.app.generate(&world.who, &wishes, &|_| ()).await.unwrap();
    world.app.live().catch_up().await.unwrap();
    let view = world.app.findings().view(None, None).await.unwrap();
    let scope = world.who.scope();
    let folder = tempfile::tempdir().unwrap();
    let named = [None, Some("asset,package,vulnerability,severity"), Some("title,asset,risk,first_found")];
    let filters =
        ["", "severity >= high", "kind = container and fixable", "package ~ \"a\" and not excepted"];
    let case = (
        prop::sample::select(filters.to_vec()),
        prop::sample::select(named.to_vec()),
        prop_oneof![Just(0), 0..400_u64, 0..3_000_u64],
        prop_oneof![Just(None), (0..3_u64).prop_map(Some), (0..3_000_u64).prop_map(Some)],
    );
    let (cases, rows_in_all) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    runner
        .run(&case, |(filter, columns, offset, limit)| {
            let filter = Filter::parse(filter).unwrap();
            let all = Columns::default();
            let columns = columns.map_or(all, |list| Columns::parse(list).unwrap());
            let choice = |label: String| ColumnChoice { column: label.clone(), label };
            let request = ExportRequest {
                columns: columns.labels().into_iter().map(choice).collect(),
                offset,
                limit,
                ..ExportRequest::findings(filter.clone())
            };
            let query = view.query(&scope, &filter);
            let mut csv = FindingsCsv::new(Vec::new(), &columns, CsvOptions::default());
            let mut jsonl = FindingsJsonl::new(Vec::new(), &columns);
            let mut xlsx = FindingsXlsx::new(Vec::new(), &columns, view.now).unwrap();
            let (mut at, mut rows) = (0, 0);
            let _ = view.snapshot.findings(&query, |finding: &Finding<'_>| {
                if at >= offset && limit.is_none_or(|limit| rows < limit) {
                    csv.row(finding).unwrap();
                    jsonl.row(finding).unwrap();
                    xlsx.row(finding).unwrap();
                    rows += 1;
                }
                at += 1;
                ControlFlow::Continue(())
            });
            let (csv, jsonl, xlsx) = (csv.finish().unwrap(), jsonl.finish().unwrap(), xlsx.finish().unwrap());
            for format in Format::ALL {
                let request = ExportRequest { format, ..request.clone() };
                let done = AtomicU64::new(0);
                let (bytes, written) =
                    write(&view, &scope, &request, None, Vec::new(), &done, &|| false).unwrap();
                prop_assert_eq!((written.rows, done.load(Ordering::Relaxed)), (rows, rows));
                match format {
                    Format::Csv => prop_assert!(bytes == csv, "{}", String::from_utf8_lossy(&bytes)),
                    Format::Jsonl => prop_assert!(bytes == jsonl),
                    Format::Xlsx => prop_assert!(bytes == xlsx),
                    // Groups may be cut anywhere: another program reads them.
                    Format::Parquet if columns.headings().len() == 4 && columns.labels()[0] == "asset" => {
                        let name = format!("{}.parquet", cases.get());
                        std::fs::write(folder.path().join(&name), &bytes).unwrap();
                        std::fs::write(folder.path().join(name + ".jsonl"), &jsonl).unwrap();
                    }
                    Format::Parquet => {}
                }
            }
            cases.set(cases.get() + 1);
            rows_in_all.set(rows_in_all.get() + rows);
            Ok(())
        })
        .unwrap();
    assert!(rows_in_all.get() > 10_000, "{} rows in {} cases", rows_in_all.get(), cases.get());
    match env::var("PARAPET_PYTHON") {
        Ok(python) => {
            let read = Command::new(python).args(["-c", COMPARE]).arg(folder.path()).output().unwrap();
            assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        }
        Err(_) => {
            assert!(env::var_os("PARAPET_REQUIRE_PEERS").is_none(), "PARAPET_PYTHON must be set here");
            eprintln!("left out: Parquet in another program, set PARAPET_PYTHON");
        }
    }
}
