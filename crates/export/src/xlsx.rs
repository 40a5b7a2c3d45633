//! Findings as a workbook (ECMA-376, *Office Open XML*): typed cells, in constant memory.
//!
//! Sheets are written one after the other straight into the archive, with their texts inline, so that
//! nothing waits for the last row but the list of sheets. Cells carry no place of their own, which the
//! standard allows (18.3.1.4: *r* is optional), so that they can be kept and copied like those of
//! other formats. A sheet ends at the row limit of spreadsheet programs, or before it grows too large
//! for them, and the next one begins with the same titles.
//!
//! Texts are texts and never formulas, so nothing is guarded. Instants are dates in UTC, to the
//! millisecond; numbers and booleans are what they are; what is not known is an empty cell. Characters
//! that XML cannot hold are written as `_xHHHH_` (22.4.2.4), which spreadsheet programs show as the
//! character.

use std::io::{self, Write};

use memchr::memmem;
use parapet_model::Millis;
use parapet_model::finding::Finding;

use crate::columns::Columns;
use crate::rows::{RowFormat, RowWriter};
use crate::value::{Value, push_number};
use crate::zip::{Sizes, ZipArchive, ZipMember};

/// Rows of a sheet, the titles included.
const SHEET_ROWS: u64 = 1_048_576;
/// Bytes of XML after which a sheet is ended; an archive of the narrow kind has 4 GiB for each.
const SHEET_BYTES: u64 = 3 << 30;
/// Characters (UTF-16) of a cell.
const CELL_TEXT: usize = 32_767;
/// Days from the first day of spreadsheets (1899-12-30) to 1970-01-01.
const EPOCH_DAYS: i64 = 25_569;
const DAY: i64 = 86_400_000;

const ROW_END: &[u8] = b"</row>";
const PROLOGUE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const CONTENT: &str = "http://schemas.openxmlformats.org/package/2006/content-types";
const PART: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/// Writes findings as a workbook.
#[derive(Debug)]
pub struct FindingsXlsx<W> {
    columns: Columns,
    /// The sheet at hand; `None` only after a failure.
    sheet: Option<RowWriter<ZipMember<W>, XlsxFormat>>,
    sheets: usize,
    /// Findings in the sheets before.
    before: u64,
    sheet_rows: u64,
}

impl<W: Write + Send + 'static> FindingsXlsx<W> {
    /// A workbook of these columns; `modified` is the time its parts carry.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn new(writer: W, columns: &Columns, modified: Millis) -> io::Result<Self> {
        let archive = ZipArchive::new(writer, Sizes::Narrow, modified);
        let sheet = begin(archive, 1, columns)?;
        Ok(Self {
            columns: columns.clone(),
            sheet: Some(sheet),
            sheets: 1,
            before: 0,
            sheet_rows: SHEET_ROWS,
        })
    }

    /// Ends sheets after so many rows, the titles included: 2 to 1,048,576, which is the default.
    #[must_use]
    pub fn sheet_rows(self, rows: u64) -> Self {
        Self { sheet_rows: rows.clamp(2, SHEET_ROWS), ..self }
    }

    /// Writes one finding. Findings of one asset are best written one after the other.
    ///
    /// # Errors
    /// What the writer below says; the whole stack is then to be dropped.
    pub fn row(&mut self, finding: &Finding<'_>) -> io::Result<()> {
        self.sheet_with_room()?.0.row(finding)
    }

    /// Writes rows that [`FindingLines::xlsx`](crate::FindingLines::xlsx) made of the same columns.
    ///
    /// # Errors
    /// As [`FindingsXlsx::row`].
    pub fn ready_rows(&mut self, mut bytes: &[u8], mut rows: u64) -> io::Result<()> {
        while rows > 0 {
            let (sheet, room) = self.sheet_with_room()?;
            let fit = rows.min(room);
            let (now, later) = if fit == rows { (bytes, &[][..]) } else { after_rows(bytes, fit) };
            sheet.ready_rows(now, fit)?;
            (bytes, rows) = (later, rows - fit);
        }
        Ok(())
    }

    /// A sheet that takes at least one more row, and how many.
    fn sheet_with_room(&mut self) -> io::Result<(&mut RowWriter<ZipMember<W>, XlsxFormat>, u64)> {
        let full = |sheet: &RowWriter<ZipMember<W>, XlsxFormat>| {
            sheet.rows() + 1 >= self.sheet_rows || sheet.below().plain() >= SHEET_BYTES
        };
        if let Some(sheet) = self.sheet.take_if(|sheet| full(sheet)) {
            self.before += sheet.rows();
            self.sheets += 1;
            let archive = end(sheet, &self.columns)?;
            self.sheet = Some(begin(archive, self.sheets, &self.columns)?);
        }
        let sheet = self.sheet.as_mut().ok_or_else(incomplete)?;
        let room = self.sheet_rows - 1 - sheet.rows();
        Ok((sheet, room))
    }

    /// Findings written so far.
    pub fn rows(&self) -> u64 {
        self.before + self.sheet.as_ref().map_or(0, RowWriter::rows)
    }

    /// Ends the workbook and gives the writer below back, which is not flushed.
    ///
    /// # Errors
    /// What the writer below says; `FileTooLarge` for a workbook over 4 GiB.
    pub fn finish(self) -> io::Result<W> {
        let mut archive = end(self.sheet.ok_or_else(incomplete)?, &self.columns)?;
        for (name, text) in [
            ("xl/styles.xml", styles()),
            ("xl/workbook.xml", workbook(self.sheets)),
            ("xl/_rels/workbook.xml.rels", workbook_relations(self.sheets)),
            ("_rels/.rels", relations()),
            ("[Content_Types].xml", content_types(self.sheets)),
        ] {
            let mut member = archive.member(name)?;
            member.write_all(text.as_bytes())?;
            archive = member.end()?;
        }
        archive.finish()
    }
}

fn incomplete() -> io::Error {
    io::Error::other("an earlier write failed, so the workbook is not complete")
}

/// Cuts rows behind so many of them. No cell holds what ends a row, for texts are escaped.
fn after_rows(bytes: &[u8], rows: u64) -> (&[u8], &[u8]) {
    let at = usize::try_from(rows - 1).ok().and_then(|last| memmem::find_iter(bytes, ROW_END).nth(last));
    bytes.split_at(at.map_or(bytes.len(), |at| at + ROW_END.len()))
}

/// Begins a sheet with its titles, which stay in sight while the rows move.
fn begin<W: Write + Send + 'static>(
    archive: ZipArchive<W>,
    number: usize,
    columns: &Columns,
) -> io::Result<RowWriter<ZipMember<W>, XlsxFormat>> {
    let member = archive.member(&format!("xl/worksheets/sheet{number}.xml"))?;
    let mut rows = RowWriter::new(member, columns, XlsxFormat);
    rows.preamble(|out| {
        out.extend_from_slice(PROLOGUE.as_bytes());
        out.extend_from_slice(
            format!(
                "<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" \
                 topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews><sheetData>"
            )
            .as_bytes(),
        );
        let start = out.len();
        for (index, heading) in columns.headings().iter().enumerate() {
            XlsxFormat.cell(out, index, &Value::Text(&heading.label));
        }
        XlsxFormat.end_row(out, start);
    });
    Ok(rows)
}

/// Ends a sheet; its titles can filter the rows.
fn end<W: Write + Send + 'static>(
    sheet: RowWriter<ZipMember<W>, XlsxFormat>,
    columns: &Columns,
) -> io::Result<ZipArchive<W>> {
    let last_row = sheet.rows() + 1;
    let mut member = sheet.finish()?;
    member.write_all(b"</sheetData>")?;
    if let Some(last) = columns.headings().len().checked_sub(1) {
        write!(member, "<autoFilter ref=\"A1:{}{last_row}\"/>", column_name(last))?;
    }
    member.write_all(b"</worksheet>")?;
    member.end()
}

/// `A`, …, `Z`, `AA`, … for the column at an index.
fn column_name(index: usize) -> String {
    let mut rest = index + 1;
    let mut name = Vec::new();
    while rest > 0 {
        rest -= 1;
        name.push(b'A' + (rest % 26) as u8);
        rest /= 26;
    }
    name.iter().rev().map(|&letter| char::from(letter)).collect()
}

#[derive(Debug)]
pub(crate) struct XlsxFormat;

impl RowFormat for XlsxFormat {
    fn cell(&mut self, out: &mut Vec<u8>, index: usize, value: &Value<'_>) {
        if index == 0 {
            out.extend_from_slice(b"<row>");
        }
        match value {
            Value::Null => out.extend_from_slice(b"<c/>"),
            Value::Text(text) => push_text(out, text),
            Value::List(texts) => push_text(out, &texts.gather().join(" ")),
            Value::Word(word) => push_text(out, word),
            Value::Id(id) => push_text(out, id.as_hyphenated().encode_lower(&mut [0; 36])),
            Value::Integer(number) => {
                push_value(out, b"<c><v>", |out| out.extend_from_slice(number.to_string().as_bytes()));
            }
            Value::Number(number) => push_value(out, b"<c><v>", |out| push_number(out, *number)),
            Value::Flag(flag) => {
                push_value(out, b"<c t=\"b\"><v>", |out| out.push(if *flag { b'1' } else { b'0' }));
            }
            // Styles 1 and 2 of `styles`.
            Value::Instant(at) => push_value(out, b"<c s=\"1\"><v>", |out| push_date(out, *at)),
            Value::Day(at) => push_value(out, b"<c s=\"2\"><v>", |out| push_date(out, *at)),
        }
    }

    fn end_row(&self, out: &mut Vec<u8>, start: usize) {
        if out.len() == start {
            out.extend_from_slice(b"<row>");
        }
        out.extend_from_slice(ROW_END);
    }
}

fn push_value(out: &mut Vec<u8>, before: &[u8], write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(before);
    write(out);
    out.extend_from_slice(b"</v></c>");
}

/// Days since the first day of spreadsheets, to the millisecond.
fn push_date(out: &mut Vec<u8>, at: Millis) {
    let days = at.div_euclid(DAY).saturating_add(EPOCH_DAYS);
    out.extend_from_slice(days.to_string().as_bytes());
    let rest = at.rem_euclid(DAY);
    if rest > 0 {
        // Ten digits tell the milliseconds of a day apart.
        let fraction = i128::from(rest) * 10_i128.pow(10) / i128::from(DAY);
        out.extend_from_slice(format!(".{fraction:010}").as_bytes());
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    if text.is_empty() {
        out.extend_from_slice(b"<c/>");
        return;
    }
    out.extend_from_slice(b"<c t=\"inlineStr\"><is><t xml:space=\"preserve\">");
    push_escaped(out, fitting(text));
    out.extend_from_slice(b"</t></is></c>");
}

/// As much of a text as a cell holds.
fn fitting(text: &str) -> &str {
    if text.len() <= CELL_TEXT {
        return text;
    }
    let mut room = CELL_TEXT;
    let end = text.char_indices().find(|(_, character)| match room.checked_sub(character.len_utf16()) {
        Some(left) => {
            room = left;
            false
        }
        None => true,
    });
    end.map_or(text, |(at, _)| text.get(..at).unwrap_or(text))
}

fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let plain = |byte: u8| byte >= b' ' && !matches!(byte, b'&' | b'<' | b'>' | b'_' | 0xEF);
    if text.bytes().all(plain) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        match character {
            '&' => out.extend_from_slice(b"&amp;"),
            '<' => out.extend_from_slice(b"&lt;"),
            '>' => out.extend_from_slice(b"&gt;"),
            // What would be read as an escape is one itself.
            '_' if is_escape(rest) => out.extend_from_slice(b"_x005F_"),
            '\t' | '\n' => out.push(character as u8),
            '\0'..' ' | '\u{FFFE}' | '\u{FFFF}' => {
                out.extend_from_slice(format!("_x{:04X}_", u32::from(character)).as_bytes());
            }
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
}

/// Whether a text begins like `_x005F_`.
fn is_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.get(1) == Some(&b'x')
        && bytes.get(2..6).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        && bytes.get(6) == Some(&b'_')
}

/// Style 0 is plain, 1 an instant, 2 a day.
fn styles() -> String {
    let plain = "numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"";
    let dated = |format: u8| {
        format!(
            "<xf numFmtId=\"{format}\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>"
        )
    };
    format!(
        "{PROLOGUE}<styleSheet xmlns=\"{MAIN}\"><numFmts count=\"2\"><numFmt numFmtId=\"164\" \
         formatCode=\"yyyy\\-mm\\-dd\\ hh:mm:ss\"/><numFmt numFmtId=\"165\" formatCode=\"yyyy\\-mm\\-dd\"/></numFmts>\
         <fonts count=\"1\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>\
         <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>\
         <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
         <cellStyleXfs count=\"1\"><xf {plain}/></cellStyleXfs>\
         <cellXfs count=\"3\"><xf {plain} xfId=\"0\"/>{}{}</cellXfs>\
         <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>",
        dated(164),
        dated(165),
    )
}

fn workbook(sheets: usize) -> String {
    let sheet = |number: usize| {
        let name = if number == 1 { "Findings".to_owned() } else { format!("Findings {number}") };
        format!("<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>")
    };
    let sheets: String = (1..=sheets).map(sheet).collect();
    format!(
        "{PROLOGUE}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><bookViews><workbookView/></bookViews>\
         <sheets>{sheets}</sheets></workbook>"
    )
}

fn workbook_relations(sheets: usize) -> String {
    let sheet = |n: usize| {
        format!(
            "<Relationship Id=\"rId{n}\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"
        )
    };
    let all: String = (1..=sheets).map(sheet).collect();
    let styles = sheets + 1;
    format!(
        "{PROLOGUE}<Relationships xmlns=\"{RELATIONS}\">{all}\
         <Relationship Id=\"rId{styles}\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/></Relationships>"
    )
}

fn relations() -> String {
    format!(
        "{PROLOGUE}<Relationships xmlns=\"{RELATIONS}\"><Relationship Id=\"rId1\" \
         Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    )
}

fn content_types(sheets: usize) -> String {
    let sheet = |n: usize| {
        format!("<Override PartName=\"/xl/worksheets/sheet{n}.xml\" ContentType=\"{PART}.worksheet+xml\"/>")
    };
    let sheets: String = (1..=sheets).map(sheet).collect();
    format!(
        "{PROLOGUE}<Types xmlns=\"{CONTENT}\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
         <Override PartName=\"/xl/workbook.xml\" ContentType=\"{PART}.sheet.main+xml\"/>\
         <Override PartName=\"/xl/styles.xml\" ContentType=\"{PART}.styles+xml\"/>{sheets}</Types>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = Vec::new();
        push_escaped(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    fn date(at: Millis) -> String {
        let mut out = Vec::new();
        push_date(&mut out, at);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_stay_what_they_are() {
        for (text, expected) in [
            ("=1+1 & <b>", "=1+1 &amp; &lt;b&gt;"),
            ("a\u{1}b\r", "a_x0001_b_x000D_"),
            ("_x0041_ _x", "_x005F_x0041_ _x"),
            ("漏洞\u{FFFF}", "漏洞_xFFFF_"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }

    #[test]
    fn a_text_is_cut_where_a_cell_ends() {
        assert_eq!(fitting(&"é".repeat(CELL_TEXT)).chars().count(), CELL_TEXT);
        assert_eq!(fitting(&"é".repeat(CELL_TEXT + 1)).chars().count(), CELL_TEXT);
        assert_eq!(fitting(&"𝄞".repeat(CELL_TEXT)).chars().count(), CELL_TEXT / 2, "two units each");
    }

    #[test]
    fn dates_count_from_the_first_day_of_spreadsheets() {
        assert_eq!(date(0), "25569");
        assert_eq!(date(DAY / 2), "25569.5000000000");
        assert_eq!(date(-1), "25568.9999999884");
    }

    #[test]
    fn columns_are_named_by_letters() {
        let names: Vec<String> = [0, 25, 26, 701, 702].into_iter().map(column_name).collect();
        assert_eq!(names, ["A", "Z", "AA", "ZZ", "AAA"]);
    }
}
