//! Matching: bytes of advisories in, verdicts on packages out.
//!
//! * [`order`] compares versions the way each ecosystem does;
//! * [`advisory`] and [`feed`] read what is published;
//! * [`keys_of`] and [`affected_key`] say where packages and records meet;
//! * [`judge()`] says what one record says of one package;
//! * [`precedence`] chooses among several records, [`vulnerability`] puts their texts together;
//! * [`coverage`] says how far silence may be trusted, [`kernel`] which packages are the kernel's.
//!
//! Nothing here opens a file or a socket. Input is hostile: memory and depth are bounded, and what
//! cannot be read is an error or *no statement*, never a guess.

pub mod advisory;
pub mod coverage;
pub mod cvss;
mod ecosystem;
pub mod feed;
mod judge;
pub mod kernel;
mod key;
pub mod order;
pub mod precedence;
pub mod release;
pub mod starter;
pub mod vulnerability;

pub use judge::judge;
pub use key::{Key, affected_key, keys_of};
pub use order::Order;
