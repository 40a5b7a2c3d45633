//! Signing in: the form. What becomes of it is the server's.

use askama::Template;
use axum::response::Response;

use crate::layout::Layout;
use crate::render::html;

#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    layout: Layout,
    name: &'a str,
    to: &'a str,
    error: &'a str,
}

/// The form of name and password. `name`: what was typed before; `to`: the address on this server to go to
/// afterwards; `error`: why it did not work.
pub fn sign_in_form(name: &str, to: &str, error: &str) -> Response {
    html(&SignIn { layout: Layout { title: "Sign in".to_owned(), ..Layout::default() }, name, to, error })
}
