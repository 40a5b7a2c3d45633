//! CVSS scores of vectors, one file per major version.
//!
//! A vector is refused when a mandatory metric is missing, a metric is unknown, has an unknown
//! value, or comes twice. The order of metrics does not matter.

mod v2;
mod v3;
mod v4;
mod v4_table;

/// The score of a vector: v2, v3.0, v3.1 by its *base* metrics; v4.0 by all metrics it carries,
/// because v4 defines one score per vector. `None` for what is no valid vector.
pub fn base_score(vector: &str) -> Option<f64> {
    Some(f64::from(tenths(vector)?.1) / 10.0)
}

/// The vector to show of several: the highest version, then the highest score, then the first.
/// Those that are not valid are passed over.
pub fn best(vectors: &[String]) -> Option<(&str, f64)> {
    best_of(vectors.iter().map(String::as_str))
}

pub(crate) fn best_of<'a>(vectors: impl Iterator<Item = &'a str>) -> Option<(&'a str, f64)> {
    let scored = vectors.filter_map(|vector| tenths(vector).map(|key| (key, vector)));
    let best = scored.reduce(|a, b| if b.0 > a.0 { b } else { a });
    best.map(|((_, tenths), vector)| (vector, f64::from(tenths) / 10.0))
}

/// Version in tenths (20, 30, 31, 40) and score in tenths.
fn tenths(vector: &str) -> Option<(u8, u8)> {
    let vector = vector.trim();
    let (version, score) = match vector.split_once('/') {
        Some(("CVSS:4.0", metrics)) => (40, v4::score(Metrics(metrics))?),
        Some(("CVSS:3.1", metrics)) => (31, v3::score(Metrics(metrics))?),
        Some(("CVSS:3.0", metrics)) => (30, v3::score(Metrics(metrics))?),
        Some(("CVSS:2.0", metrics)) => (20, v2::score(Metrics(metrics))?),
        _ => {
            let inner = vector.strip_prefix('(').and_then(|v| v.strip_suffix(')')).unwrap_or(vector);
            (20, v2::score(Metrics(inner))?)
        }
    };
    // Scores lie between 0 and 10 and have one decimal, so this neither cuts nor rounds away.
    Some((version, (score * 10.0).round() as u8))
}

/// The metrics of a vector: `AV:N/AC:L/…`.
#[derive(Clone, Copy)]
struct Metrics<'a>(&'a str);

impl<'a> Metrics<'a> {
    /// The value of a metric.
    fn get(self, name: &str) -> Option<&'a str> {
        self.0.split('/').filter_map(|part| part.split_once(':')).find_map(|(n, v)| (n == name).then_some(v))
    }

    /// Whether each metric is one of `known` (name, values separated by blanks), once at most.
    fn are_among(self, known: &[(&str, &str)]) -> bool {
        let mut seen = 0u64;
        self.0.split('/').all(|part| {
            let Some((name, value)) = part.split_once(':') else { return false };
            let Some(place) = known.iter().position(|(n, _)| *n == name) else { return false };
            let is_new = seen & (1 << place) == 0;
            seen |= 1 << place;
            is_new && known.get(place).is_some_and(|(_, values)| values.split(' ').any(|v| v == value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors and scores as the specifications' example documents give them.
    #[test]
    fn published_scores_are_reproduced() {
        for (vector, score) in [
            // v2: CVE-2002-0392, CVE-2003-0818, CVE-2003-0062.
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8),
            ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0),
            ("AV:L/AC:H/Au:N/C:C/I:C/A:C", 6.2),
            ("(AV:N/AC:L/Au:N/C:P/I:P/A:P)", 7.5),
            ("AV:N/AC:L/Au:N/C:N/I:N/A:N", 0.0),
            // v3.1: CVE-2013-1937, -2013-0375, -2014-3566, -2014-0160, -2014-6271, -2014-2019, -2016-5195.
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
            ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
            ("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
            ("CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N", 4.6),
            ("CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U/RL:O/RC:U", 9.8),
            // v4.0.
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
            ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.3),
            ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.7),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0.0),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/E:U", 9.1),
        ] {
            assert_eq!(base_score(vector), Some(score), "{vector}");
        }
    }

    #[test]
    fn what_is_no_vector_has_no_score() {
        for bad in [
            "",
            "7.5",
            "CVSS:3.1",
            "CVSS:3.1/",
            "CVSS:5.0/AV:N",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H",
            "CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            "CVSS:3.1/AV:Q/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/ZZ:X",
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:S/SI:N/SA:N",
            "AV:N/AC:L/Au:N/C:N/I:N",
        ] {
            assert_eq!(base_score(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_highest_version_is_shown() {
        let vectors = [
            "AV:N/AC:L/Au:N/C:C/I:C/A:C",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N",
            "CVSS:4.0/nonsense",
        ]
        .map(str::to_owned);
        assert_eq!(best(&vectors), Some((vectors[2].as_str(), 7.5)));
        assert_eq!(best(&[]), None);
    }
}
