//! The address by which the client reached this server, for links in answers.

use axum::http::{HeaderMap, Uri, header};

/// Scheme and authority; empty when the client named no host, so that a link is relative. A proxy that
/// ends TLS says so in `X-Forwarded-Proto`.
pub(crate) fn origin(uri: &Uri, headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host =
        uri.authority().map(axum::http::uri::Authority::as_str).or_else(|| text(header::HOST.as_str()));
    let plain = |host: &&str| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-_[]".contains(&b))
    };
    let forwarded = text("x-forwarded-proto").and_then(|value| value.split(',').next()).map(str::trim);
    let scheme = match forwarded.or_else(|| uri.scheme_str()) {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    };
    host.filter(plain).map(|host| format!("{scheme}://{host}")).unwrap_or_default()
}
