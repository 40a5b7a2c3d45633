//! Collects from the entries of an archive, or the files of a directory, what a layer adds and
//! hides.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Bound;

use super::LayerError;
use super::contents::{Content, Covers, Diversion, LayerContents, LayerFile};
use super::tar::EntryKind;
use crate::Limits;
use crate::foreign::Foreign;
use crate::path::{self, RootedPath, lossy, normalise, split};
use crate::reader::{Reader, ReaderKind, Reading, Role, is_language_file, role};
use crate::{dpkg, nix, root};

/// What the collector wants to know of an entry's body.
#[derive(Clone, Copy)]
pub(crate) enum Want {
    /// Nothing; skip it.
    Nothing,
    /// All of it; answer with [`Collector::body`].
    Body(Role),
    /// If it is a program, whether it carries a dependency list; answer with
    /// [`Collector::program`].
    Program,
}

/// Most text kept of a release file, in bytes.
const MAX_RELEASE: usize = 64 << 10;

/// Programs smaller than this hold no dependency list.
const MIN_PROGRAM: u64 = 4096;

/// Whether a link at `path` points to a file that the same reader claims.
fn same_reader(reader: &Reader, path: &[u8], link: &[u8]) -> bool {
    let target = match link.first() {
        Some(b'/') => RootedPath::new(link),
        _ => RootedPath::new(&root::join(split(path).0, link)),
    };
    (reader.claims)(target.as_bytes())
}

/// See the module.
pub(crate) struct Collector<'a> {
    limits: &'a Limits,
    path: Vec<u8>,
    files: BTreeMap<Vec<u8>, Content>,
    covers: Vec<u64>,
    whiteouts: BTreeSet<Vec<u8>>,
    opaque: BTreeSet<Vec<u8>>,
    directories: BTreeSet<Vec<u8>>,
    /// Hashes of all files that packages of the distribution own, to tell programs of others.
    owned: HashSet<u64>,
    /// Hashes of places that the administrator took from a package.
    taken: HashSet<u64>,
    kept: usize,
}

impl<'a> Collector<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            path: Vec::new(),
            files: BTreeMap::new(),
            covers: Vec::new(),
            whiteouts: BTreeSet::new(),
            opaque: BTreeSet::new(),
            directories: BTreeSet::new(),
            owned: HashSet::new(),
            taken: HashSet::new(),
            kept: 0,
        }
    }

    /// Takes an entry of a layer's archive, whiteouts included.
    pub(crate) fn layer_entry(
        &mut self,
        raw: &[u8],
        kind: EntryKind,
        size: u64,
        link: &[u8],
    ) -> Result<Want, LayerError> {
        let mut path = std::mem::take(&mut self.path);
        normalise(raw, &mut path);
        let (dir, name) = split(&path);
        let want = match name.strip_prefix(b".wh.") {
            Some(b".wh..opq") => self.hide(|this| &mut this.opaque, dir.to_vec()),
            // Other names of this form are AUFS' own book-keeping.
            Some(rest) if rest.starts_with(b".wh.") => Ok(Want::Nothing),
            Some(b"" | b"." | b"..") => Ok(Want::Nothing),
            Some(hidden) => {
                let target = if dir.is_empty() { hidden.to_vec() } else { [dir, b"/", hidden].concat() };
                self.hide(|this| &mut this.whiteouts, target)
            }
            None => self.entry(&path, kind, size, link),
        };
        self.path = path;
        want
    }

    fn hide(
        &mut self,
        list: impl FnOnce(&mut Self) -> &mut BTreeSet<Vec<u8>>,
        path: Vec<u8>,
    ) -> Result<Want, LayerError> {
        self.keep(path.len())?;
        list(self).insert(path);
        Ok(Want::Nothing)
    }

    /// Takes a normalised path that is no whiteout.
    pub(crate) fn entry(
        &mut self,
        path: &[u8],
        kind: EntryKind,
        size: u64,
        link: &[u8],
    ) -> Result<Want, LayerError> {
        if path.is_empty() {
            return Ok(Want::Nothing);
        }
        if let Some(store_path) = nix::store_path(path) {
            self.in_store(path, store_path, kind)?;
        }
        let role = role(path);
        if kind == EntryKind::Directory {
            if role.is_some() {
                self.keep(path.len())?;
                self.files.remove(path);
                self.directories.insert(path.to_vec());
            }
            return Ok(Want::Nothing);
        }
        self.cover(path)?;
        match (kind, role) {
            (EntryKind::File, Some(Role::Foreign(foreign))) => self.insert(path, Content::Foreign(foreign)),
            (EntryKind::File, Some(role)) if size > self.most(role) => {
                let why = format!("larger than {} bytes", self.most(role));
                self.unreadable(path, role, why)
            }
            (EntryKind::File, Some(role)) => Ok(Want::Body(role)),
            (EntryKind::File, None) if size >= MIN_PROGRAM => Ok(Want::Program),
            (EntryKind::HardLink, Some(role)) => self.hard_link(path, role, link),
            // What a lock file's link points to is read where it lies.
            (EntryKind::Symlink, Some(Role::Database(reader)))
                if reader.kind.lock().is_some() && same_reader(reader, path, link) =>
            {
                Ok(Want::Nothing)
            }
            (EntryKind::Symlink, Some(role)) => {
                self.unreadable(path, role, format!("a symbolic link to {}, not followed", lossy(link)))
            }
            (EntryKind::Sparse, Some(role)) => self.unreadable(path, role, "a file with holes".to_owned()),
            _ => Ok(Want::Nothing),
        }
    }

    /// Something lies in a Nix store: its path directly in the store is the package.
    fn in_store(&mut self, path: &[u8], store_path: &[u8], kind: EntryKind) -> Result<(), LayerError> {
        let known = self.files.contains_key(store_path);
        if !known && (path != store_path || kind == EntryKind::Directory) {
            let reading = nix::of_path(store_path);
            if !reading.is_empty() {
                self.insert(store_path, Content::Packages { kind: ReaderKind::Nix, reading })?;
            }
        }
        Ok(())
    }

    /// Something that is no directory comes into being at `path`: nothing is left below it, and
    /// what an earlier entry put at the path itself is gone.
    fn cover(&mut self, path: &[u8]) -> Result<(), LayerError> {
        self.keep(size_of::<u64>())?;
        self.covers.push(path::hash(path));
        self.files.remove(path);
        self.directories.remove(path);
        let below = [path, b"/"].concat();
        while let Some(hidden) = self
            .files
            .range::<[u8], _>((Bound::Included(below.as_slice()), Bound::Unbounded))
            .next()
            .map(|(inner, _)| inner)
            .filter(|inner| inner.starts_with(&below))
            .cloned()
        {
            self.files.remove(&hidden);
        }
        Ok(())
    }

    /// How large a file of this role may be.
    fn most(&self, role: Role) -> u64 {
        match role {
            Role::Database(reader) if reader.kind.lock().is_some() => self.limits.lock,
            _ => self.limits.database,
        }
    }

    fn hard_link(&mut self, path: &[u8], role: Role, link: &[u8]) -> Result<Want, LayerError> {
        let target = RootedPath::new(link);
        match (self.files.get(target.as_bytes()).cloned(), role) {
            (_, Role::Foreign(foreign)) => self.insert(path, Content::Foreign(foreign)),
            (Some(content), _) => self.insert(path, content),
            (None, role) => {
                let why = format!("a hard link to {}, which was not kept", target.display());
                self.unreadable(path, role, why)
            }
        }
    }

    fn unreadable(&mut self, path: &[u8], role: Role, why: String) -> Result<Want, LayerError> {
        match role {
            Role::Database(reader) => {
                let reading = Reading::unreadable(why);
                self.insert(path, Content::Packages { kind: reader.kind, reading })
            }
            // Links are the usual form of both: os-release has a second place, and Debian's jars
            // point to the versioned file beside them.
            Role::Release | Role::Foreign(_) | Role::Ownership => Ok(Want::Nothing),
        }
    }

    /// Takes the body that [`Want::Body`] asked for.
    pub(crate) fn body(&mut self, raw: &[u8], role: Role, bytes: &[u8]) -> Result<(), LayerError> {
        let path = RootedPath::new(raw).into_bytes();
        let content = match role {
            Role::Release => {
                let start = bytes.get(..bytes.len().min(MAX_RELEASE)).unwrap_or_default();
                Content::Release(String::from_utf8_lossy(start).replace('\0', "\u{fffd}"))
            }
            Role::Ownership if dpkg::is_diversions(&path) => {
                let diversions = self.diversions(&path, bytes);
                if diversions.is_empty() {
                    return Ok(());
                }
                Content::Diverted(diversions)
            }
            Role::Ownership => {
                let owned = self.own(root::of_database(&path), dpkg::owned_paths(&path, bytes));
                if owned.is_empty() {
                    return Ok(());
                }
                Content::Owned(owned)
            }
            Role::Database(reader) => {
                let mut reading = reader.read_at(&path, bytes);
                let owned = self.own(root::of_database(&path), reading.owned.iter().map(Vec::as_slice));
                reading.owned = owned.into_iter().map(RootedPath::into_bytes).collect();
                if reading == Reading::default() && reader.kind.is_language() {
                    return Ok(());
                }
                Content::Packages { kind: reader.kind, reading }
            }
            Role::Foreign(foreign) => Content::Foreign(foreign),
        };
        self.insert(&path, content).map(drop)
    }

    /// The diversions that matter to readers; all places that the administrator took are remembered.
    fn diversions(&mut self, file: &[u8], bytes: &[u8]) -> Vec<Diversion> {
        let root = root::of_database(file);
        let mut all = Vec::new();
        for [from, to, by] in dpkg::diversions(bytes) {
            let [from, to] = [from, to].map(|path| RootedPath::new(&root::join(root, path)));
            if by == b":" {
                self.taken.insert(path::hash(from.as_bytes()));
            }
            if is_language_file(from.as_bytes()) || is_language_file(to.as_bytes()) {
                all.push(Diversion { from, to, by: lossy(by) });
            }
        }
        all.sort_unstable();
        all
    }

    /// Remembers owned paths, as a database in `root` spells them, and gives back those of language
    /// packages, sorted.
    fn own<'p>(&mut self, root: &[u8], paths: impl Iterator<Item = &'p [u8]>) -> Vec<RootedPath> {
        let mut owned = Vec::new();
        let mut path = Vec::new();
        for raw in paths {
            match root {
                [] => normalise(raw, &mut path),
                // A path that climbs would leave the root it is in.
                _ => path = root::join(root, RootedPath::new(raw).as_bytes()),
            }
            // Forgetting an owner only shows a program that could have been left out.
            if self.owned.len() < 4_000_000 {
                self.owned.insert(path::hash(&path));
            }
            if is_language_file(&path) {
                owned.push(RootedPath::new(&path));
            }
        }
        owned.sort_unstable();
        owned
    }

    /// Notes that the program at `raw` carries a dependency list.
    pub(crate) fn program(&mut self, raw: &[u8], kind: Foreign) -> Result<(), LayerError> {
        let path = RootedPath::new(raw).into_bytes();
        self.insert(&path, Content::Foreign(kind)).map(drop)
    }

    fn insert(&mut self, path: &[u8], content: Content) -> Result<Want, LayerError> {
        let size = match &content {
            Content::Release(text) => text.len(),
            Content::Packages { reading, .. } => {
                // Struct, seven texts and their allocations.
                (reading.packages.len() + reading.unjudged.len()) * 320
                    + reading.owned.iter().map(|p| p.len() + 32).sum::<usize>()
            }
            Content::Owned(paths) => paths.iter().map(|p| p.as_bytes().len() + 32).sum(),
            Content::Diverted(all) => all.len() * 160,
            Content::Foreign(_) => 0,
        };
        self.keep(path.len() + size)?;
        self.files.insert(path.to_vec(), content);
        Ok(Want::Nothing)
    }

    fn keep(&mut self, bytes: usize) -> Result<(), LayerError> {
        self.kept = self.kept.saturating_add(bytes);
        if self.kept > self.limits.kept {
            return Err(LayerError::OverLimit(format!(
                "paths and packages of more than {} bytes",
                self.limits.kept
            )));
        }
        Ok(())
    }

    /// Whether a package of the distribution owns the path, as far as was collected.
    pub(crate) fn is_owned(&self, path: &[u8]) -> bool {
        let hash = path::hash(path);
        self.owned.contains(&hash) && !self.taken.contains(&hash)
    }

    /// The contents. Programs that belong to a distribution's package are judged with that.
    pub(crate) fn finish(mut self) -> LayerContents {
        let files = std::mem::take(&mut self.files)
            .into_iter()
            .filter(|(path, content)| match content {
                Content::Foreign(Foreign::Go | Foreign::Rust) => !self.is_owned(path),
                _ => true,
            })
            .map(|(path, content)| LayerFile { path: RootedPath::new(&path), content })
            .collect();
        let paths = |set: BTreeSet<Vec<u8>>| set.iter().map(|p| RootedPath::new(p)).collect();
        LayerContents {
            whiteouts: paths(self.whiteouts),
            opaque: paths(self.opaque),
            directories: paths(self.directories),
            covers: Covers::new(self.covers),
            files,
        }
    }
}
