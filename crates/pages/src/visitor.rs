//! Who looks at a page, and what they sent. The server puts both into the request when it has checked the
//! session, the right of the route and the token of the form.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use parapet_model::exception::Exception;
use parapet_model::{Millis, Permission, Principal};
use parapet_service::{Error, SignedIn};

use crate::error::PageError;
use crate::layout::{Layout, Section};
use crate::link::Link;

/// Every part of the server, and the right that it takes to see it.
const SECTIONS: &[(Permission, &str, &str)] = &[
    (Permission::FindingsRead, "/", "Start"),
    (Permission::FindingsRead, "/findings", "Findings"),
    (Permission::FindingsRead, "/assets", "Assets"),
    (Permission::ExceptionsRead, "/exceptions", "Exceptions"),
    (Permission::FindingsRead, "/compliance", "Compliance"),
    (Permission::RegistriesRead, "/sources", "Sources"),
    (Permission::FeedsRead, "/feeds", "Feeds"),
    (Permission::ExportsCreate, "/exports", "Exports"),
];
/// The part that everybody sees: their own password is there.
const SETTINGS: Section = Section { path: "/settings", name: "Settings" };

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Visitor {
    signed_in: SignedIn,
    csrf: String,
}

impl Visitor {
    /// `csrf` goes with every form of the session.
    pub fn new(signed_in: SignedIn, csrf: String) -> Self {
        Self { signed_in, csrf }
    }

    /// Nobody with a browser: whose lists are made beforehand.
    pub(crate) fn nobody(who: &Principal) -> Self {
        let principal = who.clone();
        let signed_in =
            SignedIn { principal, project: None, roles: Vec::new(), issued_at: 0, expires_at: Millis::MAX };
        Self::new(signed_in, String::new())
    }

    /// The page of an exception, if the visitor may look at it: what hides a finding may belong to others.
    pub(crate) fn exception(&self, exception: &Exception) -> Option<Link> {
        let sees = self.principal().scope().sees(exception.project, exception.enterprise_project);
        let link = || Link::to("/exceptions").part(&exception.uuid.to_string());
        (sees && self.may(Permission::ExceptionsRead)).then(link)
    }

    /// The principal.
    pub fn principal(&self) -> &Principal {
        &self.signed_in.principal
    }

    /// The token of the session's forms.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Whether the right is held; a page leaves out what it would refuse.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.principal().may(permission)
    }

    /// What surrounds a page of this title in the part of the server at `here`.
    pub(crate) fn layout(&self, title: &str, here: &'static str) -> Layout {
        let seen = SECTIONS.iter().filter(|(permission, ..)| self.may(*permission));
        Layout {
            title: title.to_owned(),
            here,
            sections: seen.map(|(_, path, name)| Section { path, name }).chain([SETTINGS]).collect(),
            user: self.principal().name.clone(),
            csrf: self.csrf.clone(),
            ..Layout::default()
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Error::Unauthenticated.into())
    }
}

/// The fields of a form, in the order in which they came; names may repeat.
#[derive(Debug, Clone, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Fields and their values.
    pub fn new(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The first value of a field without surrounding blanks; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// The first value of a field just as it was sent, for passwords.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// All values of a field that are not empty, without surrounding blanks.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let of_name = self.0.iter().filter(move |(known, _)| known == name);
        of_name.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// Whether a box is checked.
    pub fn is_set(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Form {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}
