//! Rows in the shape of a wire family: see [`RowShape`].
//!
//! Columns are cut into runs of one level, and a run is written anew only when what it depends on is
//! another: what depends on the asset with each asset, and what depends on the vulnerability and its
//! packages is taken from a bounded cache.

use std::io::{self, Write};

use parapet_export::{CsvOptions, TableCsv, Tails};
use parapet_model::AssetNo;
use parapet_model::facts::PackageRow;
use parapet_model::filter::Level;

use super::order::address;
use super::request::ColumnChoice;
use super::rows::VulnerabilityRow;
use super::{CellWriter, RowShape};

/// Writes rows in a shape.
pub(super) struct ShapedRows<'c, W> {
    table: TableCsv<W>,
    runs: Vec<Run<'c>>,
    /// The asset of the row before.
    last: Option<AssetNo>,
    kept: Tails,
    /// An entry of `kept`: see [`Entry`].
    entry: Vec<u8>,
    text: String,
}

/// Neighbouring columns of one level.
struct Run<'c> {
    level: Level,
    /// Index of the first column.
    first: usize,
    columns: Vec<CellWriter<'c>>,
    /// As it was written last; not used for what is kept elsewhere.
    written: Vec<u8>,
}

impl Run<'_> {
    fn write<W: Write>(
        &self,
        table: &TableCsv<W>,
        row: &VulnerabilityRow<'_>,
        text: &mut String,
        out: &mut Vec<u8>,
    ) {
        for (index, write) in (self.first..).zip(&self.columns) {
            text.clear();
            write(row, text);
            table.encode(index, text, out);
        }
    }
}

impl<'c, W: Write> ShapedRows<'c, W> {
    pub(super) fn new(
        writer: W,
        shape: &'c dyn RowShape,
        columns: &'c [ColumnChoice],
        options: CsvOptions,
    ) -> Self {
        let labels: Vec<&str> = columns.iter().map(|choice| choice.label.as_str()).collect();
        let mut runs: Vec<Run<'c>> = Vec::new();
        for (index, choice) in columns.iter().enumerate() {
            let column = shape.column(&choice.column);
            match runs.last_mut() {
                Some(run) if run.level == column.level => run.columns.push(column.write),
                _ => runs.push(Run {
                    level: column.level,
                    first: index,
                    columns: vec![column.write],
                    written: Vec::new(),
                }),
            }
        }
        let table = TableCsv::new(writer, &labels, options);
        Self { table, runs, last: None, kept: Tails::default(), entry: Vec::new(), text: String::new() }
    }

    pub(super) fn row(&mut self, row: &VulnerabilityRow<'_>) -> io::Result<()> {
        let Self { table, runs, last, kept, entry, text } = self;
        let asset = row.asset.map(|asset| asset.no);
        let same_asset = asset.is_some() && asset == *last;
        *last = asset;
        let is_kept = |run: &Run<'_>| run.level == Level::Match;
        for run in runs.iter_mut() {
            if !is_kept(run) && !(same_asset && run.level == Level::Asset) {
                let mut written = std::mem::take(&mut run.written);
                written.clear();
                run.write(table, row, text, &mut written);
                run.written = written;
            }
        }
        if !runs.iter().any(is_kept) {
            return table.joined_row(runs.iter().map(|run| run.written.as_slice()));
        }
        // A row of several assets comes once, so there is nothing to find and no use in keeping it.
        let key = row.packages.first().filter(|_| asset.is_some()).map(|first| Entry::key(row, first));
        let found = key.and_then(|key| kept.get(key));
        let mut parts = match found.and_then(|found| Entry::read(found, row)) {
            Some(found) => found,
            None => {
                entry.clear();
                Entry::begin(row, entry);
                for run in runs.iter().filter(|run| is_kept(run)) {
                    let at = entry.len();
                    entry.extend_from_slice(&[0; Entry::NUMBER]);
                    run.write(table, row, text, entry);
                    Entry::note_length(entry, at);
                }
                if let Some(key) = key {
                    kept.keep(key, entry);
                }
                Entry::read(entry, row).unwrap_or_default()
            }
        };
        let parts = runs.iter().map(|run| if is_kept(run) { parts.next() } else { run.written.as_slice() });
        table.joined_row(parts)
    }

    /// Passes on what is left and gives the writer below back.
    pub(super) fn finish(self) -> io::Result<W> {
        self.table.finish()
    }
}

/// What is kept for a vulnerability and the first of its packages: where the vulnerability and all packages of
/// the row lie in the snapshot, which tells them apart without a look at them, and each run behind its
/// length. When anything else lies elsewhere, the entry says something else and is of no use.
#[derive(Default)]
struct Entry<'e> {
    rest: &'e [u8],
}

impl<'e> Entry<'e> {
    /// Bytes of a number.
    const NUMBER: usize = size_of::<u64>();

    /// Addresses are a good way apart, so that few keys of different pairs are equal; none is trusted.
    fn key(row: &VulnerabilityRow<'_>, first: &PackageRow) -> u64 {
        (address(row.vulnerability) as u64).rotate_left(32) ^ address(first) as u64
    }

    fn begin(row: &VulnerabilityRow<'_>, out: &mut Vec<u8>) {
        for number in Self::of(row) {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// What an entry of the row begins with.
    fn of(row: &VulnerabilityRow<'_>) -> impl Iterator<Item = u64> {
        let packages = row.packages.iter().map(|package| address(*package) as u64);
        [row.packages.len() as u64, address(row.vulnerability) as u64].into_iter().chain(packages)
    }

    /// Writes the length of what begins behind `at` to that place.
    fn note_length(out: &mut [u8], at: usize) {
        let length = (out.len() - at - Self::NUMBER) as u64;
        if let Some(place) = out.get_mut(at..at + Self::NUMBER) {
            place.copy_from_slice(&length.to_le_bytes());
        }
    }

    /// The runs, if they are those of the row.
    fn read(bytes: &'e [u8], row: &VulnerabilityRow<'_>) -> Option<Self> {
        let mut entry = Self { rest: bytes };
        Self::of(row).all(|number| entry.number() == Some(number)).then_some(entry)
    }

    fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u64::from_le_bytes(*number))
    }

    /// The next run.
    fn next(&mut self) -> &'e [u8] {
        let length = self.number().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        let (run, rest) = self.rest.split_at_checked(length).unwrap_or_default();
        self.rest = rest;
        run
    }
}
