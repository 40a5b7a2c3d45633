//! How the allocator keeps memory that was given back.
//!
//! glibc keeps a pool for every few threads, up to eight for each processor, and raises the size from which on a
//! block is given back to the system with every such block that it meets. A server whose exports, imports and
//! pages take turns on many threads then holds the peaks of all of them.

/// Has glibc keep one pool for each processor, and give back what is large. Without effect where the C library
/// is another one. Who sets glibc's own variables (`GLIBC_TUNABLES`, `MALLOC_ARENA_MAX`) is left alone.
pub(crate) fn keep_little() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if ["GLIBC_TUNABLES", "MALLOC_ARENA_MAX"].iter().all(|name| std::env::var_os(name).is_none()) {
        let pools = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        set(libc::M_ARENA_MAX, pools.try_into().unwrap_or(libc::c_int::MAX));
        set(libc::M_MMAP_THRESHOLD, LARGE);
        set(libc::M_TRIM_THRESHOLD, LARGE);
    }
}

/// Blocks of so many bytes go back to the system at once, and so does as much at the end of a pool.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 1 << 20;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the standard library has no way to say this")]
fn set(parameter: libc::c_int, value: libc::c_int) {
    // SAFETY: `mallopt` takes two numbers and no pointer, takes the allocator's own lock, and refuses what it does
    // not know; glibc lets it be called at any time. Blocks that were given out before keep their place.
    let _ = unsafe { libc::mallopt(parameter, value) };
}
