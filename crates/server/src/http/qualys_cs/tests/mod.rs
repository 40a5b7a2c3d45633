//! The family as its clients meet it.

mod exceptions;
mod sign_in;
