//! Requests that no handler could take: a body that is too large or no JSON, a parameter of another
//! type. The extractors answer those in plain text; here they get the error shape of the route's
//! family, so that a client finds a reason where it looks for one.

use axum::body::{Body, BodyDataStream, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;

use super::hss::HssError;
use super::keystone::KeystoneError;
use super::native::ApiError;
use super::qualys_cs::CsError;
use super::qualys_pc::PcError;
use super::route::Family;

/// Largest request body, in bytes (contract `huawei-hss` 7.4: 12 MB is refused by the real gateway).
pub(crate) const MAX_BODY: usize = 12 << 20;
/// How much of a body that is too large is read and thrown away, so that its sender reads the answer
/// instead of a broken connection.
const MAX_DRAINED: usize = 64 << 20;
/// Longest reason of an extractor that is passed on, in bytes.
const MAX_REASON: usize = 1 << 16;

/// What a route takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Whose error shape answers.
    pub(crate) family: Family,
    /// The body is a file, and the handler bounds it.
    pub(crate) upload: bool,
}

/// Runs the handler behind it, and words what the extractors refuse.
pub(crate) async fn guard(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    let Bounds { family, upload } = bounds;
    if !upload && is_too_large(request.headers()) {
        drain(request.into_body().into_data_stream()).await;
        return refusal(family, StatusCode::PAYLOAD_TOO_LARGE, String::new());
    }
    let response = next.run(request).await;
    if !is_plain_refusal(&response) {
        return response;
    }
    let status = response.status();
    let reason = to_bytes(response.into_body(), MAX_REASON).await.unwrap_or_default();
    refusal(family, status, String::from_utf8_lossy(&reason).into_owned())
}

/// The whole body of a request.
///
/// # Errors
/// The status to answer with.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, StatusCode> {
    if is_too_large(headers) {
        drain(body.into_data_stream()).await;
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| StatusCode::BAD_REQUEST)?;
        if bytes.len() + chunk.len() > MAX_BODY {
            drain(chunks).await;
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// Whether the sender announces more than is taken.
fn is_too_large(headers: &HeaderMap) -> bool {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    announced.and_then(|text| text.parse::<u64>().ok()).is_some_and(|length| length > MAX_BODY as u64)
}

/// Throws the rest of a body away, as far as it pays.
pub(crate) async fn drain(mut chunks: BodyDataStream) {
    let mut left = MAX_DRAINED;
    while let Some(Ok(chunk)) = chunks.next().await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            return;
        }
    }
}

/// Handlers answer errors as JSON; plain text comes from an extractor.
fn is_plain_refusal(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    response.status().is_client_error() && kind.is_some_and(|kind| kind.starts_with(b"text/plain"))
}

fn refusal(family: Family, status: StatusCode, reason: String) -> Response {
    let reason = match status {
        StatusCode::PAYLOAD_TOO_LARGE => format!("the body is larger than {MAX_BODY} bytes"),
        _ => reason,
    };
    match family {
        Family::Hss => HssError::refused(status, reason).into_response(),
        Family::Keystone => KeystoneError::refused(status, reason).into_response(),
        Family::QualysCs => CsError::new(status, reason).into_response(),
        Family::QualysPc => PcError::refused(status, reason).into_response(),
        Family::Pages => parapet_pages::PageError::refused(status, reason).into_response(),
        Family::Native | Family::Operations => ApiError::refused(status, reason).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::Router;
    use axum::body::Body;
    use axum::http::Method;
    use parapet_service::{App, TokenScope};
    use parapet_store::seal::Secret;
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;
    use crate::cli::StoreOptions;

    const PASSWORD: &str = "a password for tests";

    /// A server with a signed-in manager: its token and its project.
    struct Server {
        router: Router,
        token: String,
        project: String,
        _dir: tempfile::TempDir,
    }

    impl Server {
        async fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let (app, local): (Arc<App>, _) = StoreOptions::embedded(dir.path()).open().await.unwrap();
            let accounts = app.accounts();
            let roles = ["manager".to_owned()];
            accounts.create_user(&local, "ann", Secret::new(PASSWORD), &roles).await.unwrap();
            let signed_in = accounts.sign_in("ann", Secret::new(PASSWORD)).await.unwrap();
            let (token, _) = accounts.issue_token(&signed_in, &TokenScope::HomeProject).await.unwrap();
            let project = accounts.projects_of(&local).await.unwrap()[0].id.clone();
            let token = token.expose().to_owned();
            Self { router: crate::http::router(app.clone()), token, project, _dir: dir }
        }

        /// Status and document of the answer to a POST.
        async fn post(&self, path: &str, length: Option<usize>, body: Vec<u8>) -> (u16, Value) {
            let path = path.replace("PROJECT", &self.project);
            let mut request = Request::builder()
                .method(Method::POST)
                .uri(path)
                .header("X-Auth-Token", &self.token)
                .header(CONTENT_TYPE, "application/json");
            if let Some(length) = length {
                request = request.header(CONTENT_LENGTH, length);
            }
            let request = request.body(Body::from(body)).unwrap();
            let answer = self.router.clone().oneshot(request).await.unwrap();
            let status = answer.status().as_u16();
            let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            (status, serde_json::from_slice(&bytes).unwrap())
        }
    }

    const NATIVE: &str = "/api/v1/exports";
    const HSS: &str = "/v5/PROJECT/vul/export?category=vul&export_size=1";
    const IDENTITY: &str = "/v3/auth/tokens";

    #[tokio::test]
    async fn a_body_over_12_mib_is_refused_in_the_shape_of_its_family() {
        let server = Server::new().await;
        let body = vec![b' '; MAX_BODY + 1];
        for length in [Some(body.len()), None] {
            let (status, answer) = server.post(NATIVE, length, body.clone()).await;
            assert_eq!((status, &answer["error"]["code"]), (413, &Value::from("too_large")));
            assert_eq!(answer["error"]["message"], "the body is larger than 12582912 bytes");
            let (status, answer) = server.post(HSS, length, body.clone()).await;
            assert_eq!((status, &answer["error_code"]), (413, &Value::from("APIGW.0201")));
            assert!(answer["error_msg"].is_string() && answer["request_id"].is_string(), "{answer}");
            let (status, answer) = server.post(IDENTITY, length, body.clone()).await;
            assert_eq!((status, &answer["error"]["code"]), (413, &Value::from(413)));
        }
        let (status, answer) = server.post(HSS, Some(MAX_BODY), vec![b' '; MAX_BODY]).await;
        assert_eq!(status, 200, "exactly 12 MiB pass: {answer}");
    }

    #[tokio::test]
    async fn json_nested_ten_thousand_deep_is_an_error_of_its_family() {
        let server = Server::new().await;
        let deep = format!("{{\"where\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes();
        for path in [NATIVE, "/api/v1/exceptions/preview", "/api/v1/feeds/sync"] {
            let (status, answer) = server.post(path, None, deep.clone()).await;
            assert!((400..500).contains(&status), "{path}: {status}");
            assert_eq!(answer["error"]["code"], "invalid", "{path}: {answer}");
        }
        let deep =
            format!("{{\"severity_level\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes();
        let (status, answer) = server.post(HSS, None, deep).await;
        assert!(
            (status, &answer["error_code"]) == (400, &Value::from("HSS.0002")) || status == 200,
            "{answer}"
        );
        let deep = "{\"export_headers\":".to_owned() + &"[".repeat(10_000);
        let (status, answer) = server.post(HSS, None, deep.into_bytes()).await;
        assert_eq!((status, &answer["error_code"]), (400, &Value::from("HSS.0002")), "{answer}");
        let deep = "{\"auth\":".repeat(10_000).into_bytes();
        let (status, answer) = server.post(IDENTITY, None, deep).await;
        assert_eq!((status, &answer["error"]["title"]), (400, &Value::from("Bad Request")));
    }

    #[tokio::test]
    async fn what_an_extractor_refuses_is_worded_by_the_family() {
        let server = Server::new().await;
        for body in ["", "{", "[]", "{\"no_such_field\": 1}"] {
            let (status, answer) = server.post(NATIVE, None, body.into()).await;
            assert!((400..500).contains(&status), "{body:?}: {status}");
            assert_eq!(answer["error"]["code"], "invalid", "{body:?}");
            assert!(!answer["error"]["message"].as_str().unwrap().is_empty());
        }
    }
}
