//! Go: `go.mod` of projects, and the build information in programs.

pub mod mod_file;
pub(crate) mod program;
