//! Use cases on a store of their own, with time in the test's hand.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod compliance;
mod held;
mod looks;
mod notices;
mod registry;
mod rematch;
mod schedules;
mod world;
