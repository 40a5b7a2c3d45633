//! Document types, written by us from the content models of the contract, and served without
//! credentials at the addresses that answers name: a validating parser fetches them.

use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};

use crate::http::route::{Access, Family, Table};

/// One document type.
#[derive(Debug)]
pub(super) struct Dtd {
    /// Name of the root element.
    pub(super) root: &'static str,
    /// Where it is, in version 2.0.
    pub(super) path: &'static str,
    text: &'static str,
}

macro_rules! document_types {
    ($($name:ident = $root:literal, $path:literal, $file:literal;)+) => {
        $(pub(super) const $name: Dtd = Dtd { root: $root, path: $path, text: include_str!($file) };)+

        /// Rows of the route table.
        pub(super) fn routes(table: Table) -> Table {
            table$(.add(Method::GET, $path, Access::Open, || async { serve(&$name) }))+
        }

        #[cfg(test)]
        pub(super) const ALL: &[Dtd] = &[$($name,)+];
    };
}

document_types! {
    SIMPLE_RETURN = "SIMPLE_RETURN", "/api/2.0/simple_return.dtd", "dtd/simple_return.dtd";
    EXCEPTION_BATCH = "BATCH_RETURN",
        "/api/2.0/fo/compliance/exception/exception_batch_return.dtd", "dtd/exception_batch_return.dtd";
    EXCEPTION_LIST = "EXCEPTION_LIST_OUTPUT",
        "/api/2.0/fo/compliance/exception/exception_list_output.dtd", "dtd/exception_list_output.dtd";
    CONTROL_LIST = "CONTROL_LIST_OUTPUT",
        "/api/2.0/fo/compliance/control/control_list_output.dtd", "dtd/control_list_output.dtd";
    POLICY_LIST = "POLICY_LIST_OUTPUT",
        "/api/2.0/fo/compliance/policy/policy_list_output.dtd", "dtd/policy_list_output.dtd";
    POSTURE_LIST = "POSTURE_INFO_LIST_OUTPUT",
        "/api/2.0/fo/compliance/posture/info/posture_info_list_output.dtd", "dtd/posture_info_list_output.dtd";
    HOST_LIST = "HOST_LIST_OUTPUT", "/api/2.0/fo/asset/host/host_list_output.dtd", "dtd/host_list_output.dtd";
    USER_LIST = "USER_LIST_OUTPUT", "/user_list_output.dtd", "dtd/user_list_output.dtd";
}

/// An empty table of the family.
pub(super) fn table() -> Table {
    Table::new(Family::QualysPc)
}

fn serve(dtd: &Dtd) -> Response {
    let mut response = dtd.text.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml-dtd"));
    response
}
