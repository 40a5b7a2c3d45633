//! The client against peers of our own that misbehave on purpose, and, where they are named,
//! against real registries.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests fail as tests do")]

mod attached;
mod auth;
mod azure;
mod docker_hub;
mod downloads;
mod ecr;
mod failures;
mod fixture;
mod google;
mod guard;
mod images;
mod lists;
mod mail;
mod peer;
mod real;
mod redirects;
mod secure;
mod world;
