//! Writes findings as CSV or JSON lines on all processors.
//!
//! The assets are cut into parts, which the workers take in turns. Each makes the lines of its parts in pieces;
//! the caller's thread passes the pieces on in the order of the parts, and with them hashing and the disk.
//! A worker that is ahead waits, so memory does not grow with the rows.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use parapet_export::FindingLines;
use parapet_model::AssetNo;
use parapet_posture::{Query, Snapshot, Walker, Wants};

/// Assets whose lines are made in one go.
const PART: usize = 32;
/// A piece is passed on when it has so many bytes.
const PIECE: usize = 512 << 10;
/// Pieces that a worker may be ahead.
const AHEAD: usize = 4;

/// Lines of neighbouring rows.
struct Piece {
    bytes: Vec<u8>,
    rows: u64,
    /// It ends its part.
    last: bool,
}

/// What a worker makes, and the memory it gets back for more.
struct Lane {
    pieces: Receiver<Piece>,
    used: Sender<Vec<u8>>,
}

/// Writes all findings of a query. `lines` makes the lines of one of so many workers; `wants` says
/// what they show; `passed` is told of rows that were written and may stop the writing.
pub(super) fn write_lines(
    snapshot: &Snapshot,
    query: &Query<'_>,
    wants: Wants,
    lines: impl Fn(usize) -> FindingLines + Sync,
    writer: &mut impl Write,
    passed: &mut dyn FnMut(u64) -> io::Result<()>,
) -> io::Result<()> {
    let walking = snapshot.walking(query, wants);
    let assets = walking.assets();
    let parts = assets.len().div_ceil(PART);
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(parts).max(1);
    std::thread::scope(|scope| {
        let mut lanes = Vec::with_capacity(workers);
        for first in 0..workers {
            let (made, pieces) = sync_channel(AHEAD);
            let (used, spare) = channel();
            let parts = assets.chunks(PART).skip(first).step_by(workers);
            let (lines, walking) = (&lines, &walking);
            scope.spawn(move || {
                let outlet = Outlet { lines: lines(workers), made, spare, passed_on: 0 };
                make_lines(walking.walker(), parts, outlet);
            });
            lanes.push(Lane { pieces, used });
        }
        for Lane { pieces, used } in lanes.iter().cycle().take(parts) {
            loop {
                // A worker that is gone has panicked, and the end of the scope says so.
                let piece = pieces.recv().map_err(io::Error::other)?;
                writer.write_all(&piece.bytes)?;
                passed(piece.rows)?;
                // It may have made its last one.
                let _ = used.send(piece.bytes);
                if piece.last {
                    break;
                }
            }
        }
        Ok(())
    })
}

/// Makes the lines of some parts, until nobody wants more.
fn make_lines<'a>(
    mut walker: Walker<'_, '_>,
    parts: impl Iterator<Item = &'a [AssetNo]>,
    mut outlet: Outlet,
) {
    let mut wanted = true;
    for part in parts {
        for asset in part {
            walker.asset(*asset, |rows| {
                let (base, likeness) = (*rows.base(), rows.likeness());
                outlet.lines.package(&base, likeness, |visit| rows.each(|finding| visit(finding)));
                if wanted && outlet.lines.ready() >= PIECE {
                    wanted = outlet.pass_on(false);
                }
            });
            if !wanted {
                return;
            }
        }
        wanted = outlet.pass_on(true);
    }
}

/// Where a worker's lines go.
struct Outlet {
    lines: FindingLines,
    made: SyncSender<Piece>,
    spare: Receiver<Vec<u8>>,
    passed_on: u64,
}

impl Outlet {
    /// Passes on what there is; returns whether anybody wanted it.
    fn pass_on(&mut self, last: bool) -> bool {
        let spare = self.spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(PIECE + PIECE / 4));
        let bytes = self.lines.take(spare);
        let rows = self.lines.rows() - self.passed_on;
        self.passed_on += rows;
        self.made.send(Piece { bytes, rows, last }).is_ok()
    }
}
