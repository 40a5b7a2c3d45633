//! What Azure Linux's distroless images have instead of a database: a list of the packages they were
//! made of, `var/lib/rpmmanifest/container-manifest-2`.
//!
//! A line for each package, ten fields with tabs between them: name, version with release, two times,
//! vendor, epoch (or `(none)`), size, architecture, epoch as a number, source package.

use parapet_model::PackageKey;

use super::vendor;
use crate::reader::{Reading, clean_text, short};
use crate::root;

/// Where it lies, in the image's root or in one inside of it.
const PLACE: &[u8] = b"var/lib/rpmmanifest/";
const LIST: &[u8] = b"var/lib/rpmmanifest/container-manifest-2";

/// Whether the path is such a list.
pub(crate) fn claims(path: &[u8]) -> bool {
    root::split_at(path, PLACE).is_some_and(|(_, list)| list == LIST)
}

/// Reads a list. One that ends within a line was cut.
pub(crate) fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut problems = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else {
            reading.complain(&mut problems, || "the list ends within a line".to_owned());
            break;
        };
        if line.trim_ascii().is_empty() {
            continue;
        }
        match package(line) {
            Ok(Some(key)) => reading.packages.push(key),
            Ok(None) => {}
            Err(why) => reading.complain(&mut problems, || why),
        }
    }
    reading.packages.sort_unstable();
    reading.packages.dedup();
    reading.database().sum_up(problems)
}

fn package(line: &[u8]) -> Result<Option<PackageKey>, String> {
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b'\t').collect();
    let &[name, release, _, _, vendor, epoch, _, arch, _, source] = fields.as_slice() else {
        return Err(format!("a line that has not ten fields: {:?}", short(line)));
    };
    let name = clean_text(name).map_err(|e| format!("a package's name {e}"))?;
    if name == "gpg-pubkey" {
        return Ok(None);
    }
    let of = |what: &str, field| clean_text(field).map_err(|e| format!("the {what} of package {name} {e}"));
    let (version, release) = of("version", release)?
        .rsplit_once('-')
        .ok_or_else(|| format!("package {name} without a release"))?;
    let present = |field: &[u8]| !field.is_empty() && field != b"(none)";
    let epoch = if present(epoch) {
        Some(of("epoch", epoch)?.parse().map_err(|_| format!("the epoch of package {name} is no number"))?)
    } else {
        None
    };
    let own = super::Release { epoch, version, release };
    let vendor = if present(vendor) { String::from_utf8_lossy(vendor) } else { "".into() };
    let mut key = PackageKey::new(&vendor::with_vendor(&vendor), name, &own.to_string());
    if present(arch) {
        of("architecture", arch)?.clone_into(&mut key.arch);
    }
    if present(source) {
        super::source(&mut key, &own, of("source", source)?);
    }
    Ok(Some(key))
}
