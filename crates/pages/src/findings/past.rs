//! The page while a past day is worked out.

use askama::Template;
use parapet_model::Millis;
use parapet_model::time::format_rfc3339;

use super::params::Params;
use crate::layout::Layout;
use crate::link::Link;
use crate::question::{Question, asked};
use crate::visitor::Visitor;

/// Says that it takes a while; the page itself comes as its part.
#[derive(Debug, Template)]
#[template(path = "findings_past.html")]
pub(super) struct PastPage {
    layout: Layout,
    at: String,
    page: Link,
    present: Link,
}

pub(super) fn page(visitor: &Visitor, params: &Params, question: &Question, at: Millis) -> PastPage {
    let mut layout = visitor.layout("Findings", "/findings");
    layout.question.clone_from(&question.typed);
    layout.good.clone_from(&question.text);
    let here = asked(&params.link(), &question.filter);
    let offset = if params.offset == 0 { String::new() } else { params.offset.to_string() };
    PastPage {
        layout,
        at: format_rfc3339(at),
        present: here.clone().with("as_of", "").with("from", "").with("to", ""),
        page: here.with("offset", offset).with("part", "past"),
    }
}
