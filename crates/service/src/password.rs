//! Passwords: argon2id hashes, verified at most two at a time, because each verification costs
//! 19 MiB and 13 ms (REVIEW F3).

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Argon2, Params};
use parapet_store::seal::Secret;
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Shortest password accepted for a new account.
pub(crate) const MIN_LENGTH: usize = 12;
/// Longest password accepted, so that hashing is bounded.
pub(crate) const MAX_LENGTH: usize = 256;

/// Hashes and verifies, two at once.
#[derive(Debug)]
pub(crate) struct Passwords {
    slots: Semaphore,
    hasher: Argon2<'static>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { slots: Semaphore::new(2), hasher: Argon2::from(Params::default()) }
    }
}

impl Passwords {
    /// Checks the rules for a new password.
    pub(crate) fn acceptable(password: &str) -> Result<()> {
        if (MIN_LENGTH..=MAX_LENGTH).contains(&password.len()) {
            Ok(())
        } else {
            Err(Error::Invalid(format!("a password has {MIN_LENGTH} to {MAX_LENGTH} bytes")))
        }
    }

    /// The PHC string of a password.
    pub(crate) async fn hash(&self, password: Secret) -> Result<String> {
        let _slot = self.slots.acquire().await.map_err(Error::internal)?;
        let hasher = self.hasher.clone();
        tokio::task::spawn_blocking(move || {
            let mut salt = [0; 16];
            rand::fill(&mut salt);
            let salt = SaltString::encode_b64(&salt).map_err(|e| Error::internal(anyhow::anyhow!("{e}")))?;
            hasher
                .hash_password(password.expose().as_bytes(), &salt)
                .map(|hash| hash.to_string())
                .map_err(|e| Error::internal(anyhow::anyhow!("{e}")))
        })
        .await?
    }

    /// Whether the password belongs to the hash. Without a hash (no such user) the same work is
    /// done, so that the answer's time does not tell which names exist.
    pub(crate) async fn verify(&self, password: Secret, hash: Option<String>) -> Result<bool> {
        const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        if password.expose().len() > MAX_LENGTH {
            return Ok(false);
        }
        let _slot = self.slots.acquire().await.map_err(Error::internal)?;
        let hasher = self.hasher.clone();
        tokio::task::spawn_blocking(move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
            let parsed = PasswordHash::new(&hash).map_err(|e| Error::internal(anyhow::anyhow!("{e}")))?;
            Ok(hasher.verify_password(password.expose().as_bytes(), &parsed).is_ok() && known)
        })
        .await?
    }
}
