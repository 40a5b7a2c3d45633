//! The family as its clients meet it.

mod exceptions;
mod sensor_agent;
mod sensor_profiles;
mod sensors;
mod sign_in;
