//! One column of a row group: a dictionary of its values, and which row has which.
//!
//! The dictionary is what makes these files small: an asset's name stands there once, and in the rows
//! is a number of a few bits that repeats. A list is a value of its own here, and is taken apart when
//! the column is written.

use std::collections::HashMap;

use super::hybrid;
use crate::columns::Column;
use crate::value::Value;

/// No value.
pub(super) const NULL: u32 = u32::MAX;

/// How a column is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// UTF-8.
    Text,
    /// A list of UTF-8 texts.
    Texts,
    /// 64 bits.
    Integer,
    /// A double.
    Number,
    /// Milliseconds since 1970 in UTC.
    Instant,
    /// Days since 1970.
    Day,
    /// Yes or no.
    Flag,
}

impl Kind {
    /// What [`crate::value::value_of`] gives for a column; a test holds them together.
    pub(super) const fn of(column: Column) -> Self {
        match column {
            Column::References
            | Column::Registry
            | Column::Repository
            | Column::Tag
            | Column::Aliases
            | Column::RiskReasons => Self::Texts,
            Column::FirstFound | Column::ReopenedAt | Column::LastFound | Column::ExceptionEnd => {
                Self::Instant
            }
            Column::NotRunHere | Column::Kev | Column::Fixable => Self::Flag,
            Column::Qid | Column::Risk => Self::Integer,
            Column::Cvss | Column::Epss => Self::Number,
            Column::KevAdded => Self::Day,
            Column::Kind
            | Column::Asset
            | Column::AssetId
            | Column::Digest
            | Column::EnterpriseProject
            | Column::Distro
            | Column::Coverage
            | Column::Exception
            | Column::ExceptionTitle
            | Column::Vulnerability
            | Column::Severity
            | Column::CvssVector
            | Column::Package
            | Column::Version
            | Column::Arch
            | Column::Ecosystem
            | Column::Source
            | Column::SourceVersion
            | Column::State
            | Column::FixedVersion
            | Column::Class
            | Column::Title
            | Column::Blank => Self::Text,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) kind: Kind,
    /// The dictionary in the *plain* encoding, which is also the page.
    plain: Vec<u8>,
    count: u32,
    known: HashMap<Box<[u8]>, u32>,
    /// Lists by number: indexes of their texts.
    lists: Vec<Vec<u32>>,
    known_lists: HashMap<Vec<u32>, u32>,
    /// For each row the index of its value or list, the flag itself, or [`NULL`].
    rows: Vec<u32>,
}

impl Values {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            plain: Vec::new(),
            count: 0,
            known: HashMap::new(),
            lists: Vec::new(),
            known_lists: HashMap::new(),
            rows: Vec::new(),
        }
    }

    /// Forgets everything but what was allocated for rows.
    pub(super) fn clear(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        *self = Self { rows, ..Self::new(self.kind) };
        self.rows.clear();
    }

    /// Bytes of the dictionary, about.
    pub(super) fn weight(&self) -> usize {
        self.plain.len() * 2
            + self.known.len() * 64
            + self.lists.iter().map(|list| list.len() * 8 + 64).sum::<usize>()
    }

    pub(super) fn push(&mut self, index: u32) {
        self.rows.push(index);
    }

    /// The index of a value. One of another kind than the column's is no value.
    pub(super) fn index(&mut self, value: &Value<'_>) -> u32 {
        match (self.kind, value) {
            (Kind::Text, Value::Text(text)) => self.text(text),
            (Kind::Text, Value::Word(word)) => self.text(word),
            (Kind::Text, Value::Id(id)) => self.text(id.as_hyphenated().encode_lower(&mut [0; 36])),
            (Kind::Texts, Value::List(texts)) => {
                let list = texts.gather().iter().map(|text| self.text(text)).collect();
                self.list(list)
            }
            (Kind::Integer, Value::Integer(number)) => self.bytes(&number.to_le_bytes()),
            (Kind::Number, Value::Number(number)) => self.bytes(&number.to_le_bytes()),
            (Kind::Instant, Value::Instant(at)) => self.bytes(&at.to_le_bytes()),
            (Kind::Day, Value::Day(at)) => {
                let days = at.div_euclid(86_400_000);
                i32::try_from(days).map_or(NULL, |days| self.bytes(&days.to_le_bytes()))
            }
            (Kind::Flag, Value::Flag(flag)) => u32::from(*flag),
            _ => NULL,
        }
    }

    fn text(&mut self, text: &str) -> u32 {
        if let Some(&index) = self.known.get(text.as_bytes()) {
            return index;
        }
        self.plain.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.add(text.as_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> u32 {
        if let Some(&index) = self.known.get(bytes) {
            return index;
        }
        self.add(bytes)
    }

    fn add(&mut self, bytes: &[u8]) -> u32 {
        self.plain.extend_from_slice(bytes);
        let index = self.count;
        self.count += 1;
        self.known.insert(bytes.into(), index);
        index
    }

    fn list(&mut self, list: Vec<u32>) -> u32 {
        if let Some(&index) = self.known_lists.get(&list) {
            return index;
        }
        let index = self.lists.len() as u32;
        self.lists.push(list.clone());
        self.known_lists.insert(list, index);
        index
    }

    /// The dictionary page and the number of its values; flags have none.
    pub(super) fn dictionary(&self) -> Option<(&[u8], u32)> {
        (self.kind != Kind::Flag).then_some((self.plain.as_slice(), self.count))
    }

    /// The data page (version 1) and the number of its values, nothings included.
    pub(super) fn page(&self) -> (Vec<u8>, u32) {
        let mut out = Vec::new();
        if self.kind == Kind::Texts {
            return self.page_of_lists(out);
        }
        let defined: Vec<u32> = self.rows.iter().map(|&index| u32::from(index != NULL)).collect();
        put_levels(&mut out, &defined);
        let present: Vec<u32> = self.rows.iter().copied().filter(|&index| index != NULL).collect();
        match self.kind {
            Kind::Flag => out.extend(present.chunks(8).map(|eight| {
                eight.iter().enumerate().fold(0_u8, |byte, (bit, &flag)| byte | (flag as u8) << bit)
            })),
            _ => self.put_indexes(&mut out, &present),
        }
        (out, self.rows.len() as u32)
    }

    /// An empty list is one nothing: repetition 0, definition 0.
    fn page_of_lists(&self, mut out: Vec<u8>) -> (Vec<u8>, u32) {
        let (mut repeated, mut defined, mut present) = (Vec::new(), Vec::new(), Vec::new());
        for &row in &self.rows {
            let list = self.lists.get(row as usize).map_or(&[][..], Vec::as_slice);
            if list.is_empty() {
                repeated.push(0);
                defined.push(0);
            }
            for (position, &index) in list.iter().enumerate() {
                repeated.push(u32::from(position > 0));
                defined.push(1);
                present.push(index);
            }
        }
        put_levels(&mut out, &repeated);
        put_levels(&mut out, &defined);
        self.put_indexes(&mut out, &present);
        (out, defined.len() as u32)
    }

    fn put_indexes(&self, out: &mut Vec<u8>, present: &[u32]) {
        let width = hybrid::width_of(self.count as usize);
        out.push(width);
        hybrid::put(out, present, width);
    }
}

/// Levels of 0 and 1, with their length before them.
fn put_levels(out: &mut Vec<u8>, levels: &[u32]) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    hybrid::put(out, levels, 1);
    let length = (out.len() - start - 4) as u32;
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}
