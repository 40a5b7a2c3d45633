//! The first rows of a finished report, read back from its file.

use std::io::{self, Read};

use flate2::read::DeflateDecoder;
use parapet_export::unguard;
use parapet_model::Principal;
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

use super::{ReportStatus, Reports};
use crate::error::{Error, Result};

/// Bytes of a file that are looked at, packed and unpacked.
const MOST_BYTES: u64 = 8 << 20;
/// Fixed part of the header that stands before the member of a ZIP.
const ZIP_HEADER: usize = 30;

/// A row: column and cell.
pub type ReportRowCells = Vec<(String, String)>;

impl Reports<'_> {
    /// At most `limit` rows from the beginning of a report's file; `None` when there is none.
    pub async fn rows(&self, who: &Principal, id: Uuid, limit: usize) -> Result<Option<Vec<ReportRowCells>>> {
        let view = self.get(who, id).await?;
        if view.status != ReportStatus::Completed {
            return Ok(None);
        }
        let artifact = self.file(who, id).await?;
        let length = artifact.size.min(MOST_BYTES);
        let mut bytes = Vec::new();
        let mut body = self.0.exports().open(&artifact, 0, length).await?;
        body.read_to_end(&mut bytes).await.map_err(Error::internal)?;
        let zip = view.settings.zip;
        tokio::task::spawn_blocking(move || read(&bytes, zip, length < artifact.size, limit))
            .await?
            .map(Some)
            .map_err(Error::internal)
    }
}

/// Reads rows of a file, or of its beginning when it was `cut`.
fn read(bytes: &[u8], zip: bool, cut: bool, limit: usize) -> io::Result<Vec<ReportRowCells>> {
    let (text, cut) = if zip { unpack(bytes, cut)? } else { (bytes.to_vec(), cut) };
    let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_slice());
    let columns: Vec<String> = csv.headers()?.iter().map(|name| unguard(name).to_owned()).collect();
    let mut out = Vec::new();
    let mut records = csv.records().peekable();
    while let Some(record) = records.next() {
        // The last record of what was cut is half a record.
        if out.len() == limit || cut && records.peek().is_none() {
            break;
        }
        let record = record?;
        let cells = columns.iter().cloned().zip(record.iter().map(|cell| unguard(cell).to_owned()));
        out.push(cells.collect());
    }
    Ok(out)
}

/// The beginning of the one member of our own ZIP files, and whether it was cut.
fn unpack(bytes: &[u8], cut: bool) -> io::Result<(Vec<u8>, bool)> {
    let short = || io::Error::new(io::ErrorKind::UnexpectedEof, "the ZIP ends in its header");
    let length = |at: usize| {
        let pair = bytes.get(at..at + 2)?;
        Some(usize::from(u16::from_le_bytes(pair.try_into().ok()?)))
    };
    let (name, extra) = length(26).zip(length(28)).ok_or_else(short)?;
    let packed = bytes.get(ZIP_HEADER + name + extra..).ok_or_else(short)?;
    let mut text = Vec::new();
    let read = DeflateDecoder::new(packed).take(MOST_BYTES).read_to_end(&mut text);
    match read {
        Err(error) if !cut => Err(error),
        _ => {
            let more = text.len() as u64 == MOST_BYTES;
            Ok((text, cut || more))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use parapet_export::{CsvOptions, TableCsv, ZipMember};

    use super::*;

    const ROWS: [[&str; 2]; 3] = [["=1", "a\n\"b\""], ["", "x,y"], ["-2", "ü"]];

    fn file(zip: bool) -> Vec<u8> {
        let mut table = TableCsv::new(Vec::new(), &["one", "two"], CsvOptions::default());
        ROWS.iter().for_each(|row| table.row(row).unwrap());
        let text = table.finish().unwrap();
        if !zip {
            return text;
        }
        let mut member = ZipMember::new(Vec::new(), "r.csv", 0).unwrap();
        member.write_all(&text).unwrap();
        member.finish().unwrap()
    }

    fn cells(rows: &[ReportRowCells]) -> Vec<[&str; 2]> {
        rows.iter().map(|row| [row[0].1.as_str(), row[1].1.as_str()]).collect()
    }

    #[test]
    fn rows_come_back_as_they_were_written() {
        for zip in [false, true] {
            let file = file(zip);
            assert_eq!(cells(&read(&file, zip, false, 10).unwrap()), ROWS, "{zip}");
            assert_eq!(cells(&read(&file, zip, false, 2).unwrap()), ROWS[..2], "{zip}");
        }
    }

    #[test]
    fn of_a_file_that_was_cut_only_whole_rows_are_taken() {
        let plain = file(false);
        for end in 8..plain.len() {
            let rows = read(&plain[..end], false, true, 10).unwrap();
            assert!(cells(&rows).iter().zip(ROWS).all(|(row, whole)| *row == whole), "{end}");
        }
        let packed = file(true);
        assert!(read(&packed[..20], true, true, 10).is_err());
        for end in 60..packed.len() {
            let _ = read(&packed[..end], true, true, 10);
        }
    }
}
