//! The family as its clients meet it.

mod clients;
mod errors;
mod exceptions;
mod lists;
mod reopening;
mod roles;
mod tags;
mod transport;
mod valid;
mod world;
