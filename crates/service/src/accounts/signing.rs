//! Requests signed with a key pair (AK/SK): whose key it is, whether the signature is its, and which
//! signed requests were done already. What is signed is the wire family's business.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use parapet_model::{Digest, Millis, Principal};
use parapet_store::accounts::Reply;
use parapet_store::seal::Secret;
use ring::hmac;
use tokio::sync::OwnedMutexGuard;

use super::{Accounts, SignedIn, TOKEN_LIFETIME};
use crate::error::{Error, Result};

/// How long a signed write is remembered: twice as long as its signature can hold, because the
/// signer's clock may be off to either side (REVIEW F1).
const REMEMBERED: Millis = 30 * 60 * 1000;

/// Why a key cannot sign.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// There is no such key, or its user is switched off.
    #[error("there is no such key")]
    UnknownKey,
    /// The token that must come with a temporary key is not its, or it ended.
    #[error("the security token is not that of the key")]
    SecurityToken,
    /// Too many signatures in a row were wrong.
    #[error("too many wrong signatures")]
    Throttled,
    /// It could not be looked up.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// A key that somebody says to have signed with.
#[derive(Debug)]
pub struct SigningKey {
    access_key: String,
    secret: Secret,
    signed_in: SignedIn,
}

impl SigningKey {
    /// Who the key stands for. Nobody proved it yet.
    pub fn claimed(&self) -> &SignedIn {
        &self.signed_in
    }

    /// Whether the signature (HMAC-SHA256) is the key's over any of the texts. Takes as long for a
    /// wrong one as for the right one.
    fn signed(&self, texts: &[String], signature: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.expose().as_bytes());
        texts.iter().fold(false, |right, text| right | hmac::verify(&key, text.as_bytes(), signature).is_ok())
    }
}

/// What becomes of a signed request that changes something.
#[derive(Debug)]
pub enum SignedWrite {
    /// It was not seen before: do it, and say what was answered.
    First(Claim),
    /// It was done; this was the answer.
    Done(Reply),
    /// It was begun, but the server ended before it could tell how it went.
    Unknown,
}

/// The right to do a signed write. The same request waits until it is dropped.
#[derive(Debug)]
pub struct Claim {
    hash: Digest,
    _turn: OwnedMutexGuard<()>,
}

/// Signed writes that are being done in this process.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits until nobody else does the same.
    async fn take(&self, hash: Digest) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // What only the table knows, nobody does and nobody waits for.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            turns.entry(hash).or_default().clone()
        };
        turn.lock_owned().await
    }
}

impl Accounts<'_> {
    /// The key that bears this name, lasting or temporary.
    pub async fn signing_key(
        &self,
        access_key: &str,
        security_token: Option<&str>,
    ) -> Result<SigningKey, SigningError> {
        let app = self.0;
        let now = app.now();
        app.sign_ins.throttle.check(access_key, now).map_err(|_| SigningError::Throttled)?;
        let directory = self.directory().await?;
        let (user, project, secret, expires) = match security_token {
            Some(token) => {
                let temporary = self.temporary_key(access_key, token).ok_or(SigningError::SecurityToken)?;
                let user = directory.user(temporary.user).filter(|user| user.epoch == temporary.epoch);
                (user, Some(temporary.project), temporary.secret, temporary.expires)
            }
            None => {
                let found = app.store.read().await.map_err(Error::from)?;
                let found = { found }.api_key_secret(&app.key, access_key).await.map_err(Error::from)?;
                let (key, secret) = found.filter(|(key, _)| !key.disabled).ok_or(SigningError::UnknownKey)?;
                (directory.user(key.user), Some(key.project), secret, now + TOKEN_LIFETIME)
            }
        };
        let user = user.filter(|user| !user.disabled).ok_or(SigningError::UnknownKey)?;
        let project = project.unwrap_or(user.home_project);
        let signed_in = self.signed_in(&directory, user, project, now, expires);
        let signed_in = signed_in.map_err(|error| match error {
            Error::Unauthenticated => SigningError::UnknownKey,
            other => SigningError::Failed(other),
        })?;
        Ok(SigningKey { access_key: access_key.to_owned(), secret, signed_in })
    }

    /// Who signed, if the signature is the key's over any of the texts. Wrong ones count against the
    /// key.
    pub fn by_signature(&self, key: SigningKey, texts: &[String], signature: &[u8]) -> Option<SignedIn> {
        let app = self.0;
        if key.signed(texts, signature) {
            app.sign_ins.throttle.succeeded(&key.access_key);
            Some(key.signed_in)
        } else {
            app.sign_ins.throttle.failed(&key.access_key, app.now());
            None
        }
    }

    /// Whether a signed request that changes something was done before. The same request at the same
    /// time waits for the answer of the first.
    pub async fn signed_write(&self, who: &Principal, hash: Digest) -> Result<SignedWrite> {
        let app = self.0;
        let turn = app.sign_ins.turns.take(hash).await;
        let now = app.now();
        let mut side = app.store.side().await?;
        let claimed = side.claim_signed_write(&hash, now, now + REMEMBERED).await?;
        side.commit().await?;
        if claimed {
            return Ok(SignedWrite::First(Claim { hash, _turn: turn }));
        }
        let known = app.store.read().await?.signed_write(&hash).await?;
        tracing::info!(user = %who.name, "a signed request came again");
        Ok(known.flatten().map_or(SignedWrite::Unknown, SignedWrite::Done))
    }

    /// Keeps the answer of a signed write for those who ask again.
    pub async fn answered(&self, claim: Claim, reply: &Reply) -> Result<()> {
        let mut side = self.0.store.side().await?;
        side.answer_signed_write(&claim.hash, reply).await?;
        Ok(side.commit().await?)
    }
}
