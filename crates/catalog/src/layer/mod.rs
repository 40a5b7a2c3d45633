//! One layer: from its bytes as a registry stores them to what it adds and hides.
//!
//! [`read`] streams: it needs a few buffers beside the package databases themselves, verifies the
//! size, the digest of the stored bytes and the digest of the unpacked archive, and writes nothing
//! to disk. Paths are normalised and only ever compared, so an archive that points outside of the
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
use std::thread::{self, Scope};

use parapet_model::Digest;

pub use contents::{CacheError, LayerContents};
pub use error::LayerError;

use self::collect::{Collector, Want};
use self::hash::HashThread;
use self::stream::{Decoder, Source, Unpacked};
use self::tar::Tar;
use crate::Limits;
use crate::foreign::{ELF, ProgramScan};
use crate::oci::LayerDescriptor;

/// Reads a layer. `reader` yields the bytes as stored; gzip, zstd and plain archives are told
/// apart by their first bytes. A second thread runs for the time of the call.
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
    let outcome = thread::scope(|scope| unpack(scope, &mut source, expected.size, limits));
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

fn unpack<'scope>(
    scope: &'scope Scope<'scope, '_>,
    source: &mut Source<impl Read>,
    stored: u64,
    limits: &Limits,
) -> Result<(LayerContents, Digest), LayerError> {
    let decoder = Decoder::new(source).map_err(LayerError::from_io)?;
    let hash = HashThread::start(scope).map_err(LayerError::Source)?;
    let mut tar = Tar::new(Unpacked::new(decoder, hash, stored, limits), limits.entries, limits.path);
    let mut collector = Collector::new(limits);
    walk(&mut tar, &mut collector)?;
    let digest = tar.into_inner().finish().map_err(LayerError::from_io)?;
    Ok((collector.finish(), digest))
}

fn walk<R: std::io::BufRead>(tar: &mut Tar<R>, collector: &mut Collector<'_>) -> Result<(), LayerError> {
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
            Want::Program => {
                if let Some(kind) = scan_program(tar)? {
                    collector.program(&path, kind)?;
                }
            }
        }
    }
    Ok(())
}

/// Searches the present entry if it begins like a program.
fn scan_program<R: std::io::BufRead>(
    tar: &mut Tar<R>,
) -> Result<Option<crate::foreign::Foreign>, LayerError> {
    let mut scan = None;
    tar.look_at_body(|piece| {
        let scan = match &mut scan {
            Some(scan) => scan,
            // Bodies begin at multiples of 512 bytes and so do buffers: the mark is never cut.
            None if piece.starts_with(ELF) => scan.insert(ProgramScan::new()),
            None => return false,
        };
        scan.feed(piece);
        true
    })?;
    Ok(scan.and_then(ProgramScan::finish))
}
