//! Addresses within the server. The address is the whole state of a page.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands for itself in a part of a path.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'@');
/// What stands for itself in a parameter.
const QUERY: &AsciiSet = &PATH.remove(b'/').remove(b',');

/// A path with parameters; empty values are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    path: String,
    parameters: Vec<(&'static str, String)>,
}

impl Link {
    /// A path of the route table.
    pub(crate) fn to(path: &str) -> Self {
        Self { path: path.to_owned(), parameters: Vec::new() }
    }

    /// A path with one more part, encoded.
    pub(crate) fn part(mut self, part: &str) -> Self {
        self.path.push('/');
        self.path.extend(utf8_percent_encode(part, PATH));
        self
    }

    /// With a parameter, in place of the one of that name; an empty value takes it away.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        match self.parameters.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.parameters.push((name, value)),
        }
        self
    }

    /// Parameters that are not empty, for the hidden fields of a form.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.parameters
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (*name, value.as_str()))
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        for (at, (name, value)) in self.parameters().enumerate() {
            write!(f, "{}{name}={}", if at == 0 { '?' } else { '&' }, utf8_percent_encode(value, QUERY))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_encodes_what_would_mean_something_else() {
        let link = Link::to("/packages")
            .part("pkg:deb/debian/a&b?c")
            .with("where", "a = \"x y\" & more")
            .with("empty", "");
        assert_eq!(
            link.to_string(),
            "/packages/pkg:deb%2Fdebian%2Fa%26b%3Fc?where=a%20%3D%20%22x%20y%22%20%26%20more"
        );
        assert_eq!(link.with("where", "").to_string(), "/packages/pkg:deb%2Fdebian%2Fa%26b%3Fc");
    }
}
