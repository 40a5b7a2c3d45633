//! The family as its clients meet it.

mod exceptions;
mod registries;
mod reports;
mod rules;
mod sensor_agent;
mod sensor_profiles;
mod sensors;
mod sign_in;
