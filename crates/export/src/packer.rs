//! Deflate on several threads, in bounded memory.
//!
//! What comes in is cut into chunks. Each is deflated by itself ([`crate::deflate`]) and ends on a byte, so
//! that the packed chunks, put behind each other, are one deflate stream. One thread puts them in order
//! and passes them on, so that whatever lies below (hashing, the disk) does not hold up the rest. A
//! fixed number of chunks goes round: who brings bytes faster than they can be packed or written waits.
//!
//! A failure below ends everything and is what the next write, or the end, returns. A packer that is
//! dropped has ended its threads, and with them what lies below, before the drop is over.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crc32fast::Hasher;

use crate::deflate::Deflate;

/// Bytes deflated at once. What comes before a chunk is no help to it, which makes files a few in a
/// hundred larger; smaller chunks would cost more.
const CHUNK: usize = 512 << 10;
/// Chunks beside those that are being deflated: one that is filled, and some that wait.
const WAITING: usize = 3;
/// The last, empty block of a deflate stream (RFC 1951, 3.2.3): final, fixed codes, end of block.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// See the module.
#[derive(Debug)]
pub(crate) struct Packer<W> {
    chunk: Vec<u8>,
    place: u64,
    free: Receiver<Vec<u8>>,
    work: Option<SyncSender<Work>>,
    workers: Vec<JoinHandle<()>>,
    output: Option<JoinHandle<io::Result<Packed<W>>>>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Packed<W> {
    pub(crate) writer: W,
    /// Of the plain bytes.
    pub(crate) crc: u32,
    pub(crate) plain: u64,
    pub(crate) packed: u64,
}

/// A chunk to be deflated.
#[derive(Debug)]
struct Work {
    place: u64,
    chunk: Vec<u8>,
}

/// A chunk that was.
struct Done {
    place: u64,
    chunk: Vec<u8>,
    packed: Vec<u8>,
    crc: Hasher,
}

impl<W: Write + Send + 'static> Packer<W> {
    /// Begins to pack into `writer`.
    pub(crate) fn new(writer: W) -> io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let chunks = threads + WAITING;
        let (give_back, free) = sync_channel(chunks);
        for _ in 1..chunks {
            // There is room for all of them.
            let _ = give_back.try_send(Vec::new());
        }
        let (work, to_do) = sync_channel::<Work>(chunks);
        let (done, packed) = channel();
        let to_do = Arc::new(Mutex::new(to_do));
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let mut workers = Vec::with_capacity(threads);
        for _ in 0..threads {
            let (to_do, done) = (Arc::clone(&to_do), done.clone());
            workers.push(named("deflate").spawn(move || deflate_all(&to_do, &done))?);
        }
        drop(done);
        let output = named("pack").spawn(move || put_in_order(writer, &packed, &give_back))?;
        let chunk = Vec::with_capacity(CHUNK);
        Ok(Self { chunk, place: 0, free, work: Some(work), workers, output: Some(output) })
    }

    /// Takes bytes.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = CHUNK.saturating_sub(self.chunk.len());
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.chunk.extend_from_slice(now);
            bytes = later;
            if self.chunk.len() >= CHUNK {
                self.pass_on()?;
            }
        }
        Ok(())
    }

    /// Passes the chunk at hand on and waits for a free one.
    fn pass_on(&mut self) -> io::Result<()> {
        let work = Work { place: self.place, chunk: std::mem::take(&mut self.chunk) };
        self.place += 1;
        let taken = self.work.as_ref().is_some_and(|to_do| to_do.send(work).is_ok());
        match self.free.recv() {
            Ok(chunk) if taken => {
                self.chunk = chunk;
                Ok(())
            }
            _ => Err(self.failure()),
        }
    }

    /// Ends the stream and gives the writer below back, which is not flushed.
    pub(crate) fn finish(mut self) -> io::Result<Packed<W>> {
        if !self.chunk.is_empty() {
            self.pass_on()?;
        }
        self.work = None;
        self.end_workers();
        match self.output.take().map(JoinHandle::join) {
            Some(Ok(packed)) => {
                let mut packed = packed?;
                packed.writer.write_all(&LAST_BLOCK)?;
                packed.packed += LAST_BLOCK.len() as u64;
                Ok(packed)
            }
            _ => Err(broken()),
        }
    }

    /// What the thread that writes failed with.
    fn failure(&mut self) -> io::Error {
        self.work = None;
        match self.output.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => error,
            _ => broken(),
        }
    }
}

impl<W> Packer<W> {
    fn end_workers(&mut self) {
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

impl<W> Drop for Packer<W> {
    fn drop(&mut self) {
        self.work = None;
        self.end_workers();
        if let Some(output) = self.output.take() {
            let _ = output.join();
        }
    }
}

fn broken() -> io::Error {
    io::Error::other("an earlier write failed, so the archive is not complete")
}

/// Deflates chunk after chunk, until there are no more or nobody wants them.
fn deflate_all(to_do: &Mutex<Receiver<Work>>, done: &Sender<Done>) {
    let mut deflate = Deflate::new();
    loop {
        let next = to_do.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Work { place, chunk }) = next else { return };
        let mut crc = Hasher::new();
        crc.update(&chunk);
        let packed = deflate.pack(&chunk);
        if done.send(Done { place, chunk, packed, crc }).is_err() {
            return;
        }
    }
}

/// Writes the chunks in their order and lets their memory go round.
fn put_in_order<W: Write>(
    mut writer: W,
    packed: &Receiver<Done>,
    give_back: &SyncSender<Vec<u8>>,
) -> io::Result<Packed<W>> {
    let (mut crc, mut plain, mut size, mut next) = (Hasher::new(), 0, 0, 0);
    let mut early: BTreeMap<u64, Done> = BTreeMap::new();
    for done in packed {
        early.insert(done.place, done);
        while let Some(mut done) = early.remove(&next) {
            next += 1;
            writer.write_all(&done.packed)?;
            size += done.packed.len() as u64;
            plain += done.chunk.len() as u64;
            crc.combine(&done.crc);
            done.chunk.clear();
            // Nobody waits for it when the end has come.
            let _ = give_back.try_send(done.chunk);
        }
    }
    if !early.is_empty() {
        return Err(io::Error::other("a part of the archive could not be packed"));
    }
    Ok(Packed { writer, crc: crc.finalize(), plain, packed: size })
}
