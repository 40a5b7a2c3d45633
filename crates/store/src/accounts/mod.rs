//! Accounts: users, roles, what users may do where, signing keys and tokens.
//!
//! Passwords come in hashed and are opaque here. What a running server must notice (users, roles,
//! keys) goes through the log; tokens are sessions, so they do not. A [`Directory`] holds all that
//! is needed to say who somebody is, in memory, and is the one place where rights are worked out.

mod directory;
mod keys;
mod memberships;
mod roles;
mod signed_writes;
mod tokens;
mod users;
mod visits;

pub use directory::Directory;
pub use keys::{ApiKey, ApiKeyPair};
pub use memberships::Membership;
pub use signed_writes::Reply;
pub use tokens::{Token, TokenScope};
pub use users::{NewUser, User};
pub use visits::Visit;
