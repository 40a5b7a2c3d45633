//! FIRST's Exploit Prediction Scoring System, in its daily CSV form: a comment line
//! `#model_version:…,score_date:…`, a header `cve,epss,percentile`, then one line per CVE.
//!
//! The file has over 300,000 lines, so it is streamed.

use std::io::{BufRead, Read};

use parapet_model::time::{Millis, parse_instant};
use parapet_model::vulnerability::EpssScore;

use super::FeedError;
use crate::advisory::is_cve;

/// Longest line read, in bytes.
const MAX_LINE: u64 = 4096;

/// What the comment line says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EpssHeader {
    /// Version of the model: `v2025.03.14`; empty when unknown.
    pub model: String,
    /// Date of the scores, 0 when unknown.
    pub date: Millis,
}

/// Reads the scores, giving each to `each` as it comes.
///
/// # Errors
/// [`FeedError`] when reading fails or a line is broken. Scores before that line were already given,
/// so a caller who keeps them only keeps them after `Ok`.
pub fn parse(mut read: impl BufRead, mut each: impl FnMut(EpssScore)) -> Result<EpssHeader, FeedError> {
    let mut header = EpssHeader::default();
    let mut buffer = Vec::new();
    for number in 1.. {
        buffer.clear();
        if read.by_ref().take(MAX_LINE).read_until(b'\n', &mut buffer)? == 0 {
            break;
        }
        let broken = |what| FeedError::Line { line: number, what };
        if buffer.len() as u64 == MAX_LINE {
            return Err(broken("overlong"));
        }
        let line = std::str::from_utf8(&buffer).map_err(|_| broken("not UTF-8"))?.trim_end();
        match line.strip_prefix('#') {
            Some(comment) => header = header_of(comment),
            None if line.is_empty() || line.starts_with("cve,") => {}
            None => each(score_of(line).map_err(broken)?),
        }
    }
    Ok(header)
}

fn header_of(comment: &str) -> EpssHeader {
    let value = |name: &str| {
        let mut parts = comment.split(',').filter_map(|part| part.trim().split_once(':'));
        parts.find_map(|(key, value)| (key == name).then_some(value))
    };
    EpssHeader {
        model: value("model_version").unwrap_or_default().to_owned(),
        date: value("score_date").and_then(instant).unwrap_or_default(),
    }
}

/// The published files write the zone as `+0000`, without a colon.
fn instant(text: &str) -> Option<Millis> {
    parse_instant(text).or_else(|| parse_instant(&format!("{}Z", text.strip_suffix("+0000")?)))
}

fn score_of(line: &str) -> Result<EpssScore, &'static str> {
    let mut fields = line.split(',');
    let cve = fields.next().filter(|cve| is_cve(cve)).ok_or("the first field is no CVE")?;
    let mut fraction = |what| {
        let number: Option<f64> = fields.next().and_then(|text| text.parse().ok());
        number.filter(|n| (0.0..=1.0).contains(n)).ok_or(what)
    };
    let score = fraction("epss is no number between 0 and 1")?;
    let percentile = fraction("percentile is no number between 0 and 1")?;
    Ok(EpssScore { cve: cve.to_owned(), score, percentile })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(EpssHeader, Vec<EpssScore>), String> {
        let mut scores = Vec::new();
        let header = parse(text.as_bytes(), |score| scores.push(score)).map_err(|e| e.to_string())?;
        Ok((header, scores))
    }

    #[test]
    fn scores_are_read_with_and_without_comment() {
        let rows = "cve,epss,percentile\nCVE-2021-44228,0.94358,0.99957\r\nCVE-1999-0001,1,0\n";
        let (header, scores) =
            read(&format!("#model_version:v2025.03.14,score_date:2026-08-22T12:55:00+0000\n{rows}")).unwrap();
        assert_eq!(header.model, "v2025.03.14");
        assert_eq!(header.date, parse_instant("2026-08-22T12:55:00Z").unwrap());
        assert_eq!(scores.len(), 2);
        assert_eq!((scores[0].cve.as_str(), scores[0].score), ("CVE-2021-44228", 0.94358));
        let (header, same) = read(rows).unwrap();
        assert_eq!((header, same), (EpssHeader::default(), scores));
    }

    #[test]
    fn a_broken_line_is_named() {
        for (row, part) in [
            ("banana", "line 2: the first field"),
            ("CVE-2021-44228,NaN,0", "line 2: epss"),
            ("CVE-2021-44228,0.5,1.5", "line 2: percentile"),
            ("CVE-2021-44228,0.5", "line 2: percentile"),
            (&"x".repeat(5000), "line 2: overlong"),
        ] {
            let error = read(&format!("cve,epss,percentile\n{row}\n")).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
