//! Looking at pages.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use parapet_model::{Access, Permission, Principal};
use parapet_pages::{Form, Large, Page, Pages, Visitor};
use parapet_service::{SignedIn, Turns};
use tower::ServiceExt as _;

use crate::world::World;

/// Somebody with a browser.
pub(crate) struct Browser {
    pages: Pages,
    signed_in: SignedIn,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) tag: String,
    pub(crate) location: String,
    /// What may be kept, as the header says.
    pub(crate) cache: String,
    pub(crate) text: String,
}

impl Browser {
    /// Somebody who may do everything.
    pub(crate) fn new(world: &World) -> Self {
        let principal = world.who.clone();
        let signed_in =
            SignedIn { principal, project: None, roles: Vec::new(), issued_at: 0, expires_at: i64::MAX };
        Self { pages: Pages::new(world.app.clone(), Turns::default()), signed_in }
    }

    /// Somebody who may do everything, for whose server every estate is large.
    pub(crate) fn of_large(world: &World) -> Self {
        let pages = Pages::with_sizes(world.app.clone(), Turns::default(), Large { lists: 0, past: 0 });
        Self { pages, ..Self::new(world) }
    }

    /// The server makes lists of the newest state.
    pub(crate) async fn make_ready(&self) {
        self.pages.make_ready().await.unwrap();
    }

    /// Somebody with these rights only.
    pub(crate) fn with_rights(world: &World, rights: &[Permission]) -> Self {
        let mut browser = Self::new(world);
        browser.signed_in.principal.permissions = rights.iter().copied().collect();
        browser
    }

    /// A principal.
    pub(crate) fn of(world: &World, principal: Principal) -> Self {
        let mut browser = Self::new(world);
        browser.signed_in.principal = principal;
        browser
    }

    /// Somebody else, with these rights.
    pub(crate) fn named(world: &World, name: &str, rights: &[Permission]) -> Self {
        let mut browser = Self::with_rights(world, rights);
        name.clone_into(&mut browser.signed_in.principal.name);
        browser
    }

    /// Somebody who signed in.
    pub(crate) fn signed_in(world: &World, signed_in: SignedIn) -> Self {
        Self { pages: Pages::new(world.app.clone(), Turns::default()), signed_in }
    }

    /// Looks at an address.
    pub(crate) async fn get(&self, address: &str) -> Answer {
        self.ask(address, &[]).await
    }

    /// Looks at an address with more headers.
    pub(crate) async fn ask(&self, address: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, address, headers, Form::default()).await
    }

    /// Sends a form.
    pub(crate) async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Answer {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let answer = self.send(Method::POST, address, &[], Form::new(fields.collect())).await;
        // As the server's gate does.
        self.pages.written();
        answer
    }

    async fn send(&self, method: Method, address: &str, headers: &[(&str, &str)], form: Form) -> Answer {
        let visitor = Visitor::new(self.signed_in.clone(), "token".to_owned());
        let mut router = Router::new();
        for page in parapet_pages::routes::<Pages>() {
            // What the server's gate does with the same table.
            if let Access::Right(right) = page.access
                && !self.signed_in.principal.may(right)
            {
                continue;
            }
            let Page { path, handler, .. } = page;
            router = router.route(path, handler);
        }
        let mut request = Request::builder().method(method).uri(address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(visitor);
        request.extensions_mut().insert(form);
        Answer::read(router.with_state(self.pages.clone()).oneshot(request).await.unwrap()).await
    }
}

impl Answer {
    async fn read(response: Response) -> Self {
        let header =
            |name| response.headers().get(&name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let (tag, location) = (header(header::ETAG), header(header::LOCATION));
        let cache = header(header::CACHE_CONTROL);
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 1 << 24).await.unwrap();
        Self { status, tag, location, cache, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// The page without tags, with single blanks: what a person reads.
    pub(crate) fn words(&self) -> String {
        let mut out = String::new();
        let mut inside = false;
        for c in self.text.chars() {
            match c {
                '<' => inside = true,
                '>' => {
                    inside = false;
                    out.push(' ');
                }
                c if !inside => out.push(c),
                _ => {}
            }
        }
        let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
        let entities = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
        entities.iter().fold(out, |out, (entity, sign)| out.replace(entity, sign))
    }

    /// Fails with the page when it does not read so.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.words().contains(text), "{} has no {text:?}:\n{}", self.status, self.words());
        self
    }

    /// Fails with the page when it does read so.
    #[track_caller]
    pub(crate) fn never_says(&self, text: &str) -> &Self {
        assert!(!self.words().contains(text), "{} has {text:?}:\n{}", self.status, self.words());
        self
    }
}
