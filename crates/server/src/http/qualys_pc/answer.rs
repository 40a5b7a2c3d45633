//! Answers: the declaration, the document type under the address the client called, the parameters
//! where they were asked for, and what was found.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parapet_model::Millis;
use parapet_model::time::format_seconds;

use super::called::Called;
use super::dtd::{self, Dtd};
use super::error::PcError;
use super::params::Call;
use super::xml::Xml;

/// Parameters whose value is never repeated.
const SECRET: [&str; 1] = ["password"];

/// Content type of everything in this family.
const XML: &str = "text/xml;charset=utf-8";

/// A document under way, inside its root element and after `REQUEST`.
pub(super) struct Answer {
    pub(super) xml: Xml,
    root: &'static str,
}

impl Answer {
    /// Begins an answer to `call` by the user with this login.
    pub(super) fn begin(call: &Call, login: &str, now: Millis, kind: &Dtd) -> Self {
        let mut xml = Xml::document(kind.root, Some(&call.called.dtd(kind.path)));
        xml.open(kind.root);
        if call.echoes() {
            echo(&mut xml, call, login, now);
        }
        Self { xml, root: kind.root }
    }

    /// Ends the document and gives the answer.
    pub(super) fn finish(mut self) -> Response {
        self.xml.close(self.root);
        respond(StatusCode::OK, self.xml.take())
    }

    /// Ends the document; its last piece.
    pub(super) fn last_piece(mut self) -> String {
        self.xml.close(self.root);
        self.xml.take()
    }
}

fn echo(xml: &mut Xml, call: &Call, login: &str, now: Millis) {
    xml.node("REQUEST", |xml| {
        xml.leaf("DATETIME", format_seconds(now));
        xml.leaf("USER_LOGIN", login);
        xml.leaf("RESOURCE", format!("{}{}", call.called.origin, call.called.path));
        xml.node("PARAM_LIST", |xml| {
            for (name, value) in call.sent() {
                xml.node("PARAM", |xml| {
                    xml.leaf("KEY", name);
                    xml.leaf("VALUE", if SECRET.contains(&name.as_str()) { "" } else { value });
                });
            }
        });
    });
}

/// A whole document as an answer.
pub(super) fn respond(status: StatusCode, document: impl Into<Body>) -> Response {
    let mut response = (status, document.into()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(XML));
    response
}

/// `SIMPLE_RETURN` with a text and items.
pub(super) fn simple(
    call: &Call,
    login: &str,
    now: Millis,
    text: &str,
    items: &[(&str, String)],
) -> Response {
    let mut answer = Answer::begin(call, login, now, &dtd::SIMPLE_RETURN);
    answer.xml.node("RESPONSE", |xml| {
        xml.leaf("DATETIME", format_seconds(now));
        xml.leaf("TEXT", text);
        if !items.is_empty() {
            xml.node("ITEM_LIST", |xml| {
                for (key, value) in items {
                    xml.node("ITEM", |xml| {
                        xml.leaf("KEY", key);
                        xml.leaf("VALUE", value);
                    });
                }
            });
        }
    });
    answer.finish()
}

/// An error as `SIMPLE_RETURN`, with code and text always.
pub(super) fn refusal(called: &Called, now: Millis, error: &PcError) -> Response {
    let kind = &dtd::SIMPLE_RETURN;
    let mut xml = Xml::document(kind.root, Some(&called.dtd(kind.path)));
    xml.node(kind.root, |xml| {
        xml.node("RESPONSE", |xml| {
            xml.leaf("DATETIME", format_seconds(now));
            xml.leaf("CODE", error.code.number());
            xml.leaf("TEXT", &error.text);
        });
    });
    respond(error.status, xml.take())
}

/// An error of a V1 call: status 200 and an element of its own.
pub(super) fn v1_refusal(error: &PcError) -> Response {
    let mut xml = Xml::document("ERROR", None);
    xml.attributed("ERROR", ("number", &error.code.number().to_string()), &error.text);
    let signed_out = error.status == StatusCode::UNAUTHORIZED;
    respond(if signed_out { error.status } else { StatusCode::OK }, xml.take())
}
