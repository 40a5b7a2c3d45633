//! One layer: from its bytes as a registry stores them to what it adds and hides.
//!
//! [`read`] streams: it needs a few buffers beside the package databases themselves, verifies the
//! size, the digest of the stored bytes and the digest of the unpacked archive. One member at a time
//! may be spooled (`blob.rs`); nothing else is written to disk. Paths are normalised and only ever compared, so an archive that points outside of the
//! root or round in circles leads nowhere.

pub(crate) mod collect;
pub(crate) mod contents;
mod error;
pub(crate) mod hash;
mod stream;
pub(crate) mod tar;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::thread;

use parapet_model::Digest;

pub use contents::{CacheError, LayerContents};
pub use error::LayerError;

use self::collect::{Collector, Want};
use self::stream::{Decoder, Source, Unpacked, Unpacker};
use self::tar::Tar;
use crate::Limits;
use crate::blob::{Blob, Spool};
use crate::oci::LayerDescriptor;
use crate::program;

/// Reads a layer. `reader` yields the bytes as stored; gzip, zstd and plain archives are told
/// apart by their first bytes. For more than a small layer a second thread runs for the time of the call: one
/// unpacks, the other hashes what is unpacked and looks into it, which takes about as long.
///
/// # Errors
/// [`LayerError`]; [`LayerError::Source`] when `reader` itself failed, which may be worth another
/// attempt, all others when the layer is damaged or over a limit. Where bytes are damaged *and* not
/// those that the manifest names, the second is reported.
pub fn read(
    reader: impl Read,
    expected: &LayerDescriptor,
    limits: &Limits,
) -> Result<LayerContents, LayerError> {
    let mut source = Source::new(reader, expected.size);
    let outcome = unpack(&mut source, expected.size, limits);
    match outcome {
        // The rest of a bomb, or of a source that fails, is of no interest.
        Err(e) if e.is_final() => return Err(e),
        _ => source.finish(&expected.digest)?,
    }
    let (contents, actual) = outcome?;
    if actual != expected.diff_id {
        return Err(LayerError::WrongDiffId { expected: expected.diff_id, actual });
    }
    Ok(contents)
}

fn unpack(
    source: &mut Source<impl Read>,
    stored: u64,
    limits: &Limits,
) -> Result<(LayerContents, Digest), LayerError> {
    let decoder = Decoder::new(source).map_err(LayerError::from_io)?;
    let (mut unpacker, unpacked) = Unpacker::new(decoder, stored, limits);
    // A small layer is unpacked before a thread would run.
    if unpacker.begin() {
        // Nobody waits for more.
        drop(unpacker);
        return collect(unpacked, limits);
    }
    thread::scope(|scope| {
        let collecting = thread::Builder::new().name("layer".to_owned());
        let collecting = collecting.spawn_scoped(scope, || collect(unpacked, limits));
        let collecting = collecting.map_err(LayerError::Source)?;
        unpacker.go_on();
        collecting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// What the unpacked archive holds, and its digest.
fn collect(unpacked: Unpacked, limits: &Limits) -> Result<(LayerContents, Digest), LayerError> {
    let mut tar = Tar::new(unpacked, limits.entries, limits.path);
    let mut collector = Collector::new(limits);
    walk(&mut tar, &mut collector, &mut Spool::new(limits.spooled))?;
    let digest = tar.into_inner().finish().map_err(LayerError::from_io)?;
    Ok((collector.finish(), digest))
}

fn walk<R: std::io::BufRead>(
    tar: &mut Tar<R>,
    collector: &mut Collector<'_>,
    spool: &mut Spool,
) -> Result<(), LayerError> {
    let mut path = Vec::new();
    while let Some(head) = tar.next()? {
        let Some(kind) = head.kind else { continue };
        let want = collector.layer_entry(&head.path, kind, head.size, &head.link)?;
        if matches!(want, Want::Nothing) {
            continue;
        }
        path.clear();
        path.extend_from_slice(&head.path);
        match want {
            Want::Nothing => {}
            Want::Body(role) => collector.body(&path, role, &tar.read_body()?)?,
            Want::Spooled(reader) => {
                spool.clear();
                tar.look_at_body(|piece| spool.write(piece))?;
                match spool.blob() {
                    Ok(blob) => collector.spooled(&path, reader, Ok(&blob as &dyn Blob))?,
                    Err(why) => collector.spooled(&path, reader, Err(why))?,
                }
            }
            Want::Program => program_of(tar, &path, collector, spool)?,
        }
    }
    Ok(())
}

/// Reads the present entry if it begins like a program.
fn program_of<R: std::io::BufRead>(
    tar: &mut Tar<R>,
    path: &[u8],
    collector: &mut Collector<'_>,
    spool: &mut Spool,
) -> Result<(), LayerError> {
    let mut is_program = false;
    tar.look_at_body(|piece| {
        // Bodies begin at multiples of 512 bytes and so do buffers: the mark is never cut.
        if !is_program {
            is_program = program::begins_like_one(piece);
            spool.clear();
        }
        is_program && spool.write(piece)
    })?;
    if !is_program {
        return Ok(());
    }
    match spool.blob() {
        Ok(blob) => match program::read(&blob) {
            Some((kind, reading)) => collector.program(path, kind, reading),
            None => Ok(()),
        },
        Err(why) => collector.unread_program(path, why),
    }
}
