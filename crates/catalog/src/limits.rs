//! How much of a stranger's input is believed.

/// Bounds for reading a layer, a root file system or a document. The defaults are far above what
/// real images hold and keep the worst case in tens of megabytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest uncompressed layer, in bytes.
    pub uncompressed: u64,
    /// Largest ratio of uncompressed to compressed bytes, judged beyond [`Limits::ratio_floor`].
    pub ratio: u64,
    /// Uncompressed bytes up to which any ratio is fine: small layers of zeros exist.
    pub ratio_floor: u64,
    /// Most entries of a layer, or files of a root file system.
    pub entries: u64,
    /// Longest path, in bytes (`PATH_MAX` of Linux).
    pub path: usize,
    /// Largest package database that is read as a whole, in bytes. A larger one is reported as
    /// unreadable.
    pub database: u64,
    /// Largest lock file, in bytes. A larger one is reported as unreadable.
    pub lock: u64,
    /// Most bytes of a program, archive or database out of a layer that are spooled to disk so that
    /// it can be read here and there. Zeros take no room and do not count.
    pub spooled: u64,
    /// Most bytes of paths and packages kept from one layer.
    pub kept: usize,
    /// Largest SBOM document, in bytes.
    pub document: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            uncompressed: 64 << 30,
            ratio: 300,
            ratio_floor: 1 << 30,
            entries: 5_000_000,
            path: 4096,
            database: 32 << 20,
            lock: 16 << 20,
            spooled: 1 << 30,
            kept: 128 << 20,
            document: 128 << 20,
        }
    }
}
