//! Writes findings on all processors, whatever the format.
//!
//! The assets are cut into parts, which the workers take in turns. Each makes its parts of the file in pieces;
//! the caller's thread passes the pieces on in the order of the parts, and with them hashing and the disk.
//! A worker that is ahead waits, so memory does not grow with the rows.

use std::io;
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use parapet_export::{FindingLines, ParquetGroup, ParquetRows};
use parapet_model::AssetNo;
use parapet_model::finding::{Finding, Likeness};
use parapet_posture::{AssetSet, Query, Snapshot, Walker, Wants};

/// Assets whose lines are made in one go.
const PART: usize = 32;
/// A piece of lines is passed on when it has so many bytes.
const PIECE: usize = if cfg!(debug_assertions) { 4 << 10 } else { 512 << 10 };
/// Rows that are worth a thread. Where tests run, few are enough, and pieces are small.
const WORTH_A_THREAD: u64 = if cfg!(debug_assertions) { 16 } else { 4096 };

/// Visits findings once.
type EachFinding<'e> = dyn FnMut(&mut dyn FnMut(&Finding<'_>)) + 'e;

/// Makes pieces of a file of findings.
pub(super) trait Maker {
    /// Neighbouring rows as they come into the file.
    type Piece: Send;
    /// Pieces that a worker may be ahead.
    const AHEAD: usize;
    /// Most workers.
    const WORKERS: usize;

    /// How many assets with so many rows together make a part each.
    fn assets_of_part(assets: u64, rows: impl FnOnce() -> u64) -> usize;

    /// Adds the findings of a package on an asset.
    fn package(&mut self, base: &Finding<'_>, likeness: Likeness, each: &mut EachFinding<'_>);

    /// Findings added so far.
    fn rows(&self) -> u64;

    /// Whether a piece should be taken.
    fn is_full(&self) -> bool;

    /// What was added since the last time; a piece that is used up gives its memory.
    fn take(&mut self, used: Option<Self::Piece>) -> io::Result<Self::Piece>;
}

impl Maker for FindingLines {
    type Piece = Vec<u8>;
    const AHEAD: usize = 4;
    const WORKERS: usize = usize::MAX;

    fn assets_of_part(_assets: u64, _rows: impl FnOnce() -> u64) -> usize {
        PART
    }

    fn package(&mut self, base: &Finding<'_>, likeness: Likeness, each: &mut EachFinding<'_>) {
        self.package(base, likeness, |visit| each(visit));
    }

    fn rows(&self) -> u64 {
        self.rows()
    }

    fn is_full(&self) -> bool {
        self.ready() >= PIECE
    }

    fn take(&mut self, used: Option<Vec<u8>>) -> io::Result<Vec<u8>> {
        Ok(self.take(used.unwrap_or_else(|| Vec::with_capacity(PIECE + PIECE / 4))))
    }
}

impl Maker for ParquetRows {
    type Piece = ParquetGroup;
    const AHEAD: usize = 1;
    /// Groups are large, and the smaller they are the larger is the file.
    const WORKERS: usize = 4;

    /// Most parts become one group, which is a little less than full.
    fn assets_of_part(assets: u64, rows: impl FnOnce() -> u64) -> usize {
        let of_part = Self::GROUP - Self::GROUP / 8;
        usize::try_from(of_part * assets / rows().max(1)).unwrap_or(usize::MAX).max(1)
    }

    fn package(&mut self, _base: &Finding<'_>, _likeness: Likeness, each: &mut EachFinding<'_>) {
        each(&mut |finding| self.row(finding));
    }

    fn rows(&self) -> u64 {
        self.rows()
    }

    fn is_full(&self) -> bool {
        self.is_full()
    }

    fn take(&mut self, _used: Option<ParquetGroup>) -> io::Result<ParquetGroup> {
        self.take()
    }
}

/// Which findings are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sought<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) query: &'a Query<'a>,
    /// What the columns show.
    pub(super) wants: Wants,
    /// Findings passed over.
    pub(super) offset: u64,
    /// Most findings.
    pub(super) limit: u64,
}

impl Sought<'_> {
    fn rows_on(&self, assets: &[AssetNo]) -> u64 {
        let within: AssetSet = assets.iter().map(|no| no.0).collect();
        self.snapshot.count(&Query { within: Some(&within), ..*self.query }).findings
    }

    /// How many of the assets lie before the first finding that is written, and how many findings they have.
    fn passed_over(&self, assets: &[AssetNo]) -> (usize, u64) {
        let (mut passed, mut rows, mut end) = (0, 0, assets.len());
        while self.offset > 0 && passed < end {
            let middle = (passed + end).div_ceil(2);
            match self.rows_on(assets.get(..middle).unwrap_or_default()) {
                before if before <= self.offset => (passed, rows) = (middle, before),
                _ => end = middle - 1,
            }
        }
        (passed, rows)
    }
}

/// Some rows of a part.
struct Made<P> {
    piece: P,
    rows: u64,
    /// It ends its part.
    last: bool,
}

/// What a worker makes, and the memory it gets back for more.
struct Lane<P> {
    pieces: Receiver<io::Result<Made<P>>>,
    used: Sender<P>,
}

/// Writes findings. `maker` makes the pieces of one of so many workers; `put` takes each piece with its rows, in
/// order, and may stop the writing.
pub(super) fn write_pieces<M: Maker>(
    sought: &Sought<'_>,
    maker: impl Fn(usize) -> M + Sync,
    put: &mut dyn FnMut(&M::Piece, u64) -> io::Result<()>,
) -> io::Result<()> {
    let walking = sought.snapshot.walking(sought.query, sought.wants);
    let all = walking.assets();
    let (passed, rows_before) = sought.passed_over(&all);
    let assets = all.get(passed..).unwrap_or_default();
    let from = sought.offset - rows_before;
    let to = from.saturating_add(sought.limit);
    let part = M::assets_of_part(assets.len() as u64, || sought.rows_on(assets));
    let parts = assets.len().div_ceil(part);
    let worth = usize::try_from(to / WORTH_A_THREAD).unwrap_or(usize::MAX);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = processors.min(M::WORKERS).min(parts).min(worth).max(1);
    std::thread::scope(|scope| {
        let mut lanes = Vec::with_capacity(workers);
        for first in 0..workers {
            let (made, pieces) = sync_channel(M::AHEAD);
            let (used, spare) = channel();
            let parts = assets.chunks(part).skip(first).step_by(workers);
            let (maker, walking) = (&maker, &walking);
            scope.spawn(move || {
                let outlet = Outlet { maker: maker(workers), made, spare, passed_on: 0 };
                make_parts(walking.walker(), parts, outlet);
            });
            lanes.push(Lane { pieces, used });
        }
        let mut at = 0;
        for (part, Lane { pieces, used }) in assets.chunks(part).zip(lanes.iter().cycle()) {
            let part_at = at;
            loop {
                if at >= to {
                    return Ok(());
                }
                // A worker that is gone has panicked, and the end of the scope says so.
                let Made { piece, rows, last } = pieces.recv().map_err(io::Error::other)??;
                let taken = from.max(at)..to.min(at + rows);
                if taken == (at..at + rows) {
                    put(&piece, rows)?;
                } else if !taken.is_empty() {
                    let mut maker = maker(workers);
                    add_some(
                        &mut walking.walker(),
                        part,
                        taken.start - part_at..taken.end - part_at,
                        &mut maker,
                    );
                    put(&maker.take(None)?, taken.end - taken.start)?;
                }
                at += rows;
                // It may have made its last one.
                let _ = used.send(piece);
                if last {
                    break;
                }
            }
        }
        Ok(())
    })
}

/// Makes some parts, until nobody wants more.
fn make_parts<'a, M: Maker>(
    mut walker: Walker<'_, '_>,
    parts: impl Iterator<Item = &'a [AssetNo]>,
    mut outlet: Outlet<M>,
) {
    let mut wanted = true;
    for part in parts {
        for asset in part {
            walker.asset(*asset, |rows| {
                let (base, likeness) = (*rows.base(), rows.likeness());
                outlet.maker.package(&base, likeness, &mut |visit| rows.each(|finding| visit(finding)));
                if wanted && outlet.maker.is_full() {
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

/// Adds the rows at these places of a part: what is left of a piece of which not all is written.
fn add_some<M: Maker>(walker: &mut Walker<'_, '_>, part: &[AssetNo], places: Range<u64>, maker: &mut M) {
    let mut at = 0;
    for asset in part {
        walker.asset(*asset, |rows| {
            let base = *rows.base();
            maker.package(&base, Likeness::None, &mut |visit| {
                rows.each(|finding| {
                    if places.contains(&at) {
                        visit(finding);
                    }
                    at += 1;
                });
            });
        });
    }
}

/// Where a worker's pieces go.
struct Outlet<M: Maker> {
    maker: M,
    made: SyncSender<io::Result<Made<M::Piece>>>,
    spare: Receiver<M::Piece>,
    passed_on: u64,
}

impl<M: Maker> Outlet<M> {
    /// Passes on what there is; returns whether anybody wanted it.
    fn pass_on(&mut self, last: bool) -> bool {
        let piece = self.maker.take(self.spare.try_recv().ok());
        let rows = self.maker.rows() - self.passed_on;
        self.passed_on += rows;
        self.made.send(piece.map(|piece| Made { piece, rows, last })).is_ok()
    }
}
