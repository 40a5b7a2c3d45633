//! The header of one package: an index of tags, and behind it the data they point into.
//!
//! Source: *RPM Package Manager*, "RPM V4 header format". All numbers are big endian.

use crate::blob::Endian;

const BE: Endian = Endian::Big;

/// The numbers of the tags that matter.
pub(super) mod tag {
    pub(in super::super) const NAME: u32 = 1000;
    pub(in super::super) const VERSION: u32 = 1001;
    pub(in super::super) const RELEASE: u32 = 1002;
    pub(in super::super) const EPOCH: u32 = 1003;
    pub(in super::super) const VENDOR: u32 = 1011;
    pub(in super::super) const ARCH: u32 = 1022;
    pub(in super::super) const SOURCE_RPM: u32 = 1044;
    pub(in super::super) const DIR_INDEXES: u32 = 1116;
    pub(in super::super) const BASE_NAMES: u32 = 1117;
    pub(in super::super) const DIR_NAMES: u32 = 1118;
    pub(in super::super) const MODULARITY_LABEL: u32 = 5096;
}

/// Kinds of data.
const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// Most tags of a header; rpm itself refuses more.
const MAX_TAGS: usize = 0xffff;

/// Longest path of a file, in bytes.
const MAX_PATH: usize = 4096;

/// A header whose index lies inside of its bytes.
pub(super) struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

impl<'a> Header<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let wrong = || "a package's header does not fit into its place".to_owned();
        let size = |at| BE.u32(bytes, at).and_then(|n| usize::try_from(n).ok()).ok_or_else(wrong);
        let (tags, length) = (size(0)?, size(4)?);
        if tags > MAX_TAGS {
            return Err(format!("a package's header with {tags} tags"));
        }
        let index = bytes.get(8..8 + 16 * tags).ok_or_else(wrong)?;
        let data = bytes.get(8 + 16 * tags..).and_then(|rest| rest.get(..length)).ok_or_else(wrong)?;
        Ok(Self { index, data })
    }

    /// Kind and data of a tag, and how many there are. What was added to a header stands behind the
    /// original and counts.
    fn find(&self, tag: u32) -> Option<(u32, &'a [u8], usize)> {
        let entry = self.index.chunks_exact(16).rev().find(|entry| BE.u32(entry, 0) == Some(tag))?;
        let offset = usize::try_from(BE.u32(entry, 8)?).ok()?;
        let count = usize::try_from(BE.u32(entry, 12)?).ok()?;
        Some((BE.u32(entry, 4)?, self.data.get(offset..)?, count))
    }

    /// A text, or the first of several; empty when there is none.
    pub(super) fn text(&self, tag: u32) -> &'a [u8] {
        self.texts(tag).next().unwrap_or_default()
    }

    fn texts(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let is_text = |kind| matches!(kind, STRING | STRING_ARRAY | I18N_STRING);
        let (data, count) = match self.find(tag) {
            Some((kind, data, count)) if is_text(kind) => (data, count),
            _ => (&[][..], 0),
        };
        // What has no end is not there.
        let end = memchr::memrchr(0, data).unwrap_or(0);
        let ended = data.get(..end).unwrap_or_default();
        ended.split(|&byte| byte == 0).take(count)
    }

    /// A number.
    pub(super) fn number(&self, tag: u32) -> Option<u32> {
        self.numbers(tag).next()
    }

    fn numbers(&self, tag: u32) -> impl Iterator<Item = u32> + use<'a> {
        let (data, count) = match self.find(tag) {
            Some((INT32, data, count)) => (data, count),
            _ => (&[][..], 0),
        };
        data.chunks_exact(4).take(count).filter_map(|bytes| BE.u32(bytes, 0))
    }

    /// Tells the package's files one by one.
    pub(super) fn files(&self, tell: &mut dyn FnMut(&[u8])) {
        let directories: Vec<&[u8]> = self.texts(tag::DIR_NAMES).collect();
        let mut path = Vec::new();
        for (name, directory) in self.texts(tag::BASE_NAMES).zip(self.numbers(tag::DIR_INDEXES)) {
            let directory = usize::try_from(directory).ok().and_then(|n| directories.get(n));
            let Some(directory) = directory.filter(|directory| directory.len() + name.len() <= MAX_PATH)
            else {
                continue;
            };
            path.clear();
            path.extend_from_slice(directory);
            path.extend_from_slice(name);
            tell(&path);
        }
    }
}
