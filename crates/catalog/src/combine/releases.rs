//! Which distribution the packages of each database are of: the one that the files of the same root
//! name. The image's own root comes first and is the image's distribution; a database in a root that
//! names none is of an unknown release.

use std::collections::BTreeMap;

use parapet_model::PackageKey;
use parapet_model::inventory::Distro;

use crate::{distro, root, rpm};

/// The files that say so, by root.
#[derive(Default)]
pub(super) struct Releases<'a>(BTreeMap<&'a [u8], BTreeMap<&'a [u8], &'a str>>);

impl<'a> Releases<'a> {
    pub(super) fn add(&mut self, path: &'a [u8], text: &'a str) {
        if let Some((root, file)) = distro::release_file(path) {
            self.0.entry(root).or_default().insert(file, text);
        }
    }

    pub(super) fn recognise(&self) -> Distros {
        let known =
            self.0.iter().filter_map(|(root, files)| Some((root.to_vec(), distro::recognise(files)?)));
        Distros(known.collect())
    }
}

/// The distributions by root.
pub(super) struct Distros(BTreeMap<Vec<u8>, Distro>);

impl Distros {
    /// Replaces the family that a distribution's reader gave by the ecosystem with release.
    pub(super) fn with_release(&self, path: &[u8], package: &PackageKey) -> PackageKey {
        with_release(package, self.0.get(root::of_database(path)))
    }

    /// The distribution of the image or host itself.
    pub(super) fn own(&self) -> Option<&Distro> {
        self.0.get(b"".as_slice())
    }

    /// The same, taken.
    pub(super) fn into_distro(mut self) -> Option<Distro> {
        self.0.remove(b"".as_slice())
    }
}

/// Replaces the family that a distribution's reader gave by the ecosystem with release. Of rpm's
/// packages the vendor decides whether they are the distribution's.
pub(crate) fn with_release(package: &PackageKey, distro: Option<&Distro>) -> PackageKey {
    let mut package = package.clone();
    if package.family() == rpm::FAMILY {
        package.ecosystem = rpm::vendor::ecosystem(&package.ecosystem, distro);
    } else if let Some(distro) = distro
        && distro::uses(&distro.ecosystem, &package.ecosystem)
    {
        package.ecosystem.clone_from(&distro.ecosystem);
    }
    package
}
