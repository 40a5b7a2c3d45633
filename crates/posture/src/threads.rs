//! Work on many assets, shared out among the processors.

use parapet_model::AssetNo;
use roaring::RoaringBitmap;

/// Fewer assets are walked faster than threads are started.
const PART: usize = 512;

/// Works on the assets in as many parts as there are processors; the answers are in their order.
pub(crate) fn in_parts<T: Send>(assets: &RoaringBitmap, work: impl Fn(&[AssetNo]) -> T + Sync) -> Vec<T> {
    let numbers: Vec<AssetNo> = assets.iter().map(AssetNo).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let part = numbers.len().div_ceil(threads).max(PART);
    if numbers.len() <= part {
        return vec![work(&numbers)];
    }
    std::thread::scope(|scope| {
        let work = &work;
        let working: Vec<_> = numbers.chunks(part).map(|part| scope.spawn(move || work(part))).collect();
        let joined = working.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}
