//! Hashing beside the work: SHA-256 takes about as long as inflating, so it gets a thread of its own.
//!
//! `ring` is used because its assembly is 1.6 times as fast as `sha2` on machines without SHA
//! instructions, and hashing is half of the cost of reading a layer.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use parapet_model::Digest;
use ring::digest::{Context, SHA256};

/// A SHA-256 in the making.
pub(crate) struct Sha256(Context);

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        let digest = self.0.finish();
        Digest(std::array::from_fn(|i| digest.as_ref().get(i).copied().unwrap_or(0)))
    }
}

impl Write for Sha256 {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes of one buffer.
pub(super) const CHUNK: usize = 128 * 1024;

/// Buffers in flight; with [`CHUNK`] this bounds the memory of a stream.
const BUFFERS: usize = 6;

/// A filled buffer. It is shared with the hashing thread while its owner reads it.
#[derive(Clone)]
pub(super) struct Chunk {
    bytes: Arc<Vec<u8>>,
    filled: usize,
}

impl Chunk {
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }
}

/// A thread that hashes the chunks it is given, in order, and hands their buffers back.
pub(super) struct HashThread<'scope> {
    work: SyncSender<Chunk>,
    free: Receiver<Arc<Vec<u8>>>,
    thread: ScopedJoinHandle<'scope, Digest>,
}

impl<'scope> HashThread<'scope> {
    /// Starts the thread.
    pub(super) fn start<'env>(scope: &'scope Scope<'scope, 'env>) -> io::Result<Self> {
        let (work, chunks) = sync_channel::<Chunk>(BUFFERS);
        let (give_back, free) = sync_channel(BUFFERS);
        for _ in 0..BUFFERS {
            give_back.try_send(Arc::new(vec![0; CHUNK])).map_err(io::Error::other)?;
        }
        let thread =
            std::thread::Builder::new().name("layer-hash".to_owned()).spawn_scoped(scope, move || {
                let mut hash = Sha256::new();
                for chunk in chunks {
                    hash.update(chunk.bytes());
                    // Nobody waits for the buffer any more when the stream has ended.
                    let _ = give_back.send(chunk.bytes);
                }
                hash.finish()
            })?;
        Ok(Self { work, free, thread })
    }

    /// Fills a free buffer by `fill` (which says how many bytes it wrote) and has it hashed. The
    /// chunk given out before must be dropped by now.
    pub(super) fn next(&self, fill: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<Chunk> {
        let stopped = || io::Error::other("the hashing thread stopped");
        let mut bytes = self.free.recv().map_err(|_| stopped())?;
        let filled = match Arc::get_mut(&mut bytes) {
            Some(buffer) => fill(buffer)?,
            None => return Err(stopped()),
        };
        let chunk = Chunk { bytes, filled };
        self.work.send(chunk.clone()).map_err(|_| stopped())?;
        Ok(chunk)
    }

    /// The digest of everything.
    pub(super) fn finish(self) -> io::Result<Digest> {
        drop((self.work, self.free));
        self.thread.join().map_err(|_| io::Error::other("the hashing thread panicked"))
    }
}
