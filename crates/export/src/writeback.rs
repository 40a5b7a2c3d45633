//! Puts a long file on disk while more of it is written, so that who ends it waits for its end only.

use std::fs::File;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Bytes after which what was written is put on disk.
const STRETCH: u64 = 32 << 20;

/// See the module. Files shorter than a stretch need no thread.
#[derive(Debug, Default)]
pub(crate) struct Writeback {
    put: u64,
    thread: Option<(SyncSender<()>, JoinHandle<io::Result<()>>)>,
}

impl Writeback {
    /// Takes note that the file has `size` bytes now.
    pub(crate) fn reached(&mut self, file: &File, size: u64) -> io::Result<()> {
        if size < self.put + STRETCH {
            return Ok(());
        }
        self.put = size;
        if self.thread.is_none() {
            let file = file.try_clone()?;
            let (wake, woken) = sync_channel(1);
            let sync = move || woken.iter().try_for_each(|()| file.sync_data());
            self.thread = Some((wake, std::thread::Builder::new().name("writeback".to_owned()).spawn(sync)?));
        }
        if let Some((wake, _)) = &self.thread {
            // It may be at work still, and then takes this stretch with the next one.
            let _ = wake.try_send(());
        }
        Ok(())
    }

    /// Waits for what is under way. An error of the disk is told to one asker only, so it must be heard here.
    pub(crate) fn end(self) -> io::Result<()> {
        let Some((wake, thread)) = self.thread else { return Ok(()) };
        drop(wake);
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_of_many_stretches_is_whole() {
        let mut file = tempfile::tempfile().unwrap();
        let mut writeback = Writeback::default();
        let piece = vec![7; STRETCH as usize / 2];
        for pieces in 1..=6 {
            file.write_all(&piece).unwrap();
            writeback.reached(&file, pieces * piece.len() as u64).unwrap();
        }
        writeback.end().unwrap();
        assert_eq!(file.metadata().unwrap().len(), 3 * STRETCH);
    }
}
