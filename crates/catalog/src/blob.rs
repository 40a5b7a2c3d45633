//! Files that are read here and there instead of from start to end.
//!
//! Programs, archives and databases need that. On disk they are read in place; out of a layer's
//! archive one member at a time is spooled: small ones to memory, larger ones to a file without a
//! name, which takes a bounded number of bytes and leaves holes where the member has zeros. So a
//! forged size costs nothing, and nothing of it stays behind.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes at places.
pub(crate) trait Blob {
    /// How many there are.
    fn size(&self) -> u64;
    /// Reads what is at `at`, as far as it goes; 0 at and beyond the end.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl<'a> dyn Blob + 'a {
    /// Reads exactly `length` bytes at `at`. The caller has bounded the length; nothing is allocated
    /// for bytes that are not there.
    pub(crate) fn exact(&self, at: u64, length: usize) -> Result<Vec<u8>, String> {
        if at.checked_add(length as u64).is_none_or(|end| end > self.size()) {
            return Err(format!("{length} bytes at {at} are not there"));
        }
        let mut bytes = vec![0; length];
        self.fill(at, &mut bytes)?;
        Ok(bytes)
    }

    /// As [`Self::exact`], for a few bytes.
    pub(crate) fn array<const N: usize>(&self, at: u64) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.fill(at, &mut bytes)?;
        Ok(bytes)
    }

    fn fill(&self, mut at: u64, mut rest: &mut [u8]) -> Result<(), String> {
        while !rest.is_empty() {
            let n = self.read_at(at, rest).map_err(|e| e.to_string())?;
            if n == 0 {
                return Err(format!("it ends at {at}"));
            }
            at += n as u64;
            rest = rest.get_mut(n..).unwrap_or_default();
        }
        Ok(())
    }
}

impl Blob for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let n = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}

/// A file of the machine.
pub(crate) struct OnDisk {
    file: File,
    size: u64,
}

impl OnDisk {
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }
}

impl Blob for OnDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read_at(buffer, at) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

/// A stretch of another blob.
pub(crate) struct Part<'a> {
    whole: &'a dyn Blob,
    from: u64,
    size: u64,
}

impl<'a> Part<'a> {
    /// The stretch, as far as the whole goes.
    pub(crate) fn new(whole: &'a dyn Blob, from: u64, size: u64) -> Self {
        Self { whole, from, size: size.min(whole.size().saturating_sub(from)) }
    }
}

impl Blob for Part<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        let length = buffer.len().min(left);
        self.whole.read_at(self.from.saturating_add(at), buffer.get_mut(..length).unwrap_or_default())
    }
}

/// Bytes kept in memory before a file is used.
const MEMORY: usize = 4 << 20;

/// Zeros are looked for in pieces of this size.
const HOLE: usize = 4096;
static ZEROS: [u8; HOLE] = [0; HOLE];

/// Takes in one member after the other. See the module.
pub(crate) struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
    /// Whether the present member is in the file.
    in_file: bool,
    size: u64,
    /// Bytes of the present member that the file holds, and how many it may hold.
    stored: u64,
    limit: u64,
    failed: Option<String>,
}

impl Spool {
    /// A spool that keeps up to `limit` bytes of one member.
    pub(crate) fn new(limit: u64) -> Self {
        Self { memory: Vec::new(), file: None, in_file: false, size: 0, stored: 0, limit, failed: None }
    }

    /// Begins a new member.
    pub(crate) fn clear(&mut self) {
        self.memory.clear();
        if self.in_file && self.file.as_ref().is_some_and(|file| file.set_len(0).is_err()) {
            self.file = None;
        }
        (self.in_file, self.size, self.stored, self.failed) = (false, 0, 0, None);
    }

    /// Takes the next bytes; false when no more are of use.
    pub(crate) fn write(&mut self, piece: &[u8]) -> bool {
        if self.failed.is_some() {
            return false;
        }
        if !self.in_file && self.memory.len() + piece.len() <= MEMORY {
            self.memory.extend_from_slice(piece);
            self.size += piece.len() as u64;
            return true;
        }
        if let Err(why) = self.write_to_file(piece) {
            self.failed = Some(why);
        }
        self.failed.is_none()
    }

    fn write_to_file(&mut self, piece: &[u8]) -> Result<(), String> {
        let no_room = |e: io::Error| format!("no room for it in the folder for temporary files: {e}");
        let file = match self.file.take() {
            Some(file) => file,
            None => tempfile::tempfile().map_err(no_room)?,
        };
        let file = self.file.insert(file);
        if !self.in_file {
            file.write_all_at(&self.memory, 0).map_err(no_room)?;
            self.stored = self.memory.len() as u64;
            self.in_file = true;
        }
        for part in piece.chunks(HOLE) {
            if ZEROS.get(..part.len()) != Some(part) {
                self.stored += part.len() as u64;
                if self.stored > self.limit {
                    return Err(format!("larger than {} bytes", self.limit));
                }
                file.write_all_at(part, self.size).map_err(no_room)?;
            }
            self.size += part.len() as u64;
        }
        Ok(())
    }

    /// The member, once all of it was written; else why it is not whole.
    pub(crate) fn blob(&self) -> Result<Spooled<'_>, String> {
        match (&self.failed, &self.file) {
            (Some(why), _) => Err(why.clone()),
            (None, Some(file)) if self.in_file => {
                file.set_len(self.size).map_err(|e| e.to_string())?;
                Ok(Spooled::File(file, self.size))
            }
            (None, _) => Ok(Spooled::Memory(&self.memory)),
        }
    }
}

/// A member that was taken in.
pub(crate) enum Spooled<'a> {
    Memory(&'a [u8]),
    File(&'a File, u64),
}

impl Blob for Spooled<'_> {
    fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, size) => *size,
        }
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => bytes.read_at(at, buffer),
            Self::File(file, _) => file.read_at(buffer, at),
        }
    }
}

/// The order of the bytes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endian {
    Little,
    Big,
}

impl Endian {
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self == Self::Big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self == Self::Big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    pub(crate) fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self == Self::Big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(blob: &dyn Blob) -> Vec<u8> {
        blob.exact(0, usize::try_from(blob.size()).unwrap()).unwrap()
    }

    #[test]
    fn what_was_spooled_is_read_again_whatever_its_size() {
        let mut spool = Spool::new(64 << 20);
        for size in [0, 5, MEMORY, MEMORY + 1, 3 * MEMORY, 7] {
            let bytes: Vec<u8> =
                (0..size).map(|n| if n % 9000 > 4500 { 0 } else { (n % 251) as u8 }).collect();
            spool.clear();
            assert!(bytes.chunks(100_000).all(|piece| spool.write(piece)));
            assert!(read_all(&spool.blob().unwrap()) == bytes, "{size}");
        }
    }

    #[test]
    fn zeros_take_no_room_and_other_bytes_end_at_the_limit() {
        let mut spool = Spool::new(MEMORY as u64 + 10_000);
        let zeros = vec![0; 1 << 20];
        assert!(spool.write(b"head"));
        assert!((0..2048).all(|_| spool.write(&zeros)));
        assert!(spool.write(b"tail"));
        let blob = spool.blob().unwrap();
        assert_eq!((&blob as &dyn Blob).array::<4>((2 << 30) + 4).unwrap(), *b"tail");
        spool.clear();
        assert!(!(0..6).all(|_| spool.write(&vec![1; 1 << 20])));
        assert!(spool.blob().is_err_and(|why| why.starts_with("larger than")));
    }

    #[test]
    fn nothing_is_read_outside() {
        let bytes: &[u8] = b"0123456789";
        let part = Part::new(&bytes, 4, 100);
        let part: &dyn Blob = &part;
        assert_eq!(part.size(), 6);
        assert_eq!(part.exact(1, 2).unwrap(), b"56");
        assert!(part.exact(5, 2).is_err() && part.exact(u64::MAX, 2).is_err());
        assert_eq!(Part::new(&bytes, 50, 1).size(), 0);
    }
}
