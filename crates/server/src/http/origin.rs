//! Under which address a client called: what links and document types in answers begin with. A proxy
//! in front says it in `X-Forwarded-Proto` and `X-Forwarded-Host`.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

/// Scheme and authority, such as `https://parapet.example:8443`; empty when the client named no host.
pub(crate) fn origin(uri: &Uri, headers: &HeaderMap) -> String {
    let plain = |host: &&str| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-_[]".contains(&b))
    };
    let forwarded = first(headers, "x-forwarded-host").filter(plain);
    let own = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let named = uri.authority().map(Authority::as_str).or(own);
    let host = forwarded.or_else(|| named.filter(plain));
    let scheme = if is_https(uri, headers) { "https" } else { "http" };
    host.map(|host| format!("{scheme}://{host}")).unwrap_or_default()
}

/// Whether the client's own connection was encrypted.
pub(crate) fn is_https(uri: &Uri, headers: &HeaderMap) -> bool {
    let scheme = first(headers, "x-forwarded-proto").or_else(|| uri.scheme_str());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// The value of a header that proxies append to: the first is the one nearest to the client.
fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()?.split(',').next().map(str::trim)
}
