//! Python's order: PEP 440, with all its permitted spellings (`1.0.POST-2`, `v1.0rc.1`, `1.0-1`).
//!
//! Sort keys after epoch and release (without trailing zeros): pre-release, where a bare
//! development release sorts before every pre-release and a final release after them; post-release,
//! where none sorts first; development release, where none sorts last; local version, where none
//! sorts first, and numbers sort after words.

use std::cmp::Ordering;

use super::digits::{compare_numbers, is_number, split_digits};

struct Version<'a> {
    epoch: &'a [u8],
    /// Numbers separated by dots.
    release: &'a [u8],
    /// Phase (0 alpha, 1 beta, 2 candidate) and number.
    pre: Option<(u8, &'a [u8])>,
    post: Option<&'a [u8]>,
    dev: Option<&'a [u8]>,
    local: Option<&'a [u8]>,
}

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (parse(a)?, parse(b)?);
    Some(
        compare_numbers(a.epoch, b.epoch)
            .then_with(|| compare_release(a.release, b.release))
            .then_with(|| compare_pre(&a, &b))
            .then_with(|| compare_optional(a.post, b.post, compare_numbers))
            .then_with(|| compare_dev(a.dev, b.dev))
            .then_with(|| compare_optional(a.local, b.local, compare_local)),
    )
}

fn compare_release(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a.split(|&c| c == b'.'), b.split(|&c| c == b'.'));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) => {
                let ordering = compare_numbers(a.unwrap_or_default(), b.unwrap_or_default());
                if ordering.is_ne() {
                    return ordering;
                }
            }
        }
    }
}

fn compare_pre(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    let phase = |v: &Version<'_>| match v.pre {
        Some((phase, _)) => phase + 1,
        None if v.post.is_none() && v.dev.is_some() => 0,
        None => u8::MAX,
    };
    phase(a).cmp(&phase(b)).then_with(|| match (a.pre, b.pre) {
        (Some((_, a)), Some((_, b))) => compare_numbers(a, b),
        _ => Ordering::Equal,
    })
}

/// None before some.
fn compare_optional(
    a: Option<&[u8]>,
    b: Option<&[u8]>,
    compare: impl Fn(&[u8], &[u8]) -> Ordering,
) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(a, b),
        _ => a.is_some().cmp(&b.is_some()),
    }
}

/// None after some.
fn compare_dev(a: Option<&[u8]>, b: Option<&[u8]>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare_numbers(a, b),
        _ => a.is_none().cmp(&b.is_none()),
    }
}

fn compare_local(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a.split(|&c| is_separator(c)), b.split(|&c| is_separator(c)));
    loop {
        let ordering = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (is_number(a), is_number(b)) {
                (true, true) => compare_numbers(a, b),
                (false, false) => {
                    let lower = |c: &u8| c.to_ascii_lowercase();
                    a.iter().map(lower).cmp(b.iter().map(lower))
                }
                (a, b) => a.cmp(&b),
            },
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
}

fn is_separator(c: u8) -> bool {
    matches!(c, b'.' | b'-' | b'_')
}

fn parse(text: &str) -> Option<Version<'_>> {
    let mut cursor = Cursor(text.trim().as_bytes());
    cursor.word(&[b"v"]);
    let (epoch, release) = cursor.epoch_and_release()?;
    let pre = cursor.tagged(&PRE).map(|(word, number)| (phase_of(word), number));
    let post = cursor.post();
    let dev = cursor.tagged(&[b"dev"]).map(|(_, number)| number);
    let local = cursor.local()?;
    cursor.0.is_empty().then_some(Version { epoch, release, pre, post, dev, local })
}

/// Words of a pre-release, longer spellings before their beginnings.
const PRE: [&[u8]; 8] = [b"alpha", b"a", b"beta", b"b", b"preview", b"pre", b"c", b"rc"];

fn phase_of(word: usize) -> u8 {
    match word {
        0 | 1 => 0,
        2 | 3 => 1,
        _ => 2,
    }
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// Takes the first of `words` that stands here, whatever its case; gives its place in the list.
    fn word(&mut self, words: &[&[u8]]) -> Option<usize> {
        let starts = |word: &&[u8]| self.0.get(..word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word));
        let found = words.iter().position(starts)?;
        self.0 = self.0.get(words.get(found)?.len()..)?;
        Some(found)
    }

    fn separator(&mut self) {
        if let [c, rest @ ..] = self.0
            && is_separator(*c)
        {
            self.0 = rest;
        }
    }

    fn digits(&mut self) -> &'a [u8] {
        let (digits, rest) = split_digits(self.0);
        self.0 = rest;
        digits
    }

    fn epoch_and_release(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let mut epoch = b"0".as_slice();
        let mut start = self.0;
        if self.digits().is_empty() {
            return None;
        }
        if let [b'!', rest @ ..] = self.0 {
            epoch = start.get(..start.len() - self.0.len())?;
            (self.0, start) = (rest, rest);
            if self.digits().is_empty() {
                return None;
            }
        }
        while let [b'.', c, ..] = self.0
            && c.is_ascii_digit()
        {
            self.0 = self.0.get(1..)?;
            self.digits();
        }
        Some((epoch, start.get(..start.len() - self.0.len())?))
    }

    /// `[separator] word [separator] [digits]`; leaves everything as it was when no word is here.
    fn tagged(&mut self, words: &[&[u8]]) -> Option<(usize, &'a [u8])> {
        let before = self.0;
        self.separator();
        let Some(word) = self.word(words) else {
            self.0 = before;
            return None;
        };
        self.separator();
        Some((word, self.digits()))
    }

    /// A post-release, also in its short spelling `1.0-1`.
    fn post(&mut self) -> Option<&'a [u8]> {
        if let [b'-', c, ..] = self.0
            && c.is_ascii_digit()
        {
            self.0 = self.0.get(1..)?;
            return Some(self.digits());
        }
        self.tagged(&[b"post", b"rev", b"r"]).map(|(_, number)| number)
    }

    /// The local version; the outer `None` when it is malformed.
    fn local(&mut self) -> Option<Option<&'a [u8]>> {
        let [b'+', local @ ..] = self.0 else { return Some(None) };
        self.0 = &[];
        let good = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric);
        local.split(|&c| is_separator(c)).all(good).then_some(Some(local))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_unparsed};
    use super::*;

    #[test]
    fn python_versions_ascend() {
        assert_ascending(
            compare,
            &[
                "1.dev0",
                "1.0.dev456",
                "1.0a1.dev1",
                "1.0a1",
                "1.0a2.dev456",
                "1.0a12",
                "1.0b1.dev456",
                "1.0b2",
                "1.0b2.post345.dev456",
                "1.0b2.post345",
                "1.0rc1.dev456",
                "1.0rc1",
                "1.0",
                "1.0+abc.5",
                "1.0+abc.7",
                "1.0+5",
                "1.0+5.1",
                "1.0.post456.dev34",
                "1.0.post456",
                "1.1.dev1",
                "1.9",
                "1.10",
                "2013.10",
                "1!0.1",
            ],
        );
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        assert_equal(
            compare,
            &[
                ("1.0", "1.0.0.0"),
                ("1.0", "v1.0"),
                ("V1.0", " 1.0 "),
                ("1.0a1", "1.0.ALPHA-1"),
                ("1.0b", "1.0_beta_0"),
                ("1.0rc1", "1.0c1"),
                ("1.0rc1", "1.0-preview.1"),
                ("1.0.post1", "1.0-1"),
                ("1.0.post1", "1.0r1"),
                ("1.0.post0", "1.0rev"),
                ("1.0.dev0", "1.0dev"),
                ("1.0+ubuntu.1", "1.0+UBUNTU-1"),
                ("0!1", "00001"),
                ("1.0+1", "1.0+01"),
            ],
        );
    }

    #[test]
    fn what_pep_440_refuses_has_no_place() {
        assert_unparsed(
            compare,
            &[
                "",
                "v",
                "french toast",
                "1.0+",
                "1.0+a..b",
                "1.0+a+b",
                "1.0x",
                "1..0",
                "1.0-",
                "1.0-dev-r-1",
                "1!",
                "!1",
                "1.0.*",
                "1.0 beta",
                "2.0.0-foo",
                "1.0+é",
                "==1.0",
            ],
        );
    }
}
