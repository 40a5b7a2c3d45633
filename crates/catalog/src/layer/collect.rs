//! Collects from the entries of an archive, or the files of a directory, what a layer adds and
//! hides.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use super::LayerError;
use super::contents::{Content, Covers, Diversion, LayerContents, LayerFile};
use super::tar::EntryKind;
use crate::Limits;
use crate::blob::Blob;
use crate::path::{self, RootedPath, lossy, normalise, split};
use crate::reader::{Reader, ReaderKind, Reading, Role, SpooledReader, is_language_file, role};
use crate::{dpkg, nix, root};

/// What the collector wants to know of an entry's body.
#[derive(Clone, Copy)]
pub(crate) enum Want {
    /// Nothing; skip it.
    Nothing,
    /// All of it; answer with [`Collector::body`].
    Body(Role),
    /// All of it, to be read here and there; answer with [`Collector::spooled`].
    Spooled(&'static SpooledReader),
    /// If it is a program, what it was built from; answer with [`Collector::program`].
    Program,
}

/// Most text kept of a release file, in bytes.
const MAX_RELEASE: usize = 64 << 10;

/// Programs smaller than this hold no list of what they were built from.
const MIN_PROGRAM: u64 = 4096;

/// Most owned files whose owners are remembered.
const MAX_OWNED: usize = 2_000_000;

/// Whether a link at `path` points to a file that the same reader claims.
fn same_reader(reader: &Reader, path: &[u8], link: &[u8]) -> bool {
    let target = match link.first() {
        Some(b'/') => RootedPath::new(link),
        _ => RootedPath::new(&root::join(split(path).0, link)),
    };
    (reader.claims)(target.as_bytes())
}

/// A list of files that packages own: its number, and the root whose files they are.
#[derive(Clone, Copy)]
struct List<'p> {
    number: u32,
    root: &'p [u8],
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
    /// The files that say what packages own, and by the hash of each file owned the number of the
    /// one that says so: which of them are programs is known only when all were seen.
    lists: Vec<Vec<u8>>,
    owners: HashMap<u64, u32>,
    /// Hashes of places that the administrator took from a package.
    taken: HashSet<u64>,
    /// By the hash of the place where a diverted file lies, that of its place in the package.
    diverted: HashMap<u64, u64>,
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
            lists: Vec::new(),
            owners: HashMap::new(),
            taken: HashSet::new(),
            diverted: HashMap::new(),
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
            (EntryKind::File, Some(Role::Spooled(reader))) => Ok(Want::Spooled(reader)),
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
            // Links are the usual form of these: os-release has a second place, and Debian's jars
            // point to the versioned file beside them.
            (EntryKind::Symlink, Some(Role::Spooled(SpooledReader { kind: ReaderKind::Java, .. }))) => {
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
        let kind = match role {
            Role::Database(reader) => reader.kind,
            Role::Spooled(reader) => reader.kind,
            Role::Release | Role::Foreign(_) | Role::Ownership => return Ok(Want::Nothing),
        };
        self.insert(path, Content::Packages { kind, reading: Reading::unreadable(why) })
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
                let owned = self.own(&path, dpkg::owned_paths(&path, bytes));
                if owned.is_empty() {
                    return Ok(());
                }
                Content::Owned(owned)
            }
            Role::Database(reader) => {
                let mut reading = reader.read_at(&path, bytes);
                let owned = self.own(&path, reading.owned.iter().map(Vec::as_slice));
                reading.owned = owned.into_iter().map(RootedPath::into_bytes).collect();
                if reading == Reading::default() && reader.kind.is_language() {
                    return Ok(());
                }
                Content::Packages { kind: reader.kind, reading }
            }
            Role::Foreign(foreign) => Content::Foreign(foreign),
            Role::Spooled(reader) => return self.spooled(raw, reader, Ok(&bytes as &dyn Blob)),
        };
        self.insert(&path, content).map(drop)
    }

    /// The diversions that matter to readers; where all others lead is remembered.
    fn diversions(&mut self, file: &[u8], bytes: &[u8]) -> Vec<Diversion> {
        let root = root::of_database(file);
        let mut all = Vec::new();
        for [from, to, by] in dpkg::diversions(bytes) {
            let [from, to] = [from, to].map(|path| RootedPath::new(&root::join(root, path)));
            let place = path::hash(from.as_bytes());
            if by == b":" {
                self.taken.insert(place);
            }
            self.diverted.insert(path::hash(to.as_bytes()), place);
            if is_language_file(from.as_bytes()) || is_language_file(to.as_bytes()) {
                all.push(Diversion { from, to, by: lossy(by) });
            }
        }
        all.sort_unstable();
        all
    }

    /// Takes the file that [`Want::Spooled`] asked for, or why it could not be had.
    pub(crate) fn spooled(
        &mut self,
        raw: &[u8],
        reader: &SpooledReader,
        blob: Result<&dyn Blob, String>,
    ) -> Result<(), LayerError> {
        let path = RootedPath::new(raw).into_bytes();
        let kind = reader.kind;
        let reading = match blob {
            Ok(blob) => {
                let list = self.list(&path);
                let (mut owned, mut buffer) = (Vec::new(), Vec::new());
                let mut reading = (reader.read)(&path, blob, &mut |file| {
                    if owned.len() < MAX_OWNED && self.owns(list, file, &mut buffer) {
                        owned.push(buffer.clone());
                    }
                });
                owned.sort_unstable();
                reading.owned = owned;
                reading
            }
            Err(why) => Reading::unreadable(why),
        };
        if reading == Reading::default() {
            return Ok(());
        }
        self.insert(&path, Content::Packages { kind, reading }).map(drop)
    }

    /// Begins a list of files that packages own; `path` is the file that says so.
    fn list<'p>(&mut self, path: &'p [u8]) -> List<'p> {
        self.lists.push(path.to_vec());
        let number = u32::try_from(self.lists.len() - 1).unwrap_or(u32::MAX);
        List { number, root: root::of_database(path) }
    }

    /// Remembers the paths that the file at `list` says are owned, and gives back those of language
    /// packages, sorted.
    fn own<'p>(&mut self, list: &[u8], paths: impl Iterator<Item = &'p [u8]>) -> Vec<RootedPath> {
        let mut paths = paths.peekable();
        if paths.peek().is_none() {
            return Vec::new();
        }
        let list = self.list(list);
        let mut owned = Vec::new();
        let mut path = Vec::new();
        for raw in paths {
            if self.owns(list, raw, &mut path) {
                owned.push(RootedPath::new(&path));
            }
        }
        owned.sort_unstable();
        owned
    }

    /// Remembers one owned path, as a database in the list's root spells it. `path` holds it then, as
    /// the whole sees it; true when it is one of a language package.
    fn owns(&mut self, list: List<'_>, raw: &[u8], path: &mut Vec<u8>) -> bool {
        match list.root {
            [] => normalise(raw, path),
            // A path that climbs would leave the root it is in.
            root => *path = root::join(root, RootedPath::new(raw).as_bytes()),
        }
        // Forgetting an owner only shows a program that could have been left out.
        if self.owners.len() < MAX_OWNED {
            self.owners.insert(path::hash(path), list.number);
        }
        is_language_file(path)
    }

    /// Notes what the program at `raw` was built from.
    pub(crate) fn program(
        &mut self,
        raw: &[u8],
        kind: ReaderKind,
        reading: Reading,
    ) -> Result<(), LayerError> {
        let path = RootedPath::new(raw).into_bytes();
        self.insert(&path, Content::Packages { kind, reading }).map(drop)
    }

    /// Notes that the program at `raw` could not be looked at.
    pub(crate) fn unread_program(&mut self, raw: &[u8], why: String) -> Result<(), LayerError> {
        self.program(raw, ReaderKind::GoProgram, Reading::unreadable(format!("a program: {why}")))
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

    /// The file that says which package owns the path, as far as was collected.
    fn owner(&self, path: &[u8]) -> Option<&[u8]> {
        let hash = path::hash(path);
        if self.taken.contains(&hash) {
            return None;
        }
        let list = *self.owners.get(self.diverted.get(&hash).unwrap_or(&hash))?;
        self.lists.get(usize::try_from(list).ok()?).map(Vec::as_slice)
    }

    /// Of some programs, those that no package of the distribution owns, as far as was collected.
    pub(crate) fn of_others(&self, programs: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let mut vendors = HashSet::new();
        for (path, content) in &self.files {
            if let Content::Packages { kind: ReaderKind::Dpkg, reading } = content {
                vendors.extend(dpkg::of_vendors(path, reading));
            }
        }
        let is_anothers = |path: &Vec<u8>| {
            self.owner(path)
                .is_none_or(|list| dpkg::lists_files(list) && vendors.contains(&dpkg::owner(list)))
        };
        programs.into_iter().filter(is_anothers).collect()
    }

    /// Adds the programs that packages own to what these own: only now it is known which they are.
    fn assign_programs(&mut self) {
        let owned: Vec<(Vec<u8>, Vec<u8>)> = self
            .files
            .iter()
            .filter(|(_, content)| matches!(content, Content::Packages { kind, .. } if kind.is_program()))
            .filter_map(|(path, _)| Some((self.owner(path)?.to_vec(), path.clone())))
            .collect();
        for (list, path) in owned {
            match self.files.entry(list).or_insert_with(|| Content::Owned(Vec::new())) {
                Content::Owned(paths) => {
                    paths.push(RootedPath::new(&path));
                    paths.sort_unstable();
                }
                Content::Packages { reading, .. } => {
                    reading.owned.push(path);
                    reading.owned.sort_unstable();
                }
                Content::Release(_) | Content::Foreign(_) | Content::Diverted(_) => {}
            }
        }
    }

    /// The contents.
    pub(crate) fn finish(mut self) -> LayerContents {
        self.assign_programs();
        let files = std::mem::take(&mut self.files)
            .into_iter()
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
