//! The family as its clients meet it.

mod bad_input;
mod exceptions;
mod registries;
mod report_mail;
mod reports;
mod rules;
mod sensor_agent;
mod sensor_profiles;
mod sensors;
mod sign_in;
mod story;
