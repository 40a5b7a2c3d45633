//! What the documents for other tools ([`Sarif`](crate::Sarif), [`CycloneDx`](crate::CycloneDx))
//! are told beside findings, and how they are written: one JSON text, piece by piece, with at most
//! one element and a small buffer in memory.

use std::fmt;
use std::io::{self, Write};

use parapet_model::facts::AssetRow;
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{Coverage, Severity};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::Value;

use crate::buffer::Buffer;

/// What findings are about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The asset.
    pub asset: &'a AssetRow,
    /// Its worst coverage word.
    pub coverage: Coverage,
    /// Why it is not better.
    pub gaps: &'a [Gap],
    /// The filter that chose the findings, as text; empty for all.
    pub filter: &'a str,
}

/// Something of an asset that was not, or not wholly, assessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// What: `12 packages of Debian:12`, `java at opt/app.jar`.
    pub what: String,
    /// How far it was assessed.
    pub coverage: Coverage,
    /// Why no better.
    pub why: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.what, self.coverage, self.why)
    }
}

/// Where an asset shows a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Digest of the layer; empty where there are no layers.
    pub layer: String,
    /// The file, relative to the root; bytes, because file names need not be text.
    pub path: Vec<u8>,
}

/// Everything but what RFC 3986 calls unreserved.
const IN_URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same for paths, whose slashes stay.
const IN_PATH: &AsciiSet = &IN_URL.remove(b'/');

/// A path as the path of a URI.
pub(crate) fn uri_of_path(path: &[u8]) -> String {
    percent_encode(path, IN_PATH).to_string()
}

/// Where people read about a vulnerability.
pub(crate) fn url_of(id: &str) -> String {
    let site = if id.starts_with("CVE-") { "nvd.nist.gov/vuln/detail" } else { "osv.dev/vulnerability" };
    format!("https://{site}/{}", percent_encode(id.as_bytes(), IN_URL))
}

/// The CVSS score, unless the band that is shown is another one: then the vendor rated it itself.
pub(crate) fn score_of(vulnerability: &Vulnerability, shown: Severity) -> Option<f64> {
    let score = vulnerability.cvss_score;
    (score >= 0.0 && Severity::of_score(score) == shown).then_some(score)
}

/// A JSON text, written piece by piece.
#[derive(Debug)]
pub(crate) struct Pieces<W> {
    buffer: Buffer<W>,
    /// Whether the next element is the first of its array.
    first: bool,
}

impl<W: Write> Pieces<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self { buffer: Buffer::new(writer), first: true }
    }

    /// Appends JSON as it stands; an array that it opens is still empty.
    pub(crate) fn raw(&mut self, text: &str) {
        self.buffer.bytes.extend_from_slice(text.as_bytes());
        self.first = true;
    }

    /// Appends a value.
    pub(crate) fn value(&mut self, value: &Value) {
        // A value is always JSON and a vector takes all bytes, so this cannot fail.
        let _ = serde_json::to_writer(&mut self.buffer.bytes, value);
    }

    /// Appends a value to the open array.
    pub(crate) fn element(&mut self, value: &Value) -> io::Result<()> {
        let separator: &[u8] = if self.first { b"\n" } else { b",\n" };
        self.buffer.bytes.extend_from_slice(separator);
        self.first = false;
        self.value(value);
        self.buffer.row_done()
    }

    /// Passes on what is left and gives the writer below back.
    pub(crate) fn finish(self) -> io::Result<W> {
        self.buffer.finish()
    }
}
