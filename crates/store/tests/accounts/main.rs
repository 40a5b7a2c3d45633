//! Accounts, sealed secrets, registries, the audit trail, on both engines.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "says what was left out")]

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod control_exceptions;
mod master_key;
mod registries;
mod sensors;
mod signed_writes;
mod tokens;
mod users;
mod visits;

use parapet_model::{Principal, ProjectNo, Scope};
use parapet_store::accounts::{NewUser, User};

use crate::support::TestStore;

/// The project every store starts with.
pub(crate) const DEFAULT: ProjectNo = ProjectNo(1);

/// What the command line sees of a project.
pub(crate) fn scope(project: ProjectNo) -> Scope {
    Principal::local(project).scope()
}

/// A user at home in the default project.
pub(crate) async fn add_user(t: &TestStore, name: &str) -> User {
    let mut tx = t.store.begin().await.unwrap();
    let new = NewUser { name, password_hash: "hash", home_project: DEFAULT };
    let user = tx.create_user(&new).await.unwrap();
    tx.commit().await.unwrap();
    user
}
