//! What the readers saw in a layer, so that a layer shared by many images is read once. Keyed by
//! project, digest and reader version: a better reader reads again, and one project never learns
//! what another's layer held (REVIEW A9, A13). No facts: written beside the log.

use std::io::Read as _;

use parapet_model::{Digest, Millis, ProjectNo};

use crate::error::{Error, Result};
use crate::session::Session;
use crate::sql::args;
use crate::tx::Side;

const GET: &str =
    "SELECT content FROM layer_cache WHERE project = $1 AND digest = $2 AND reader_version = $3";
const PUT: &str = "INSERT INTO layer_cache (project, digest, reader_version, used, size, content) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (project, digest, reader_version) \
     DO UPDATE SET used = excluded.used, size = excluded.size, content = excluded.content";
const TOUCH: &str = "UPDATE layer_cache SET used = $1 \
     WHERE project = $2 AND digest = $3 AND reader_version = $4 AND used < $5";
const TRIM_OLD: &str = "DELETE FROM layer_cache WHERE reader_version < $1";
const TRIM_SIZE: &str = "DELETE FROM layer_cache WHERE (project, digest, reader_version) IN ( \
     SELECT project, digest, reader_version FROM ( \
     SELECT project, digest, reader_version, CAST(SUM(size) OVER ( \
     ORDER BY used DESC, project, digest, reader_version) AS BIGINT) AS newer FROM layer_cache) AS ranked \
     WHERE newer > $1)";

/// Largest content, unpacked. A layer beyond it is simply not cached.
pub const LARGEST: usize = 64 << 20;
const LEVEL: i32 = 3;

/// What is cached, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LayerKey {
    /// Whose image it belongs to.
    pub project: ProjectNo,
    /// Digest of the layer.
    pub digest: Digest,
    /// [`parapet_model::READER_VERSION`] of the reader.
    pub reader_version: u32,
}

fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    let mut out = Vec::new();
    zstd::Decoder::new(packed).ok()?.take(limit).read_to_end(&mut out).ok()?;
    (out.len() <= LARGEST).then_some(out)
}

impl Session {
    /// What was put under this key. A damaged entry is as good as none.
    pub async fn cached_layer(&mut self, key: &LayerKey) -> Result<Option<Vec<u8>>> {
        let row = self.fetch_one(GET, args![key.project, &key.digest, key.reader_version]).await?;
        Ok(match row {
            Some(row) => unpack(row.fields("layer_cache").blob()?),
            None => None,
        })
    }
}

impl Side {
    /// Keeps `content` under a key; whether it was small enough.
    pub async fn cache_layer(&mut self, key: &LayerKey, content: &[u8], now: Millis) -> Result<bool> {
        if content.len() > LARGEST {
            return Ok(false);
        }
        let packed = zstd::encode_all(content, LEVEL)
            .map_err(|source| Error::File { path: format!("cached layer {}", key.digest), source })?;
        self.execute(PUT, args![key.project, &key.digest, key.reader_version, now, packed.len(), &packed])
            .await?;
        Ok(true)
    }

    /// Notes that an entry was of use, so that it is trimmed later.
    pub async fn touch_layer(&mut self, key: &LayerKey, now: Millis) -> Result<()> {
        self.execute(TOUCH, args![now, key.project, &key.digest, key.reader_version, now]).await?;
        Ok(())
    }

    /// Drops what older readers saw, then the entries longest not used until at most `bytes` are
    /// left; how many went.
    pub async fn trim_layers(&mut self, reader_version: u32, bytes: u64) -> Result<u64> {
        let old = self.execute(TRIM_OLD, args![reader_version]).await?;
        Ok(old + self.execute(TRIM_SIZE, args![bytes]).await?)
    }
}
