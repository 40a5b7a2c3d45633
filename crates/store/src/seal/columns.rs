//! Everything in the store that is sealed, in one list, and what concerns all of it: the check that
//! a key is the right one, and the change to a new key.

use crate::error::{Error, Result};
use crate::seal::{MasterKey, Place, SealError, Secret};
use crate::sql::args;
use crate::tx::Tx;

/// A sealed column: where, and how its rows are read and written.
struct SealedColumn {
    table: &'static str,
    column: &'static str,
    /// Number and value of the filled rows after a number, a page at a time.
    read: &'static str,
    /// Sets the value of a row.
    write: &'static str,
}

const READ_REGISTRIES: &str = "SELECT no, secret FROM registry WHERE no > $1 ORDER BY no LIMIT 500";
const WRITE_REGISTRY: &str = "UPDATE registry SET secret = $1 WHERE no = $2";
const READ_API_KEYS: &str = "SELECT no, secret FROM api_key WHERE no > $1 ORDER BY no LIMIT 500";
const WRITE_API_KEY: &str = "UPDATE api_key SET secret = $1 WHERE no = $2";
const READ_CONNECTORS: &str = "SELECT no, secret FROM connector WHERE no > $1 ORDER BY no LIMIT 500";
const WRITE_CONNECTOR: &str = "UPDATE connector SET secret = $1 WHERE no = $2";

/// A new sealed column is added here, or its rows would not survive a change of the key.
const SEALED: &[SealedColumn] = &[
    SealedColumn { table: "registry", column: "secret", read: READ_REGISTRIES, write: WRITE_REGISTRY },
    SealedColumn { table: "connector", column: "secret", read: READ_CONNECTORS, write: WRITE_CONNECTOR },
    SealedColumn { table: "api_key", column: "secret", read: READ_API_KEYS, write: WRITE_API_KEY },
];

/// Name of the value in `meta` that only the right key opens.
const CHECK: &str = "master_key_check";
const CHECK_PLACE: Place = Place::new("meta", 0, CHECK);
const CHECK_TEXT: &str = "parapet";

impl MasterKey {
    /// Seals a secret that may be empty; an empty one is stored as nothing.
    pub(crate) fn seal_optional(&self, place: Place, secret: &Secret) -> Result<Vec<u8>> {
        if secret.is_empty() { Ok(Vec::new()) } else { Ok(self.seal(place, secret)?) }
    }

    /// Opens what [`MasterKey::seal_optional`] made.
    pub(crate) fn open_optional(&self, place: Place, sealed: &[u8]) -> Result<Secret> {
        if sealed.is_empty() { Ok(Secret::default()) } else { Ok(self.open(place, sealed)?) }
    }
}

impl Tx {
    /// Makes sure that `key` is the key of this store; the first key ever shown becomes it. A server
    /// that is refused here must not start: what it sealed could never be opened by the others.
    ///
    /// # Errors
    /// [`SealError::WrongMasterKey`].
    pub async fn check_master_key(&mut self, key: &MasterKey) -> Result<()> {
        match self.meta(CHECK).await? {
            None => self.write_check(key).await,
            Some(sealed) if opens_check(key, &sealed) => Ok(()),
            Some(_) => Err(SealError::WrongMasterKey.into()),
        }
    }

    /// Seals every secret again with `new`, all or none; the number of secrets. No server may run
    /// on the store meanwhile, because it would hold the old key: take the server's lock first.
    ///
    /// # Errors
    /// When `old` is not the key of this store, or a secret does not open.
    pub async fn rotate_master_key(&mut self, old: &MasterKey, new: &MasterKey) -> Result<u64> {
        self.check_master_key(old).await?;
        let mut count = 0;
        for sealed in SEALED {
            count += self.reseal(sealed, old, new).await?;
        }
        self.write_check(new).await?;
        Ok(count)
    }

    async fn reseal(&mut self, what: &SealedColumn, old: &MasterKey, new: &MasterKey) -> Result<u64> {
        let mut count = 0;
        let mut after = 0;
        loop {
            let rows = self.fetch(what.read, args![after]).await?;
            if rows.is_empty() {
                return Ok(count);
            }
            for row in rows {
                let mut f = row.fields(what.table);
                after = f.i64()?;
                let sealed = f.blob()?;
                if !sealed.is_empty() {
                    let place = Place::new(what.table, after, what.column);
                    let again = new.seal(place, &old.open(place, sealed)?)?;
                    self.execute(what.write, args![&again, after]).await?;
                    count += 1;
                }
            }
        }
    }

    async fn write_check(&mut self, key: &MasterKey) -> Result<()> {
        let sealed = key.seal(CHECK_PLACE, &Secret::new(CHECK_TEXT)).map_err(Error::from)?;
        self.set_meta(CHECK, &hex::encode(sealed)).await
    }
}

fn opens_check(key: &MasterKey, sealed: &str) -> bool {
    hex::decode(sealed)
        .is_ok_and(|bytes| key.open(CHECK_PLACE, &bytes).is_ok_and(|text| text.expose() == CHECK_TEXT))
}
