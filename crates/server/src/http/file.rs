//! Streams a finished artifact: whole, or one byte range (RFC 9110, section 14), so that a broken
//! download can be continued. `HEAD` is answered by the framework from the same handler.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use parapet_service::{App, Error};
use parapet_store::artifacts::Artifact;
use tokio_util::io::ReaderStream;

/// Bytes read at once. Each piece is a visit to another thread, so small ones take longer.
const PIECE: usize = 256 << 10;

/// The answer that carries `artifact`.
pub(crate) async fn answer(app: &App, artifact: &Artifact, headers: &HeaderMap) -> Result<Response, Error> {
    let etag = format!("\"{}\"", artifact.sha256);
    let mut response = Response::new(Body::empty());
    let out = response.headers_mut();
    out.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    let disposition = format!("attachment; filename=\"{}\"", artifact.file_name.replace(['"', '\\'], "_"));
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        out.insert(CONTENT_DISPOSITION, value);
    }
    if let Ok(value) = HeaderValue::from_str(&etag) {
        out.insert(ETAG, value);
    }
    let unchanged = headers.get(IF_RANGE).is_none_or(|v| v.as_bytes() == etag.as_bytes());
    let wanted = headers.get(RANGE).filter(|_| unchanged).and_then(|v| v.to_str().ok());
    let (start, length) = match wanted.map(|text| parse_range(text, artifact.size)) {
        None | Some(Range::Whole) => (0, artifact.size),
        Some(Range::Part { start, length }) => {
            let end = start + length - 1;
            out.insert(CONTENT_RANGE, number(format!("bytes {start}-{end}/{}", artifact.size)));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            (start, length)
        }
        Some(Range::Outside) => {
            out.insert(CONTENT_RANGE, number(format!("bytes */{}", artifact.size)));
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            return Ok(response);
        }
    };
    response.headers_mut().insert(CONTENT_LENGTH, number(length.to_string()));
    let bytes = app.exports().open(artifact, start, length).await?;
    *response.body_mut() = Body::from_stream(ReaderStream::with_capacity(bytes, PIECE));
    Ok(response)
}

fn number(text: String) -> HeaderValue {
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("0"))
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// No range, several, or not understood: the whole file.
    Whole,
    Part {
        start: u64,
        length: u64,
    },
    /// Begins past the end.
    Outside,
}

fn parse_range(text: &str, size: u64) -> Range {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|spec| spec.split_once('-')) else {
        return Range::Whole;
    };
    let (start, end) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(start), Ok(end)) if start <= end => (start, end.min(size.saturating_sub(1))),
        (Ok(start), Err(_)) if last.trim().is_empty() => (start, size.saturating_sub(1)),
        (Err(_), Ok(0)) if first.trim().is_empty() => return Range::Outside,
        (Err(_), Ok(suffix)) if first.trim().is_empty() => {
            (size.saturating_sub(suffix), size.saturating_sub(1))
        }
        _ => return Range::Whole,
    };
    if start >= size { Range::Outside } else { Range::Part { start, length: end - start + 1 } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_the_standard() {
        let part = |start, length| Range::Part { start, length };
        assert_eq!(parse_range("bytes=0-0", 10), part(0, 1));
        assert_eq!(parse_range("bytes=4-", 10), part(4, 6));
        assert_eq!(parse_range("bytes=-3", 10), part(7, 3));
        assert_eq!(parse_range("bytes=-30", 10), part(0, 10));
        assert_eq!(parse_range("bytes=2-99", 10), part(2, 8));
        assert_eq!(parse_range("bytes=10-", 10), Range::Outside);
        assert_eq!(parse_range("bytes=-0", 10), Range::Outside);
        assert_eq!(parse_range("bytes=0-1,4-5", 10), Range::Whole);
        assert_eq!(parse_range("lines=1-2", 10), Range::Whole);
        assert_eq!(parse_range("bytes=0-", 0), Range::Outside);
    }
}
