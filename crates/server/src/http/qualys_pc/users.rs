//! `/msp/user_list.php` (contract 2.5): a call of the older API, which takes Basic alone and has no
//! `RESPONSE`. `USER_ID` is what `assignee_id` and `reassign_to` take.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use parapet_model::time::format_seconds;
use parapet_service::ListedUser;

use super::answer::respond;
use super::dtd;
use super::error::PcError;
use super::params::Call;
use super::xml::Xml;
use crate::http::auth::Caller;
use crate::http::state::AppState;

/// What people say of themselves is not kept here; the elements are there because the type wants them.
const CONTACT: [&str; 12] = [
    "TITLE",
    "PHONE",
    "FAX",
    "EMAIL",
    "COMPANY",
    "ADDRESS1",
    "ADDRESS2",
    "CITY",
    "COUNTRY",
    "STATE",
    "ZIP_CODE",
    "TIME_ZONE_CODE",
];

/// The list.
pub(super) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    call: Call,
) -> Result<Response, PcError> {
    call.only(&["external_id_contains", "external_id_assigned"])?;
    let with_external_id =
        call.text("external_id_contains").is_some() || call.flag("external_id_assigned")? == Some(true);
    let mut users = state.app.accounts().list_in_project(caller.principal()).await?;
    // Nobody has an external id here.
    users.retain(|_| !with_external_id);
    let kind = &dtd::USER_LIST;
    let mut xml = Xml::document(kind.root, Some(&call.called.dtd(kind.path)));
    xml.node(kind.root, |xml| {
        xml.node("USER_LIST", |xml| users.iter().for_each(|listed| user(xml, listed)));
    });
    Ok(respond(StatusCode::OK, xml.take()))
}

fn user(xml: &mut Xml, listed: &ListedUser) {
    xml.node("USER", |xml| {
        if listed.in_full {
            xml.leaf("USER_LOGIN", &listed.user.name);
            xml.leaf("USER_ID", listed.user.no);
            xml.leaf("EXTERNAL_ID", "");
        }
        xml.node("CONTACT_INFO", |xml| {
            xml.cdata("FIRSTNAME", &listed.user.name);
            xml.cdata("LASTNAME", "");
            CONTACT.iter().for_each(|element| xml.leaf(element, ""));
        });
        xml.leaf("USER_STATUS", if listed.user.disabled { "Inactive" } else { "Active" });
        xml.leaf("CREATION_DATE", format_seconds(listed.user.created));
        xml.leaf("USER_ROLE", role(listed));
    });
}

/// The family's word for the highest of a user's roles.
fn role(listed: &ListedUser) -> String {
    let known = [
        ("manager", "Manager"),
        ("auditor", "Auditor"),
        ("unit_manager", "Unit Manager"),
        ("analyst", "Scanner"),
        ("requester", "Reader"),
        ("reader", "Reader"),
    ];
    let held = known.iter().find(|(ours, _)| listed.roles.contains(*ours));
    match held {
        Some((_, theirs)) => (*theirs).to_owned(),
        None => listed.roles.iter().next().cloned().unwrap_or_default(),
    }
}
