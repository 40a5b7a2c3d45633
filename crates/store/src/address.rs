//! Where a store lives.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::Error;

/// The address of a store.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// An embedded SQLite database in this file.
    Sqlite(PathBuf),
    /// The same for a store of one program that nobody else opens and that goes away with it: nothing
    /// of it waits for the disk.
    Temporary(PathBuf),
    /// A PostgreSQL database, as `postgres://user:password@host:port/database`.
    Postgres(String),
}

impl FromStr for StoreUrl {
    type Err = Error;

    /// `postgres://…` and `postgresql://…` are servers; `sqlite:PATH` and plain paths are files.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        if path.is_empty() || path.contains('\0') || path.contains("://") {
            return Err(Error::Url(without_password(text)));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

/// Without the password, so that it can be logged.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) | Self::Temporary(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let tail = tail.split('?').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((who, host)) => {
            let user = who.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}{tail}")
        }
        None => format!("{scheme}://{authority}{tail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart_and_printed_without_the_password() {
        let file = |p: &str| StoreUrl::Sqlite(PathBuf::from(p));
        assert_eq!("data/parapet.db".parse::<StoreUrl>().unwrap(), file("data/parapet.db"));
        assert_eq!("sqlite:/x.db".parse::<StoreUrl>().unwrap(), file("/x.db"));
        let pg: StoreUrl = "postgres://me:p@ss@db:5432/parapet?password=p".parse().unwrap();
        assert_eq!(pg.to_string(), "postgres://me@db:5432/parapet");
        assert_eq!(format!("{pg:?}"), pg.to_string());
        for bad in ["", "sqlite:", "mysql://me:secret@h/d"] {
            let error = bad.parse::<StoreUrl>().unwrap_err().to_string();
            assert!(error.contains("not a store address") && !error.contains("secret"), "{error}");
        }
    }
}
