//! Root file systems: that of the image or host, and those inside of it (chroots, unpacked base
//! systems). A database of a distribution and the files that say which distribution it is belong to
//! the root that they lie in.

/// Splits a path where a place of a system begins: for `var/lib/dpkg/`, the path
/// `srv/jail/var/lib/dpkg/status` is root `srv/jail` and `var/lib/dpkg/status`.
pub(crate) fn split_at<'a>(path: &'a [u8], place: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    if path.starts_with(place) {
        return Some((&[], path));
    }
    let at = memchr::memmem::rfind(path, place)?;
    let root = path.get(..at)?.strip_suffix(b"/")?;
    Some((root, path.get(at..)?))
}

/// A path inside of a root, as the whole sees it.
pub(crate) fn join(root: &[u8], path: &[u8]) -> Vec<u8> {
    if root.is_empty() { path.to_vec() } else { [root, b"/", path].concat() }
}

/// The places of distributions' databases.
const DATABASES: [&[u8]; 7] = [
    b"var/lib/dpkg/",
    b"usr/lib/apk/db/",
    b"lib/apk/db/",
    b"var/lib/rpm/",
    b"usr/lib/sysimage/rpm/",
    b"usr/share/rpm/",
    b"var/lib/rpmmanifest/",
];

/// The root that a distribution's database lies in.
pub(crate) fn of_database(path: &[u8]) -> &[u8] {
    DATABASES.iter().find_map(|place| split_at(path, place)).map_or(&[], |(root, _)| root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_belongs_to_the_root_that_it_lies_in() {
        let root = |path: &'static str| std::str::from_utf8(of_database(path.as_bytes())).unwrap();
        assert_eq!(root("var/lib/dpkg/status"), "");
        assert_eq!(root("srv/jail/var/lib/dpkg/status.d/base-files"), "srv/jail");
        assert_eq!(root("srv/usr/lib/apk/db/installed"), "srv");
        assert_eq!(root("lib/apk/db/installed"), "");
        assert_eq!(root("a/lib/apk/db/installed"), "a");
        assert_eq!(root("a/usr/lib/sysimage/rpm/Packages.db"), "a");
        assert_eq!(root("myvar/lib/dpkg/status"), "");
        assert_eq!(split_at(b"myvar/lib/dpkg/status", b"var/lib/dpkg/"), None);
    }
}
