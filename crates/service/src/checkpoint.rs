//! Posture as a file beside the store, so that a start need not read every row of it (decision record 0025).
//!
//! A file serves only the store and the program that it was written for. It bears a token that the store keeps
//! too: a store that was restored from a backup does not know it, or knows an older one. Whatever does not fit,
//! is cut short or damaged is left alone, and everything is read from the store instead.
//!
//! Layout: [`MAGIC`], length and JSON of a [`Header`], then frames, and an empty one at the end. A frame is
//! the length of what it unpacks to, its own length, both as four bytes, little end first, and a [`Part`] as
//! postcard, packed with zstd and its checksum.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};

use parapet_model::facts::{AssetRow, Change, MatchRow, PackageRow, SetRow};
use parapet_model::vulnerability::Vulnerability;
use parapet_model::{Millis, PackageNo};
use parapet_posture::{Posture, Snapshot};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const MAGIC: &[u8; 16] = b"parapet-posture\n";
/// A part is some megabytes; whatever says that it is more was not written here.
const MAX_FRAME: u32 = 1 << 30;
const MAX_HEADER: u32 = 1 << 16;
/// Frames that are unpacked at once, and as many that wait.
const THREADS: usize = 2;

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("there is none")]
    Missing,
    #[error("it was written by another program or for another store")]
    Other,
    #[error("it is damaged: {0}")]
    Damaged(String),
}

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// What the store knows it by.
    pub(crate) token: Uuid,
    /// Of which store.
    pub(crate) epoch: Uuid,
    /// By which program; another one may read rows otherwise.
    pub(crate) program: String,
    /// Log position.
    pub(crate) seq: u64,
    /// Recorded time of that position.
    pub(crate) recorded: Millis,
}

#[derive(Serialize, Deserialize)]
struct Part {
    vulnerabilities: Vec<Vulnerability>,
    packages: Vec<PackageRow>,
    matches: Vec<(PackageNo, Vec<MatchRow>)>,
    sets: Vec<SetRow>,
    assets: Vec<AssetRow>,
}

/// The running program, so far as a file can tell: its version, size and time.
pub(crate) fn program() -> std::io::Result<String> {
    let about = std::fs::metadata(std::env::current_exe()?)?;
    Ok(format!("{} {} {:?}", env!("CARGO_PKG_VERSION"), about.len(), about.modified()?))
}

/// Writes a snapshot; whoever reads the file meanwhile sees the one before.
pub(crate) fn write(path: &Path, header: &Header, snapshot: &Snapshot) -> std::io::Result<()> {
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let mut out = BufWriter::with_capacity(1 << 20, file.as_file_mut());
    out.write_all(MAGIC)?;
    let about = serde_json::to_vec(header)?;
    out.write_all(&length(about.len())?)?;
    out.write_all(&about)?;
    let mut packer = zstd::bulk::Compressor::new(1)?;
    packer.include_checksum(true)?;
    let (mut plain, mut packed) = (Vec::new(), Vec::new());
    snapshot.each_part(|change| {
        let Change { vulnerabilities, packages, matches, sets, assets, .. } = change;
        let part = Part { vulnerabilities, packages, matches, sets, assets };
        plain.clear();
        plain = postcard::to_extend(&part, std::mem::take(&mut plain)).map_err(std::io::Error::other)?;
        packed.clear();
        packed.resize(zstd::zstd_safe::compress_bound(plain.len()), 0);
        let size = packer.compress_to_buffer(&plain, &mut packed)?;
        out.write_all(&length(plain.len())?)?;
        out.write_all(&length(size)?)?;
        out.write_all(&packed[..size])
    })?;
    out.write_all(&[0; 8])?;
    out.flush()?;
    drop(out);
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn length(bytes: usize) -> std::io::Result<[u8; 4]> {
    let short = u32::try_from(bytes).ok().filter(|bytes| *bytes < MAX_FRAME);
    short.map(u32::to_le_bytes).ok_or_else(|| std::io::Error::other("a part of posture is too large"))
}

/// An open file whose header fits.
pub(crate) struct Stored {
    file: BufReader<File>,
    /// What it says of itself.
    pub(crate) header: Header,
}

/// Opens a file that this program wrote for the store of that epoch.
pub(crate) fn open(path: &Path, epoch: Uuid) -> Result<Stored, Unusable> {
    let file = File::open(path).map_err(|_| Unusable::Missing)?;
    let mut file = BufReader::with_capacity(1 << 20, file);
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic).map_err(damaged)?;
    let size = read_length(&mut file)?;
    if magic != *MAGIC || size > MAX_HEADER {
        return Err(Unusable::Damaged("no header".to_owned()));
    }
    let mut about = vec![0; size as usize];
    file.read_exact(&mut about).map_err(damaged)?;
    let header: Header = serde_json::from_slice(&about).map_err(damaged)?;
    if header.epoch != epoch || header.program != program().map_err(damaged)? {
        return Err(Unusable::Other);
    }
    Ok(Stored { file, header })
}

impl Stored {
    /// The posture it holds. Reads, unpacks and builds on several threads.
    pub(crate) fn posture(self) -> Result<Posture, Unusable> {
        let Self { mut file, header } = self;
        std::thread::scope(|scope| {
            let (mut frames, mut parts) = (Vec::new(), Vec::new());
            for _ in 0..THREADS {
                let (to_unpack, packed) = sync_channel::<(u32, Vec<u8>)>(1);
                let (done, unpacked) = sync_channel::<Result<Part, Unusable>>(1);
                scope.spawn(move || {
                    // Nobody listens any more once something was damaged.
                    let _ = packed.iter().try_for_each(|(size, bytes)| done.send(unpack(size, &bytes)));
                });
                frames.push(to_unpack);
                parts.push(unpacked);
            }
            let reader = scope.spawn(move || {
                for turn in frames.iter().cycle() {
                    let Some(frame) = read_frame(&mut file)? else { break };
                    if turn.send(frame).is_err() {
                        break;
                    }
                }
                Ok(())
            });
            let mut damage = None;
            let posture = Posture::of(in_turn(parts).map_while(|part| match part {
                Ok(part) => Some(part.change(&header)),
                Err(error) => {
                    damage = Some(error);
                    None
                }
            }));
            let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            read.and_then(|()| damage.map_or(Ok(posture), Err))
        })
    }
}

/// What comes from each of several threads in turn, until the next one has nothing more.
fn in_turn(parts: Vec<Receiver<Result<Part, Unusable>>>) -> impl Iterator<Item = Result<Part, Unusable>> {
    let mut turn = (0..parts.len()).cycle();
    std::iter::from_fn(move || parts.get(turn.next()?)?.recv().ok())
}

impl Part {
    fn change(self, header: &Header) -> Change {
        let Self { vulnerabilities, packages, matches, sets, assets } = self;
        let (seq, recorded) = (header.seq, header.recorded);
        Change { seq, recorded, vulnerabilities, packages, matches, sets, assets, ..Change::default() }
    }
}

fn read_length(file: &mut impl Read) -> Result<u32, Unusable> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes).map_err(damaged)?;
    Ok(u32::from_le_bytes(bytes))
}

/// The next frame with the length of what is in it; nothing after the last.
fn read_frame(file: &mut impl Read) -> Result<Option<(u32, Vec<u8>)>, Unusable> {
    let (plain, packed) = (read_length(file)?, read_length(file)?);
    if packed == 0 {
        return Ok(None);
    }
    if plain >= MAX_FRAME || packed >= MAX_FRAME {
        return Err(Unusable::Damaged("a part is too large".to_owned()));
    }
    let mut bytes = Vec::new();
    let read = file.take(u64::from(packed)).read_to_end(&mut bytes).map_err(damaged)?;
    if read < packed as usize {
        return Err(Unusable::Damaged("cut short".to_owned()));
    }
    Ok(Some((plain, bytes)))
}

fn unpack(size: u32, bytes: &[u8]) -> Result<Part, Unusable> {
    let plain = zstd::bulk::decompress(bytes, size as usize).map_err(damaged)?;
    postcard::from_bytes(&plain).map_err(damaged)
}

fn damaged(error: impl std::fmt::Display) -> Unusable {
    Unusable::Damaged(error.to_string())
}
