//! Query parameters of the HSS family: read by name, validated here, because the SDKs validate
//! nothing (contract 1.1). Every refusal names the parameter.

use std::ops::RangeInclusive;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use parapet_posture::Window;

use super::error::HssError;
use crate::http::query::RawQuery;

/// Largest `offset`.
const MAX_OFFSET: i64 = 2_000_000;
/// Largest `limit`, and the one that holds when none is given.
const MAX_LIMIT: i64 = 200;
const DEFAULT_LIMIT: i64 = 10;

/// The parameters of one request. Unknown names are ignored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(RawQuery);

/// A part of a list (contract 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// Entries passed over.
    pub(crate) offset: usize,
    /// Entries at most.
    pub(crate) limit: usize,
}

impl Page {
    /// The same for a list that is worked out part by part.
    pub(crate) fn window(self) -> Window {
        Window { offset: self.offset, limit: self.limit }
    }

    /// The entries of the page, and how many there are in all.
    pub(crate) fn cut<T>(self, list: Vec<T>) -> (usize, Vec<T>) {
        let total = list.len();
        (total, list.into_iter().skip(self.offset).take(self.limit).collect())
    }
}

impl Query {
    /// Reads a raw query string.
    pub(crate) fn parse(raw: &str) -> Result<Self, HssError> {
        RawQuery::parse(raw).map(Self).map_err(|why| HssError::invalid(why.to_owned()))
    }

    /// The one value of a parameter, which may be empty.
    fn single(&self, name: &str) -> Result<Option<&str>, HssError> {
        match self.0.values(name) {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            _ => Err(HssError::invalid(format!("{name} is given more than once"))),
        }
    }

    /// Whether a parameter is there, be it empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        !self.0.values(name).is_empty()
    }

    /// A text of so many characters. Where it may be empty, empty is as good as absent.
    pub(crate) fn text(&self, name: &str, length: RangeInclusive<usize>) -> Result<Option<&str>, HssError> {
        let Some(value) = self.single(name)? else { return Ok(None) };
        check_length(name, value, length)?;
        Ok(Some(value).filter(|value| !value.is_empty()))
    }

    /// A text that must be there.
    pub(crate) fn required(&self, name: &str, length: RangeInclusive<usize>) -> Result<&str, HssError> {
        self.text(name, length)?.ok_or_else(|| missing(name))
    }

    /// An integer inside `range`.
    pub(crate) fn integer(&self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, HssError> {
        let Some(text) = self.single(name)? else { return Ok(None) };
        // A sign in front of a number is read by Rust, but by nobody else.
        let number = text.parse().ok().filter(|_| !text.starts_with('+'));
        let number: i64 = number.ok_or_else(|| HssError::invalid(format!("{name} is not an integer")))?;
        check_range(name, number, range).map(Some)
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, HssError> {
        Ok(self.word(name, &["true", "false"])?.map(|word| word == "true"))
    }

    /// One of a fixed list of words.
    pub(crate) fn word<'a>(&'a self, name: &str, words: &[&str]) -> Result<Option<&'a str>, HssError> {
        let Some(value) = self.single(name)? else { return Ok(None) };
        check_word(name, value, words)?;
        Ok(Some(value))
    }

    /// One of a fixed list of words, which must be there.
    pub(crate) fn required_word<'a>(&'a self, name: &str, words: &[&str]) -> Result<&'a str, HssError> {
        self.word(name, words)?.ok_or_else(|| missing(name))
    }

    /// A comma-separated list of words of a fixed list.
    pub(crate) fn words<'a>(&'a self, name: &str, words: &[&str]) -> Result<Vec<&'a str>, HssError> {
        let Some(value) = self.single(name)? else { return Ok(Vec::new()) };
        let list: Vec<&str> = value.split(',').map(str::trim).collect();
        list.iter().try_for_each(|value| check_word(name, value, words))?;
        Ok(list)
    }

    /// A comma-separated list of texts, each of so many characters, at most `most` of them.
    pub(crate) fn list(
        &self,
        name: &str,
        length: RangeInclusive<usize>,
        most: usize,
    ) -> Result<Vec<&str>, HssError> {
        let Some(value) = self.single(name)? else { return Ok(Vec::new()) };
        if value.is_empty() && *length.start() == 0 {
            return Ok(Vec::new());
        }
        let list: Vec<&str> = value.split(',').map(str::trim).collect();
        if list.len() > most {
            return Err(HssError::invalid(format!("{name} has more than {most} entries")));
        }
        list.iter().try_for_each(|value| check_length(name, value, 1..=*length.end()))?;
        Ok(list)
    }

    /// A parameter that is repeated for each of its values; a client may also join them by commas.
    pub(crate) fn array<'a>(&'a self, name: &str, most: usize) -> Result<Vec<&'a str>, HssError> {
        let values = self.0.values(name);
        let list: Vec<&str> = values.iter().flat_map(|value| value.split(',')).map(str::trim).collect();
        if list.len() > most {
            return Err(HssError::invalid(format!("{name} has more than {most} entries")));
        }
        list.iter().try_for_each(|value| check_length(name, value, 1..=256))?;
        Ok(list)
    }

    /// `limit` and `offset`. The reference says 10 to 200, older clients ask for less.
    pub(crate) fn page(&self) -> Result<Page, HssError> {
        let limit = self.integer("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
        let offset = self.integer("offset", 0..=MAX_OFFSET)?.unwrap_or(0);
        Ok(Page { offset: offset.unsigned_abs() as usize, limit: limit.unsigned_abs() as usize })
    }
}

/// The refusal of a parameter that is not there.
pub(crate) fn missing(name: &str) -> HssError {
    HssError::invalid(format!("{name} is missing"))
}

/// Refuses a text of another length.
pub(crate) fn check_length(name: &str, value: &str, length: RangeInclusive<usize>) -> Result<(), HssError> {
    match value.chars().count() {
        0 if *length.start() > 0 => Err(HssError::invalid(format!("{name} is empty"))),
        n if n > *length.end() => {
            Err(HssError::invalid(format!("{name} is longer than {} characters", length.end())))
        }
        _ => Ok(()),
    }
}

/// Refuses a word that is not in the list.
pub(crate) fn check_word(name: &str, value: &str, words: &[&str]) -> Result<(), HssError> {
    if words.contains(&value) {
        return Ok(());
    }
    Err(HssError::invalid(format!("{name} is not one of {}", words.join(", "))))
}

/// Refuses a number outside.
pub(crate) fn check_range(name: &str, number: i64, range: RangeInclusive<i64>) -> Result<i64, HssError> {
    if range.contains(&number) {
        return Ok(number);
    }
    Err(HssError::invalid(format!("{name} is out of range {}-{}", range.start(), range.end())))
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = HssError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HssError> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_raw_and_escaped_commas_are_lists() {
        for raw in ["repair_priority=Critical,High", "repair_priority=Critical%2CHigh"] {
            let query = Query::parse(raw).unwrap();
            assert_eq!(query.words("repair_priority", &["Critical", "High"]).unwrap(), ["Critical", "High"]);
        }
        let query = Query::parse("status=a&status=b,c&one=&list=a,,b&many=1,2,3").unwrap();
        assert_eq!(query.array("status", 3).unwrap(), ["a", "b", "c"]);
        assert!(query.array("status", 2).is_err());
        assert!(query.list("one", 0..=9, 9).unwrap().is_empty());
        assert!(query.list("one", 1..=9, 9).is_err());
        assert!(query.list("list", 0..=9, 9).is_err());
        assert!(query.list("many", 0..=9, 2).is_err());
    }

    #[test]
    fn what_is_wrong_is_refused_by_name() {
        let query =
            Query::parse("export_size=0&offset=x&limit=5&twice=a&twice=b&empty=&plus=%2B5&yes=TRUE").unwrap();
        let refused = |result: Result<_, HssError>, name: &str| {
            let Err(error): Result<(), _> = result else { panic!("{name} passes") };
            assert!(format!("{error:?}").contains(name), "{error:?}");
        };
        refused(query.integer("export_size", 1..=10).map(drop), "export_size");
        refused(query.integer("offset", 0..=10).map(drop), "offset");
        refused(query.integer("plus", 0..=10).map(drop), "plus");
        refused(query.text("twice", 0..=10).map(drop), "twice");
        refused(query.text("empty", 1..=10).map(drop), "empty");
        refused(query.integer("empty", 0..=10).map(drop), "empty");
        refused(query.word("empty", &["a"]).map(drop), "empty");
        refused(query.boolean("yes").map(drop), "yes");
        refused(query.page().map(drop), "offset");
        assert_eq!(query.integer("limit", 0..=10).unwrap(), Some(5));
        assert_eq!(query.integer("absent", 0..=10).unwrap(), None);
        assert_eq!(query.text("empty", 0..=10).unwrap(), None);
    }

    #[test]
    fn pages_are_bounded() {
        let page = |raw: &str| Query::parse(raw).unwrap().page();
        assert_eq!(page("").unwrap(), Page { offset: 0, limit: 10 });
        assert_eq!(page("limit=1&offset=2000000").unwrap(), Page { offset: 2_000_000, limit: 1 });
        for bad in ["limit=0", "limit=201", "offset=-1", "offset=2000001", "limit=", "limit=1&limit=1"] {
            assert!(page(bad).is_err(), "{bad}");
        }
        assert_eq!(Page { offset: 1, limit: 2 }.cut(vec![1, 2, 3, 4]), (4, vec![2, 3]));
    }
}
