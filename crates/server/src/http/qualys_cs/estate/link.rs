//! The `Link` header that leads to the next page (contract 1.5), as real clients take it apart.
//!
//! | rule | because |
//! |---|---|
//! | absolute, `;rel=next` without quotes | regscale looks for these very characters |
//! | no raw `,` `;` `<` `>` inside | regscale splits at the comma, qualysdk at the semicolon |
//! | `limit` first | qualysdk gives the whole address to a query parser, which glues the first key to the path |
//! | the filter is repeated | regscale and the image fetcher ask for the link as it stands |
//! | no header after the last page | qualysdk fails on a link that says `null` |

use axum::http::{HeaderMap, HeaderValue, Uri};
use parapet_model::AssetNo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::{CsError, CsResult};
use crate::http::origin::origin;

/// What a cursor begins with.
const AFTER: &str = "after-";

/// Where the request went.
#[derive(Debug)]
pub(super) struct Here {
    /// Scheme and authority; empty when the client named no host, so that the link is relative.
    origin: String,
    path: String,
}

impl Here {
    /// The address the client used. A proxy that ends TLS says so in `X-Forwarded-Proto`.
    pub(super) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        Self { origin: origin(uri, headers), path: uri.path().to_owned() }
    }

    /// The header: `first` stands before the other parameters, which are left out when empty.
    pub(super) fn link(&self, first: (&str, usize), more: &[(&str, &str)]) -> CsResult<HeaderValue> {
        let (name, value) = first;
        let mut link = format!("<{}{}?{name}={value}", self.origin, self.path);
        for (name, value) in more.iter().filter(|(_, value)| !value.is_empty()) {
            link.push_str(&format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        }
        link.push_str(">;rel=next");
        HeaderValue::from_str(&link).map_err(|_| CsError::invalid("the path cannot stand in a header"))
    }
}

/// The cursor that goes on behind an asset. Numbers never change, so it stays right whatever
/// happens meanwhile.
pub(super) fn cursor(after: AssetNo) -> String {
    format!("{AFTER}{after}")
}

/// Reads a cursor.
pub(super) fn read_cursor(text: &str) -> CsResult<AssetNo> {
    let number = text.strip_prefix(AFTER).and_then(|number| number.parse().ok());
    number.map(AssetNo).ok_or_else(|| CsError::invalid("paginationQuery is not one this server gave"))
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    fn here(host: &str, proto: Option<&str>) -> Here {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        if let Some(proto) = proto {
            headers.insert("x-forwarded-proto", HeaderValue::from_str(proto).unwrap());
        }
        Here::of(&Uri::from_static("/csapi/v1.3/images/list?limit=2"), &headers)
    }

    #[test]
    fn a_link_survives_the_way_qualysdk_and_regscale_take_it_apart() {
        let more = [("filter", "repo.tag:[a, b] AND x<5;"), ("paginationQuery", "after-7")];
        let link = here("cs.example:8443", Some("https")).link(("limit", 2), &more).unwrap();
        let link = link.to_str().unwrap();
        assert_eq!(
            link,
            "<https://cs.example:8443/csapi/v1.3/images/list?limit=2&filter=repo%2Etag%3A%5Ba%2C%20b%5D%20AND%20x%3C5%3B\
             &paginationQuery=after%2D7>;rel=next"
        );
        let inner = link.strip_prefix('<').unwrap().strip_suffix(">;rel=next").unwrap();
        assert!(!inner.contains([',', ';', '<', '>']), "{inner}");
    }

    #[test]
    fn a_host_that_would_break_the_header_is_not_repeated() {
        assert_eq!(here("a,b", None).origin, "");
        assert_eq!(here("127.0.0.1:80", Some("gopher")).origin, "http://127.0.0.1:80");
    }

    #[test]
    fn cursors_of_others_are_refused() {
        assert_eq!(read_cursor(&cursor(AssetNo(9))).unwrap(), AssetNo(9));
        for wrong in ["", "9", "after-", "after--1", "after-99999999999", "updated>=5"] {
            assert!(read_cursor(wrong).is_err(), "{wrong}");
        }
    }
}
