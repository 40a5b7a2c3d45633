//! Query parameters of the HSS family: read by name, validated here, because the SDKs validate
//! nothing (contract 1.1).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::error::HssError;
use crate::http::query::RawQuery;

/// The parameters of one request. Unknown names are ignored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(RawQuery);

impl Query {
    /// Reads a raw query string.
    pub(crate) fn parse(raw: &str) -> Result<Self, HssError> {
        RawQuery::parse(raw).map(Self).map_err(|why| HssError::invalid(why.to_owned()))
    }

    /// The first value that is not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.text(name)
    }

    /// A text of at most `max` characters.
    pub(crate) fn text_up_to(&self, name: &str, max: usize) -> Result<Option<&str>, HssError> {
        match self.text(name) {
            Some(value) if value.chars().count() > max => {
                Err(HssError::invalid(format!("{name} is longer than {max} characters")))
            }
            other => Ok(other),
        }
    }

    /// An integer inside `range`.
    pub(crate) fn integer(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<Option<i64>, HssError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number: i64 = text.parse().map_err(|_| HssError::invalid(format!("{name} is not an integer")))?;
        if range.contains(&number) {
            Ok(Some(number))
        } else {
            Err(HssError::invalid(format!("{name} is out of range {}-{}", range.start(), range.end())))
        }
    }

    /// One of a fixed list of words.
    pub(crate) fn word<'a>(&'a self, name: &str, words: &[&str]) -> Result<Option<&'a str>, HssError> {
        match self.text(name) {
            Some(value) if !words.contains(&value) => {
                Err(HssError::invalid(format!("{name} is not one of {}", words.join(", "))))
            }
            other => Ok(other),
        }
    }

    /// A comma-separated list of words of a fixed list.
    pub(crate) fn words<'a>(&'a self, name: &str, words: &[&str]) -> Result<Vec<&'a str>, HssError> {
        let list = self.list(name);
        match list.iter().find(|value| !words.contains(value)) {
            Some(wrong) => {
                Err(HssError::invalid(format!("{name}: {wrong:?} is not one of {}", words.join(", "))))
            }
            None => Ok(list),
        }
    }

    /// A comma-separated list.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        self.text(name)
            .map(|value| value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect())
            .unwrap_or_default()
    }
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
    }

    #[test]
    fn numbers_are_checked() {
        let query = Query::parse("export_size=0&offset=x&limit=5").unwrap();
        assert!(query.integer("export_size", 1..=10).is_err());
        assert!(query.integer("offset", 0..=10).is_err());
        assert_eq!(query.integer("limit", 0..=10).unwrap(), Some(5));
        assert_eq!(query.integer("absent", 0..=10).unwrap(), None);
    }
}
