//! Query strings and forms, read by name. Wire families check what they read in their own words.

use std::collections::BTreeMap;

/// The parameters of one request. Repeated names keep all values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RawQuery(BTreeMap<String, Vec<String>>);

impl RawQuery {
    /// Reads a raw query string or an urlencoded form: `+` is a space, `%XX` is decoded, raw commas
    /// and slashes are accepted as they come.
    ///
    /// # Errors
    /// What is wrong, when a name or value is not UTF-8 or holds a NUL.
    pub(crate) fn parse(raw: &str) -> Result<Self, &'static str> {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in pairs(raw) {
            let (name, value) = pair?;
            values.entry(name).or_default().push(value);
        }
        Ok(Self(values))
    }

    /// The first value that is not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.iter().map(String::as_str).find(|value| !value.is_empty())
    }

    /// All values that are not empty.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.0.get(name).into_iter().flatten();
        values.map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Names and values in the order they stand; see [`RawQuery::parse`].
pub(crate) fn pairs(raw: &str) -> impl Iterator<Item = Result<(String, String), &'static str>> {
    raw.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(name)?, decode(value)?))
    })
}

fn decode(text: &str) -> Result<String, &'static str> {
    let spaced = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced)
        .decode_utf8()
        .map_err(|_| "a query parameter is not UTF-8")?;
    if decoded.contains('\0') {
        return Err("a query parameter contains a NUL");
    }
    Ok(decoded.into_owned())
}
