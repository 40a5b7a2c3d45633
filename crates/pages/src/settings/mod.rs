//! `/settings`: who may do what, who did what?

mod audit;
mod enterprise;
mod notices;
mod own;
mod user;
mod users;

use axum::extract::FromRef;
use axum::http::Method;

use crate::state::Pages;
use crate::visitor::Visitor;
use crate::{Access, P, Page, page};

/// The address of this part.
const HERE: &str = "/settings";

/// Its pages.
pub(crate) fn routes<S>() -> Vec<Page<S>>
where
    S: Clone + Send + Sync + 'static,
    Pages: FromRef<S>,
{
    let (get, post, users) = (Method::GET, Method::POST, Access::Right(P::UsersWrite));
    vec![
        page(get.clone(), HERE, Access::SignedIn, own::show),
        page(post.clone(), "/settings/password", Access::SignedIn, own::change_password),
        page(get.clone(), "/settings/users", users, users::list),
        page(post.clone(), "/settings/users", users, users::create),
        page(get.clone(), "/settings/roles", users, users::roles),
        page(get.clone(), "/settings/users/{name}", users, user::show),
        page(post.clone(), "/settings/users/{name}/password", users, user::set_password),
        page(post.clone(), "/settings/users/{name}/state", users, user::set_state),
        page(post.clone(), "/settings/users/{name}/roles", users, user::set_roles),
        page(post.clone(), "/settings/users/{name}/grant", users, user::grant),
        page(post.clone(), "/settings/users/{name}/keys", users, user::create_key),
        page(post.clone(), "/settings/users/{name}/keys/delete", users, user::delete_key),
        page(get.clone(), "/settings/enterprise-projects", Access::Right(P::FindingsRead), enterprise::list),
        page(post.clone(), "/settings/enterprise-projects", users, enterprise::create),
        page(post.clone(), "/settings/enterprise-projects/{id}", users, enterprise::rename),
        page(get.clone(), "/settings/notices", users, notices::show),
        page(post, "/settings/notices/test", users, notices::test),
        page(get.clone(), "/settings/retention", Access::SignedIn, own::retained),
        page(get.clone(), "/settings/audit", Access::Right(P::AuditRead), audit::list),
        page(get, "/settings/audit/{no}", Access::Right(P::AuditRead), audit::event),
    ]
}

/// The pages of this part that a visitor may see.
fn places(visitor: &Visitor) -> Vec<(&'static str, &'static str)> {
    let all = [
        (None, HERE, "Yourself"),
        (Some(P::UsersWrite), "/settings/users", "Users"),
        (Some(P::UsersWrite), "/settings/roles", "Roles"),
        (Some(P::FindingsRead), "/settings/enterprise-projects", "Enterprise projects"),
        (Some(P::UsersWrite), "/settings/notices", "Notices"),
        (None, "/settings/retention", "Retention"),
        (Some(P::AuditRead), "/settings/audit", "Audit log"),
    ];
    let seen = all.into_iter().filter(|(right, ..)| right.is_none_or(|right| visitor.may(right)));
    seen.map(|(_, link, name)| (link, name)).collect()
}
