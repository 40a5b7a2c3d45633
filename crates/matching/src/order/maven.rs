//! Maven's order: `ComparableVersion` as of Maven 3.9.2 and 4.
//!
//! A version is a list of items; at a hyphen and between letters and digits a list inside the list
//! begins, which stays its last item. So it is a chain of lists, kept as one list of lists and walked
//! without recursion. An item is a number, a word, or a word with a number (`rc1`, `rc-1`). Words
//! are compared whatever their case: `alpha`, `beta`, `milestone`, `rc` (`cr`), `snapshot`, then the
//! release itself (`ga`, `final`, `release`), `sp`, then any other by its letters. Zeros that say
//! nothing are taken out of each list before.
//!
//! Up to Maven 3.8 a word behind a dot and one behind a hyphen were kept apart (`1.0.RC1` and
//! `1.0-RC1`); since then they are not.
//!
//! What stands here is the order of Maven, which is no total one: `1-ga1`, `1-ga2` and `1` are each
//! equal to the last and not to each other. Real versions number no release word.

use std::cmp::Ordering;

use super::digits::{compare_numbers, split_while};

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (Lists::of(a)?, Lists::of(b)?);
    let (mut level, mut index) = (0, 0);
    loop {
        let ordering = match (a.at(level, index), b.at(level, index)) {
            (Next::End, Next::End) => return Some(Ordering::Equal),
            (Next::List, Next::List) => {
                (level, index) = (level + 1, 0);
                continue;
            }
            (Next::List, Next::End) => return Some(a.against_nothing(level + 1)),
            (Next::End, Next::List) => return Some(b.against_nothing(level + 1).reverse()),
            (Next::List, Next::Item(item)) => item.against_list().reverse(),
            (Next::Item(item), Next::List) => item.against_list(),
            (Next::Item(item), Next::End) => item.against_nothing(),
            (Next::End, Next::Item(item)) => item.against_nothing().reverse(),
            (Next::Item(a), Next::Item(b)) => a.compare(b),
        };
        if ordering.is_ne() {
            return Some(ordering);
        }
        index += 1;
    }
}

#[derive(Clone, Copy)]
enum Item<'a> {
    Number(&'a [u8]),
    Word(Word<'a>),
    /// A word and the number that belongs to it.
    Pair(Word<'a>, &'a [u8]),
}

impl<'a> Item<'a> {
    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => compare_numbers(a, b),
            (Self::Number(_), _) => Ordering::Greater,
            (_, Self::Number(_)) => Ordering::Less,
            (Self::Word(a), Self::Word(b)) => a.compare(b),
            (Self::Word(a), Self::Pair(b, _)) => a.compare(b).then(Ordering::Less),
            (Self::Pair(a, _), Self::Word(b)) => a.compare(b).then(Ordering::Greater),
            (Self::Pair(a, m), Self::Pair(b, n)) => a.compare(b).then_with(|| compare_numbers(m, n)),
        }
    }

    fn against_list(self) -> Ordering {
        match self {
            Self::Number(_) => Ordering::Greater,
            Self::Word(_) | Self::Pair(..) => Ordering::Less,
        }
    }

    fn against_nothing(self) -> Ordering {
        match self {
            Self::Number(number) => compare_numbers(number, b"0"),
            Self::Word(word) | Self::Pair(word, _) => word.rank().0.cmp(&RELEASE),
        }
    }

    fn is_zero(self) -> bool {
        matches!(self, Self::Number(_)) && self.against_nothing().is_eq()
    }

    fn of_word(text: &'a [u8]) -> Self {
        Self::Word(Word { text, before_number: false })
    }

    /// `rc1` or `rc-1`.
    fn of_pair(text: &'a [u8]) -> Self {
        let (word, number) = split_while(text, |c| !c.is_ascii_digit());
        let word = word.strip_suffix(b"-").unwrap_or(word);
        Self::Pair(Word { text: word, before_number: true }, number)
    }
}

#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a [u8],
    before_number: bool,
}

/// The rank of the release itself among words.
const RELEASE: u8 = 5;
const OTHER: u8 = 7;

impl<'a> Word<'a> {
    fn compare(self, other: Self) -> Ordering {
        let ((rank_a, a), (rank_b, b)) = (self.rank(), other.rank());
        let lower = |text: &'a [u8]| text.iter().map(u8::to_ascii_lowercase);
        rank_a.cmp(&rank_b).then_with(|| lower(a).cmp(lower(b)))
    }

    /// Its place, and the letters where those decide.
    fn rank(self) -> (u8, &'a [u8]) {
        const WORDS: [(&[u8], u8); 10] = [
            (b"alpha", 0),
            (b"beta", 1),
            (b"milestone", 2),
            (b"rc", 3),
            (b"cr", 3),
            (b"snapshot", 4),
            (b"ga", RELEASE),
            (b"final", RELEASE),
            (b"release", RELEASE),
            (b"sp", 6),
        ];
        match self.text {
            [b'a' | b'A'] if self.before_number => return (0, &[]),
            [b'b' | b'B'] if self.before_number => return (1, &[]),
            [b'm' | b'M'] if self.before_number => return (2, &[]),
            _ => {}
        }
        let known = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(self.text));
        known.map_or((OTHER, self.text), |(_, rank)| (*rank, &[]))
    }
}

/// What stands at a place of a list.
enum Next<'a> {
    Item(Item<'a>),
    /// The list inside, always the last.
    List,
    End,
}

/// The chain: each list's last item is the next list.
struct Lists<'a>(Vec<Vec<Item<'a>>>);

impl<'a> Lists<'a> {
    fn at(&self, level: usize, index: usize) -> Next<'a> {
        let Some(list) = self.0.get(level) else { return Next::End };
        match list.get(index) {
            Some(item) => Next::Item(*item),
            None if index == list.len() && self.0.len() > level + 1 => Next::List,
            None => Next::End,
        }
    }

    fn against_nothing(&self, level: usize) -> Ordering {
        let items = self.0.get(level..).unwrap_or_default().iter().flatten();
        items.map(|item| item.against_nothing()).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    }

    fn of(text: &'a str) -> Option<Self> {
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_' | b'+' | b'~');
        let is_valid = text.bytes().all(plain) && text.bytes().any(|c| c.is_ascii_alphanumeric());
        is_valid.then(|| {
            let mut reader = Reader {
                text: text.as_bytes(),
                lists: vec![Vec::new()],
                start: 0,
                digits: false,
                pair: false,
            };
            reader.read();
            let mut lists = Self(reader.lists);
            lists.normalise();
            lists
        })
    }

    /// Takes out zeros at the end of a list and before a word, the innermost list first.
    fn normalise(&mut self) {
        let mut inner: Option<bool> = None;
        for level in (0..self.0.len()).rev() {
            let Some(list) = self.0.get_mut(level) else { continue };
            for i in (0..list.len()).rev() {
                let Some(item) = list.get(i) else { continue };
                let before_word = match list.get(i + 1) {
                    Some(next) => matches!(next, Item::Word(_)),
                    None => inner.unwrap_or(true),
                };
                if item.is_zero() && before_word {
                    list.remove(i);
                }
            }
            let begins_with_word = matches!(list.first(), Some(Item::Word(_) | Item::Pair(..)));
            if list.is_empty() && inner.is_none() && level > 0 {
                self.0.truncate(level);
            } else {
                inner = Some(begins_with_word);
            }
        }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    lists: Vec<Vec<Item<'a>>>,
    /// Where the item begins that is being read.
    start: usize,
    /// Whether the last letter or digit was a digit.
    digits: bool,
    pair: bool,
}

impl<'a> Reader<'a> {
    fn read(&mut self) {
        for (i, &c) in self.text.iter().enumerate() {
            match c {
                b'.' => {
                    self.end_item(i);
                    self.start = i + 1;
                }
                b'-' => self.hyphen(i),
                b'0'..=b'9' => {
                    if !self.digits && i > self.start {
                        self.pair = true;
                        self.open_list();
                    }
                    self.digits = true;
                }
                _ => {
                    if self.digits && i > self.start {
                        self.end_item(i);
                        self.start = i;
                        self.lists.push(Vec::new());
                    }
                    self.digits = false;
                }
            }
        }
        if self.text.len() > self.start {
            if !self.digits {
                self.open_list();
            }
            self.end_item(self.text.len());
        }
    }

    fn hyphen(&mut self, i: usize) {
        let digit_follows = self.text.get(i + 1).is_some_and(u8::is_ascii_digit);
        if i > self.start && !self.digits && digit_follows {
            // The number belongs to the word.
            self.pair = true;
            return;
        }
        self.end_item(i);
        self.start = i + 1;
        self.open_list();
    }

    /// Ends the item before `end`; an empty one is a zero.
    fn end_item(&mut self, end: usize) {
        let item = match self.text.get(self.start..end).unwrap_or_default() {
            [] => Item::Number(b"0"),
            text if self.pair => Item::of_pair(text),
            text if self.digits => Item::Number(text),
            text => Item::of_word(text),
        };
        self.pair = false;
        if let Some(list) = self.lists.last_mut() {
            list.push(item);
        }
    }

    /// Begins a list, unless an empty one was just begun.
    fn open_list(&mut self) {
        if self.lists.last().is_some_and(|list| !list.is_empty()) {
            self.lists.push(Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_ascending, assert_equal, assert_unparsed};
    use super::*;

    #[test]
    fn artifacts_ascend() {
        assert_ascending(
            compare,
            &[
                "1-alpha",
                "1-alpha2snapshot",
                "1-alpha2",
                "1-alpha-123",
                "1-beta-2",
                "1-beta123",
                "1-m2",
                "1-m11",
                "1-rc",
                "1-cr2",
                "1-SNAPSHOT",
                "1",
                "1-sp",
                "1-abc",
                "1-jre8",
                "1-1-snapshot",
                "1-1",
                "1-2",
                "1.0.1",
                "2.9",
                "2.14.1",
                "18446744073709551616",
            ],
        );
    }

    #[test]
    fn release_words_and_zeros_say_nothing() {
        assert_equal(
            compare,
            &[
                ("1", "1.0.0"),
                ("1", "1-ga"),
                ("1.0.Final", "1"),
                ("1.0-RELEASE", "1.0"),
                ("1-0.ga", "1.0"),
                ("1a1", "1-alpha-1"),
                ("1.0.RC1", "1.0-rc-1"),
                ("1-cr1", "1-RC1"),
                ("01", "1"),
                ("Hoxton.SR12", "hoxton.sr12"),
            ],
        );
    }

    #[test]
    fn garbage_has_no_place() {
        assert_unparsed(compare, &["", "-", "...", "${project.version}", "[1.0,2.0)", "1 0", "1.0\u{e9}"]);
    }
}
