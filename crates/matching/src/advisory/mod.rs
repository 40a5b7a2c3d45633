//! Advisory formats: bytes of one record in, the model's [`Advisory`] out.
//!
//! # Adding a format
//! `advisory/<format>.rs` (or a folder) with `parse(&[u8])`, its place in [`parse`], and its prefix
//! families in [`source_of`] and `precedence.rs`.

pub mod csaf;
pub mod debian_tracker;
pub mod osv;
mod text;
pub mod updateinfo;

use parapet_model::advisory::Advisory;

use text::is_deeper_than;

/// Longest record that is read, in bytes. The largest published ones (a kernel bulletin of a
/// distribution with all its versions listed) have a few million.
pub const MAX_RECORD: usize = 32 << 20;

/// Deepest nesting of a record that is read.
pub const MAX_DEPTH: usize = 64;

/// Why a record was refused. Nothing of a refused record is kept.
#[derive(Debug, thiserror::Error)]
pub enum AdvisoryError {
    /// Over [`MAX_RECORD`].
    #[error("the record has {0} bytes, more than {MAX_RECORD}")]
    TooLarge(usize),
    /// Over [`MAX_DEPTH`].
    #[error("the record is nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// Not JSON, or not of the format's shape.
    #[error("the record is not valid: {0}")]
    Json(#[from] serde_json::Error),
    /// Not well-formed XML, or not of the format's shape.
    #[error("the file is not valid: {0}")]
    Xml(String),
    /// An id that is empty, overlong or has characters no id has. Shortened.
    #[error("{0:?} is no advisory id")]
    BadId(String),
    /// A NUL character, which no store keeps.
    #[error("{0} contains a NUL character")]
    Nul(&'static str),
    /// A name or version longer than any real one.
    #[error("{0} is longer than {max} bytes", max = parapet_model::package::MAX_FIELD)]
    TooLong(&'static str),
}

/// Reads one record of whatever format: OSV, or a CSAF document, which stands for as many advisories
/// as it speaks of vulnerabilities in products that are known here. That may be none.
///
/// # Errors
/// [`AdvisoryError`] when the bytes are no record of either or break a limit.
pub fn parse(bytes: &[u8]) -> Result<Vec<Advisory>, AdvisoryError> {
    if is_csaf(bytes) { csaf::parse(bytes) } else { osv::parse(bytes).map(|advisory| vec![advisory]) }
}

/// Whether the text, or its beginning, is a CSAF document's. Only what begins as one is searched for its
/// version, since the other records are many; the key cannot stand inside a text of another record,
/// where its quotes would be escaped.
pub fn is_csaf(bytes: &[u8]) -> bool {
    const FIRST: [&[u8]; 4] = [b"\"document\"", b"\"product_tree\"", b"\"vulnerabilities\"", b"\"$schema\""];
    const KEY: &[u8] = b"\"csaf_version\"";
    let inside = bytes.trim_ascii_start().strip_prefix(b"{").unwrap_or_default().trim_ascii_start();
    FIRST.iter().any(|key| inside.starts_with(key)) && bytes.windows(KEY.len()).any(|window| window == KEY)
}

fn check_size(bytes: &[u8]) -> Result<(), AdvisoryError> {
    if bytes.len() > MAX_RECORD {
        return Err(AdvisoryError::TooLarge(bytes.len()));
    }
    if is_deeper_than(bytes, MAX_DEPTH) {
        return Err(AdvisoryError::TooDeep);
    }
    Ok(())
}

/// The prefix family of an advisory id: what precedence looks at.
///
/// `DSA-5168-1` → `DSA`, `DEBIAN-CVE-2024-1` → `DEBIAN-CVE`, `GHSA-…` → `GHSA`, `SUSE-SU-…` →
/// `SUSE-SU`, `ALSA-2022:6540` → `ALSA`. An id without a known prefix is its own text up to the
/// first `-`.
pub fn source_of(id: &str) -> &str {
    const OF_TWO_WORDS: [&str; 11] = [
        "DEBIAN-CVE",
        "DEBIAN-TRACKER",
        "UBUNTU-CVE",
        "ALPINE-CVE",
        "BELL-CVE",
        "PARAPET-CVE",
        "NSWG-ECO",
        "SUSE-SU",
        "openSUSE-SU",
        "REDHAT-CVE",
        "SUSE-CVE",
    ];
    let of_two = OF_TWO_WORDS.iter().find_map(|prefix| {
        let rest = id.strip_prefix(prefix)?;
        rest.starts_with('-').then(|| id.get(..prefix.len())).flatten()
    });
    of_two.unwrap_or_else(|| id.split_once('-').map_or(id, |(prefix, _)| prefix))
}

/// Whether a text may be an advisory or vulnerability id: up to 128 characters of letters, digits
/// and `-_.:+/`, starting with a letter or digit.
pub fn is_id(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.:+/".contains(&c))
}

/// Whether a text is a CVE id: `CVE-`, four digits of the year, four or more digits.
pub fn is_cve(text: &str) -> bool {
    let Some((year, number)) = text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')) else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    year.len() == 4 && digits(year) && (4..=19).contains(&number.len()) && digits(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_of_an_id_is_its_prefix() {
        for (id, source) in [
            ("DSA-5168-1", "DSA"),
            ("DEBIAN-CVE-2024-0001", "DEBIAN-CVE"),
            ("UBUNTU-CVE-2024-0001", "UBUNTU-CVE"),
            ("GHSA-2268-aaaa-bbbb", "GHSA"),
            ("ALSA-2022:6540", "ALSA"),
            ("NSWG-ECO-17", "NSWG-ECO"),
            ("openSUSE-SU-2024:1-1", "openSUSE-SU"),
            ("CVE-2024-0001", "CVE"),
            ("PYSEC", "PYSEC"),
        ] {
            assert_eq!(source_of(id), source);
        }
    }

    #[test]
    fn cve_ids_have_one_shape() {
        for good in ["CVE-1999-0001", "CVE-2024-1234567"] {
            assert!(is_cve(good), "{good}");
        }
        for bad in
            ["", "CVE-", "CVE-2024-1", "CVE-24-0001", "cve-2024-0001", "CVE-2024-0001x", "XCVE-2024-0001"]
        {
            assert!(!is_cve(bad), "{bad}");
        }
    }
}
