//! Style, script and icon, served under names that hold a hash of their content, so that a browser keeps
//! them for ever and a new release is seen at once.

use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use parapet_model::Digest;

use crate::error::PageError;

/// A file that pages refer to.
#[derive(Debug)]
pub(crate) struct File {
    /// Last part of its address, such as `style.0f1e2d3c4b5a.css`.
    pub(crate) name: String,
    /// Its media type.
    kind: &'static str,
    /// Its content.
    bytes: &'static [u8],
}

impl File {
    fn new(stem: &str, ending: &str, kind: &'static str, bytes: &'static [u8]) -> Self {
        let hash = Digest::of(bytes).hex();
        Self { name: format!("{stem}.{}.{ending}", hash.get(..12).unwrap_or_default()), kind, bytes }
    }

    /// Address on the server.
    pub(crate) fn path(&self) -> String {
        format!("/static/{}", self.name)
    }
}

/// The style of all pages.
pub(crate) static STYLE: LazyLock<File> = LazyLock::new(|| {
    File::new("style", "css", "text/css; charset=utf-8", include_bytes!("../assets/style.css"))
});
/// The script of all pages.
pub(crate) static SCRIPT: LazyLock<File> = LazyLock::new(|| {
    File::new("parapet", "js", "text/javascript; charset=utf-8", include_bytes!("../assets/parapet.js"))
});
/// The mark in the corner and in the tab.
pub(crate) static ICON: LazyLock<File> =
    LazyLock::new(|| File::new("icon", "svg", "image/svg+xml", include_bytes!("../assets/icon.svg")));

/// The file of a name.
fn named(name: &str) -> Option<&'static File> {
    [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(|file| file.name == name)
}

/// Style, script and icon.
pub(crate) async fn get(Path(name): Path<String>) -> Response {
    let Some(file) = named(&name) else { return PageError::not_found("file").into_response() };
    let headers =
        [(header::CONTENT_TYPE, file.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, Body::from(file.bytes)).into_response()
}
