//! How publishers rate: CVSS vectors, and words of their own.

use parapet_model::Severity;

use super::wire::Rating;

/// Longest CVSS vector; a full v4 vector with all optional metrics has about 180 characters.
const MAX_VECTOR: usize = 256;

/// The CVSS vectors among ratings, without doubles, at most `max`.
pub(super) fn vectors<'a>(ratings: impl Iterator<Item = &'a Rating>, max: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for rating in ratings.filter(|r| r.kind.0.starts_with("CVSS_")) {
        let vector = &rating.score.0;
        let is_good = vector.len() <= MAX_VECTOR && vector.bytes().all(|c| c.is_ascii_graphic());
        if out.len() < max && is_good && !vector.is_empty() && !out.contains(vector) {
            out.push(vector.clone());
        }
    }
    out
}

/// The publisher's word among ratings: those whose type is no CVSS version (`Ubuntu`).
pub(super) fn of_ratings(ratings: &[Rating]) -> Option<Severity> {
    ratings.iter().filter(|r| !r.kind.0.starts_with("CVSS_")).find_map(|r| of_word(&r.score.0))
}

/// The band of a publisher's word; `None` for no word or one that does not rate (`not yet
/// assigned`, `end-of-life`). Debian's tracker marks words it guessed with asterisks.
pub(in crate::advisory) fn of_word(word: &str) -> Option<Severity> {
    const WORDS: [(&str, Severity); 10] = [
        ("critical", Severity::Critical),
        ("high", Severity::High),
        ("important", Severity::High),
        ("moderate", Severity::Medium),
        ("medium", Severity::Medium),
        ("low", Severity::Low),
        ("minor", Severity::Low),
        ("negligible", Severity::Low),
        ("unimportant", Severity::Low),
        ("none", Severity::None),
    ];
    let word = word.trim_end_matches('*');
    WORDS.iter().find(|(text, _)| text.eq_ignore_ascii_case(word)).map(|(_, band)| *band)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_whatever_their_case() {
        assert_eq!(of_word("MODERATE"), Some(Severity::Medium));
        assert_eq!(of_word("low**"), Some(Severity::Low));
        assert_eq!(of_word("Important"), Some(Severity::High));
        assert_eq!(of_word("not yet assigned"), None);
        assert_eq!(of_word(""), None);
    }
}
