//! Rows per second of each sink, on one core, over a made-up estate of two million findings.
//!
//! `cargo run --release -p parapet-export --example bench_csv [ASSETS [PACKAGES_PER_ASSET [WORD]]]`
//!
//! Prints medians of five runs, by the clock and by the time its threads were on cores (which other
//! work on the machine does not lengthen much), and the peak memory before and after all runs. A
//! word behind the numbers chooses the runs whose title contains it.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::io::{self, Write};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use parapet_export::{
    ArtifactWriter, Column, Columns, CsvOptions, FindingsCsv, FindingsJsonl, FindingsParquet, FindingsXlsx,
    TableCsv, ZipMember,
};

#[path = "../tests/it/estate.rs"]
mod estate;

use estate::{Estate, MARCH};

/// Counts the bytes that a file would take.
#[derive(Default)]
struct Counting(u64);

impl Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1).take(2).map(|text| text.parse().map_err(io::Error::other));
    let assets = arguments.next().transpose()?.unwrap_or(2_000);
    let per_asset = arguments.next().transpose()?.unwrap_or(250);
    let estate = Estate::generate(assets, per_asset as usize);
    println!("peak memory with the estate loaded: {}", peak_memory());

    let all: Vec<Column> = Column::DEFAULT.iter().rev().copied().collect();
    let (columns, reversed) = (Columns::default(), Columns::of(&all));
    let options = CsvOptions::default();

    measure("walking the estate", || {
        let mut rows = 0;
        estate.each(|finding| rows += u64::from(std::hint::black_box(finding).asset.no.0 < u32::MAX));
        Ok((rows, 0))
    })?;
    measure("yardstick: csv crate, ready-made cells", || yardstick(&estate, &columns))?;
    measure("csv, ten columns", || csv(&estate, &ten(), Counting::default()))?;
    measure("csv, default columns", || csv(&estate, &columns, Counting::default()))?;
    measure("csv, columns reversed (no cache)", || csv(&estate, &reversed, Counting::default()))?;
    measure("csv in zip", || {
        let mut writer = FindingsCsv::new(member()?, &columns, options);
        let mut failed = Ok(());
        estate.each(|finding| keep(&mut failed, writer.row(finding)));
        failed?;
        Ok((writer.rows(), writer.finish()?.finish()?.0))
    })?;
    let text = text(&estate, &columns)?;
    let rows = text.iter().filter(|&&byte| byte == b'\n').count() as u64;
    measure("the text of it in zip", || {
        let mut member = member()?;
        member.write_all(&text)?;
        Ok((rows, member.finish()?.0))
    })?;
    for level in 1..=2 {
        measure(&format!("yardstick: zlib-rs, level {level}, and checksum"), || {
            let mut crc = crc32fast::Hasher::new();
            crc.update(&text);
            std::hint::black_box(crc.finalize());
            let mut deflate = DeflateEncoder::new(Counting::default(), Compression::new(level));
            deflate.write_all(&text)?;
            Ok((rows, deflate.finish()?.0))
        })?;
    }
    drop(text);
    measure("table in zip", || {
        let mut writer = TableCsv::new(member()?, &["a", "b", "c", "d", "e", "f"], options);
        let mut failed = Ok(());
        estate.each(|finding| {
            let (package, vulnerability) = (&finding.package.key, finding.vulnerability);
            keep(
                &mut failed,
                writer.row([
                    &finding.asset.name,
                    &package.name,
                    &package.version,
                    &vulnerability.id,
                    &vulnerability.title,
                    &finding.verdict.fixed_version,
                ]),
            );
        });
        failed?;
        Ok((writer.rows(), writer.finish()?.finish()?.0))
    })?;
    measure("json lines", || {
        let mut writer = FindingsJsonl::new(Counting::default(), &columns);
        let mut failed = Ok(());
        estate.each(|finding| keep(&mut failed, writer.row(finding)));
        failed?;
        Ok((writer.rows(), writer.finish()?.0))
    })?;
    measure("workbook", || {
        let mut writer = FindingsXlsx::new(Counting::default(), &columns, MARCH)?;
        let mut failed = Ok(());
        estate.each(|finding| keep(&mut failed, writer.row(finding)));
        failed?;
        Ok((writer.rows(), writer.finish()?.0))
    })?;
    measure("parquet", || {
        let mut writer = FindingsParquet::new(Counting::default(), &columns)?;
        let mut failed = Ok(());
        estate.each(|finding| keep(&mut failed, writer.row(finding)));
        failed?;
        Ok((writer.rows(), writer.finish()?.0))
    })?;
    let directory = tempfile::tempdir()?;
    measure("csv into an artifact (hashed, synced)", || {
        let mut writer =
            FindingsCsv::new(ArtifactWriter::create(directory.path(), "bench")?, &columns, options);
        let mut failed = Ok(());
        estate.each(|finding| keep(&mut failed, writer.row(finding)));
        failed?;
        Ok((writer.rows(), writer.finish()?.finish("bench.csv")?.size))
    })?;
    measure("csv in zip into an artifact", || {
        let artifact = ArtifactWriter::create(directory.path(), "bench")?;
        let member = ZipMember::new(artifact, "bench.csv", MARCH)?;
        let mut writer = FindingsCsv::new(member, &columns, options);
        let mut failed = Ok(());
        estate.each(|finding| keep(&mut failed, writer.row(finding)));
        failed?;
        Ok((writer.rows(), writer.finish()?.finish()?.finish("bench.zip")?.size))
    })?;
    measure("table of 10 texts", || {
        let labels = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        let mut writer = TableCsv::new(Counting::default(), &labels, options);
        let mut failed = Ok(());
        estate.each(|finding| {
            let (package, vulnerability) = (&finding.package.key, finding.vulnerability);
            keep(
                &mut failed,
                writer.row([
                    &finding.asset.name,
                    &finding.asset.distro,
                    &package.ecosystem,
                    &package.name,
                    &package.version,
                    &package.arch,
                    &vulnerability.id,
                    &vulnerability.title,
                    &vulnerability.cvss_vector,
                    &finding.verdict.fixed_version,
                ]),
            );
        });
        failed?;
        Ok((writer.rows(), writer.finish()?.0))
    })?;
    println!("peak memory after all runs: {}", peak_memory());
    Ok(())
}

/// A selection of about 200 bytes a row.
fn ten() -> Columns {
    use Column::{
        Asset, Coverage, Cvss, FirstFound, FixedVersion, Package, Severity, Title, Version, Vulnerability,
    };
    Columns::of(&[
        Asset,
        Coverage,
        FirstFound,
        Vulnerability,
        Severity,
        Cvss,
        Package,
        Version,
        FixedVersion,
        Title,
    ])
}

/// What a general CSV writer does per row when it gets cells that are texts already: to judge the
/// other numbers on a machine that has other work too.
fn yardstick(estate: &Estate, columns: &Columns) -> io::Result<(u64, u64)> {
    let mut first = None;
    estate.each(|finding| {
        first.get_or_insert_with(|| {
            let mut writer = FindingsCsv::new(Vec::new(), columns, CsvOptions::default());
            writer.row(finding).and_then(|()| writer.finish())
        });
    });
    let text = first.transpose()?.unwrap_or_default();
    let record = csv::Reader::from_reader(text.as_slice()).into_byte_records().next();
    let record = record.transpose().map_err(io::Error::other)?.unwrap_or_default();
    let mut writer = csv::Writer::from_writer(Counting::default());
    for _ in 0..2_000_000 {
        writer.write_byte_record(&record).map_err(io::Error::other)?;
    }
    let counting = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    Ok((2_000_000, counting.0))
}

/// The file of an eighth of the estate.
fn text(estate: &Estate, columns: &Columns) -> io::Result<Vec<u8>> {
    let mut writer = FindingsCsv::new(Vec::new(), columns, CsvOptions::default());
    let (mut failed, mut left) = (Ok(()), 250_000_u32);
    estate.each(|finding| {
        left = left.saturating_sub(1);
        if left > 0 {
            keep(&mut failed, writer.row(finding));
        }
    });
    failed?;
    writer.finish()
}

fn csv(estate: &Estate, columns: &Columns, below: Counting) -> io::Result<(u64, u64)> {
    let mut writer = FindingsCsv::new(below, columns, CsvOptions::default());
    let mut failed = Ok(());
    estate.each(|finding| keep(&mut failed, writer.row(finding)));
    failed?;
    Ok((writer.rows(), writer.finish()?.0))
}

fn member() -> io::Result<ZipMember<Counting>> {
    ZipMember::new(Counting::default(), "bench.csv", MARCH)
}

fn keep(first: &mut io::Result<()>, next: io::Result<()>) {
    if first.is_ok() {
        *first = next;
    }
}

/// Runs `write`, which returns rows and bytes, five times and prints the medians.
fn measure(what: &str, write: impl Fn() -> io::Result<(u64, u64)>) -> io::Result<()> {
    if std::env::args().nth(3).is_some_and(|word| !what.contains(&word)) {
        return Ok(());
    }
    let (mut wall, mut on_core) = (Vec::new(), Vec::new());
    let (mut rows, mut bytes) = (0, 0);
    for _ in 0..5 {
        let (begin, core) = (Instant::now(), time_on_core());
        (rows, bytes) = write()?;
        wall.push(begin.elapsed());
        on_core.push(time_on_core().saturating_sub(core));
    }
    let (wall, on_core) = (median(wall), median(on_core));
    println!(
        "{what:38} {:6.2} M rows/s of core time ({on_core:.3} s), {:6.2} M rows/s by the clock ({wall:.3} s); \
         {rows} rows of {:.0} bytes",
        rows as f64 / on_core / 1e6,
        rows as f64 / wall / 1e6,
        bytes as f64 / rows as f64,
    );
    Ok(())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}

/// How long the program was on cores, where the system tells.
fn time_on_core() -> Duration {
    // User and system time of all threads, in hundredths of a second, behind the name in brackets.
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    Duration::from_millis(fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10)
}

/// The most memory the process ever held, where the system tells.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("not known here".to_owned(), |size| size.trim().to_owned())
}
