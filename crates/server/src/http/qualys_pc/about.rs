//! `/msp/about.php`: who answers. One client asks when it is made, without `X-Requested-With`, and reads
//! only status and headers.

use axum::http::StatusCode;
use axum::response::Response;

use super::answer::respond;
use super::xml::Xml;

/// The call.
pub(super) async fn about() -> Response {
    let mut xml = Xml::document("ABOUT", None);
    xml.node("ABOUT", |xml| {
        xml.leaf("API-VERSION", "2.0");
        xml.leaf("WEB-VERSION", env!("CARGO_PKG_VERSION"));
    });
    respond(StatusCode::OK, xml.take())
}
