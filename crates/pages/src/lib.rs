//! The pages people look at: what they ask of the services, as structures, and the templates these fill.
//! Sessions, signing in and the check of rights are the server's (`server/src/http/pages`).
//!
//! | to find | look in |
//! |---|---|
//! | which addresses there are, and who may see them | [`routes`] below |
//! | what surrounds every page | `layout.rs`, `templates/base.html` |
//! | pieces that several pages share | `parts.rs`, `templates/parts.html` |
//! | pieces of forms, what is wrong with a field | `words.rs`, `templates/forms.html` |
//! | a page | the module with its name: what it asks, and the structure of its template |
//! | colours, sizes, the phone | `assets/style.css` |
//! | keys, completion, partial updates | `assets/parapet.js` |
//!
//! Rules: no inline script and no inline style (the content security policy forbids both); every page
//! works without script; the address is the whole state; a page shows no control that the visitor's
//! rights would refuse.

mod asset;
mod assets;
mod complete;
mod compliance;
mod csv;
mod dates;
mod error;
mod exceptions;
mod explain;
mod exports;
mod feeds;
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
mod ready;
mod render;
mod settings;
mod sign_in;
mod sources;
mod start;
mod state;
mod visitor;
mod vulnerabilities;
mod words;

use axum::extract::FromRef;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use parapet_model::{Access, Permission as P};

pub use error::PageError;
pub use render::{unknown_path, wants_page};
pub use sign_in::sign_in_form;
pub use state::{Large, Pages};
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
    let handler = on(filter, handler).layer(from_fn(render::known_pages));
    Page { method, path, access, handler }
}

/// Every page.
pub fn routes<S>() -> Vec<Page<S>>
where
    S: Clone + Send + Sync + 'static,
    Pages: FromRef<S>,
{
    let (get, post, right) = (Method::GET, Method::POST, Access::Right);
    let mut all = vec![
        page(get.clone(), "/", Access::SignedIn, start::start),
        page(get.clone(), "/changes", right(P::FindingsRead), start::changes),
        page(get.clone(), "/static/{name}", Access::Open, files::get),
        page(get.clone(), "/complete", right(P::FindingsRead), complete::complete),
        page(get.clone(), "/findings", right(P::FindingsRead), findings::list),
        page(get.clone(), "/findings/except", right(P::ExceptionsRequest), findings::except),
        page(get.clone(), "/findings/explain", right(P::FindingsRead), explain::page),
        page(get.clone(), "/vulnerabilities/{id}", right(P::FindingsRead), vulnerabilities::page),
        page(get.clone(), "/packages/{purl}", right(P::FindingsRead), packages::page),
        page(get.clone(), "/assets", right(P::FindingsRead), assets::list),
        page(get.clone(), "/assets/{id}", right(P::FindingsRead), asset::show),
        page(post.clone(), "/assets/{id}/scan", right(P::AssetsWrite), asset::scan),
        page(post.clone(), "/assets/{id}/delete", right(P::AssetsWrite), asset::delete),
        page(get.clone(), "/exports", right(P::ExportsCreate), exports::list),
        page(get.clone(), "/exports/new", right(P::ExportsCreate), exports::form),
        page(post.clone(), "/exports", right(P::ExportsCreate), exports::create),
        page(post.clone(), "/exports/{id}/cancel", right(P::JobsWrite), exports::cancel),
        page(get.clone(), "/exceptions", right(P::ExceptionsRead), exceptions::list),
        page(get.clone(), "/exceptions/idle", right(P::ExceptionsRead), exceptions::idle),
        page(get.clone(), "/exceptions/new", right(P::ExceptionsRequest), exceptions::ask),
        page(post.clone(), "/exceptions/new", right(P::ExceptionsRequest), exceptions::request),
        page(get.clone(), "/exceptions/new/effect", right(P::ExceptionsRead), exceptions::effect),
        page(get.clone(), "/exceptions/{id}", right(P::ExceptionsRead), exceptions::one),
        page(post.clone(), "/exceptions/{id}", right(P::ExceptionsRequest), exceptions::decide),
        page(get.clone(), "/compliance", right(P::FindingsRead), compliance::show),
        page(get.clone(), "/compliance/results/{number}", right(P::FindingsRead), compliance::result),
        page(post.clone(), "/compliance/results/{number}", right(P::ExceptionsRequest), compliance::request),
        page(get.clone(), "/compliance/exceptions", right(P::ExceptionsRead), compliance::queue),
        page(get, "/compliance/exceptions/{number}", right(P::ExceptionsRead), compliance::exception),
        page(post, "/compliance/exceptions/{number}", right(P::ExceptionsRequest), compliance::decide),
    ];
    all.extend(sources::routes());
    all.extend(feeds::routes());
    all.extend(settings::routes());
    all
}
