//! The pages people look at: what they ask of the services, as structures, and the templates these fill.
//! Sessions, signing in and the check of rights are the server's (`server/src/http/pages`).
//!
//! | to find | look in |
//! |---|---|
//! | which addresses there are, and who may see them | [`routes`] below |
//! | what surrounds every page | `layout.rs`, `templates/base.html` |
//! | pieces that several pages share | `parts.rs`, `templates/parts.html` |
//! | a page | the module with its name: what it asks, and the structure of its template |
//! | colours, sizes, the phone | `assets/style.css` |
//! | keys, completion, partial updates | `assets/parapet.js` |
//!
//! Rules: no inline script and no inline style (the content security policy forbids both); every page
//! works without script; the address is the whole state; a page shows no control that the visitor's
//! rights would refuse.

mod complete;
mod csv;
mod error;
mod explain;
mod files;
mod filters;
mod findings;
mod layout;
mod link;
mod packages;
mod parts;
mod past;
mod pinned;
mod question;
mod render;
mod sign_in;
mod state;
mod visitor;
mod vulnerabilities;

use axum::extract::FromRef;
use axum::handler::Handler;
use axum::http::Method;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use parapet_model::{Access, Permission as P};

pub use error::PageError;
pub use render::{unknown_path, wants_page};
pub use sign_in::sign_in_form;
pub use state::Pages;
pub use visitor::{Form, Visitor};

/// Result of a handler.
type PageResult<T = Response> = Result<T, PageError>;

/// One address: a row for the server's table of routes.
#[derive(Debug)]
pub struct Page<S> {
    /// Method.
    pub method: Method,
    /// Path, with parts in braces.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
    /// What answers.
    pub handler: MethodRouter<S>,
}

fn page<S, H, T>(method: Method, path: &'static str, access: Access, handler: H) -> Page<S>
where
    S: Clone + Send + Sync + 'static,
    H: Handler<T, S>,
    T: 'static,
{
    let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
    Page { method, path, access, handler: on(filter, handler) }
}

/// Every page.
pub fn routes<S>() -> Vec<Page<S>>
where
    S: Clone + Send + Sync + 'static,
    Pages: FromRef<S>,
{
    let (get, right) = (Method::GET, Access::Right);
    vec![
        page(get.clone(), "/static/{name}", Access::Open, files::get),
        page(get.clone(), "/complete", right(P::FindingsRead), complete::complete),
        page(get.clone(), "/findings", right(P::FindingsRead), findings::list),
        page(get.clone(), "/findings/except", right(P::ExceptionsRequest), findings::except),
        page(get.clone(), "/findings/explain", right(P::FindingsRead), explain::page),
        page(get.clone(), "/vulnerabilities/{id}", right(P::FindingsRead), vulnerabilities::page),
        page(get, "/packages/{purl}", right(P::FindingsRead), packages::page),
    ]
}
