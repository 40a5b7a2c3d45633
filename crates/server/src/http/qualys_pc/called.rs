//! Where a call went. Clients write the same path in several ways: with two slashes in front, with and
//! without one at the end, as version 2.0, 3.0 or 4.0. They are the same call, and no redirect says so,
//! because a redirect would turn a POST into a GET.

use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::http::origin::{is_https, origin};

/// The address as it was called; in the extensions of every request of the family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Called {
    /// Scheme and authority.
    pub(super) origin: String,
    /// The path as the client wrote it.
    pub(super) path: String,
    /// `2.0`, `3.0` or `4.0`.
    pub(super) version: &'static str,
    /// Whether the client's connection was encrypted.
    pub(super) https: bool,
}

impl Called {
    /// Reads a request that may not have passed [`normalise`].
    pub(super) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        Self {
            origin: origin(uri, headers),
            path: uri.path().to_owned(),
            version: "2.0",
            https: is_https(uri, headers),
        }
    }

    /// The address of a document type of the version that was called.
    pub(super) fn dtd(&self, path: &str) -> String {
        match path.strip_prefix("/api/2.0/") {
            Some(rest) => format!("{}/api/{}/{rest}", self.origin, self.version),
            None => format!("{}{path}", self.origin),
        }
    }
}

/// Gives every spelling of a path of the family the one that the route table has.
pub(crate) async fn normalise(mut request: Request, next: Next) -> Response {
    if let Some((path, version)) = normal(request.uri().path()) {
        let called = Called { version, ..Called::of(request.uri(), request.headers()) };
        let with_query = match request.uri().query() {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        if let Ok(path_and_query) = with_query.parse::<PathAndQuery>() {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(path_and_query);
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
        request.extensions_mut().insert(called);
    }
    next.run(request).await
}

/// The path of the route table and the version called; `None` for paths of other families.
fn normal(path: &str) -> Option<(String, &'static str)> {
    let mut single = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !single.ends_with('/') {
            single.push(c);
        }
    }
    let trimmed = single.trim_end_matches('/');
    let version = |prefix: &str| trimmed.strip_prefix(prefix).filter(|rest| rest.starts_with('/'));
    for called in ["2.0", "3.0", "4.0"] {
        if let Some(rest) = version(&format!("/api/{called}")) {
            return Some((format!("/api/2.0{rest}"), called));
        }
    }
    let other = version("/msp").is_some() || trimmed == super::dtd::USER_LIST.path;
    other.then(|| (trimmed.to_owned(), "2.0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_path_is_one_path() {
        let exceptions = "/api/2.0/fo/compliance/exception".to_owned();
        for (called, version) in [
            ("/api/2.0/fo/compliance/exception/", "2.0"),
            ("/api/2.0/fo/compliance/exception", "2.0"),
            ("//api/2.0/fo/compliance/exception/", "2.0"),
            ("/api/2.0//fo///compliance/exception//", "2.0"),
            ("/api/3.0/fo/compliance/exception/", "3.0"),
            ("/api/4.0/fo/compliance/exception", "4.0"),
        ] {
            assert_eq!(normal(called), Some((exceptions.clone(), version)), "{called}");
        }
        assert_eq!(normal("/msp/about.php/"), Some(("/msp/about.php".to_owned(), "2.0")));
        for other in ["/", "/api/v1/exceptions/", "/api/2.0", "/api/2.01/fo", "/mspx/a", "/csapi/v1.3//x/"] {
            assert_eq!(normal(other), None, "{other}");
        }
    }
}
