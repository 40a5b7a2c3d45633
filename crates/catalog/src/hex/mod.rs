//! Hex, the packages of Elixir and Erlang: lock files of mix and of rebar3.

pub mod mix;
pub mod rebar;
#[cfg(test)]
mod tests;
