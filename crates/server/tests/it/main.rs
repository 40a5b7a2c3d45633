//! The binary as a user meets it: its commands and its server, each in a folder of its own.

mod exports;
mod kill;
mod quickstart;
mod sdk;
mod support;
