//! Conan, packages of C and C++: lock files and what built packages say of what is in them.

pub mod info;
pub mod lock;
#[cfg(test)]
mod tests;

use crate::reader::Gathered;

/// Adds `name/version@user/channel#revision%time:package`.
fn add(out: &mut Gathered, reference: &str) {
    let plain = reference.split(['#', '%', ':', '@']).next().unwrap_or(reference);
    match plain.split_once('/') {
        Some((name, version)) => out.add("ConanCenter", name, version),
        None => out.complain(format!("{:?} is no reference", reference.chars().take(80).collect::<String>())),
    }
}
