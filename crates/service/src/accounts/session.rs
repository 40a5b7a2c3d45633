//! Sessions: sign-ins that hold while they are used, for wire families with a cookie. Kept like tokens,
//! by hash; one is no token of another family, because the hash is over another text.

use parapet_model::{Digest, Millis};
use parapet_store::accounts::{Token, TokenScope};
use parapet_store::seal::Secret;

use super::{Accounts, SignedIn};
use crate::error::{Error, Result};

/// How long a session holds after its last call.
pub(crate) const IDLE: Millis = 60 * 60 * 1000;
/// How often its end is moved at most, so that not every call writes.
const TOUCHED: Millis = 60 * 1000;
/// Characters of a session; 128 bits.
const ALPHABET: &[u8] = b"0123456789abcdef";
const LENGTH: usize = 32;

fn hash(session: &str) -> Digest {
    Digest::of(format!("session {session}").as_bytes())
}

impl Accounts<'_> {
    /// Begins a session for somebody who just signed in, in the project they act in.
    pub async fn issue_session(&self, who: &SignedIn) -> Result<Secret> {
        let app = self.0;
        let now = app.now();
        let directory = self.directory().await?;
        let user = directory.user(who.principal.user).ok_or(Error::Unauthenticated)?;
        let session = Secret::random(LENGTH, ALPHABET);
        let row = Token {
            user: user.no,
            user_epoch: user.epoch,
            scope: TokenScope::Project(who.principal.project),
            issued: now,
            expires: now + IDLE,
        };
        let mut side = app.store.side().await?;
        side.trim_tokens(now).await?;
        side.put_token(&hash(session.expose()), &row).await?;
        side.commit().await?;
        Ok(session)
    }

    /// Whose session this is, if it holds; it then holds for another hour.
    pub async fn by_session(&self, session: &str) -> Result<SignedIn> {
        let app = self.0;
        let (hash, now) = (hash(session), app.now());
        let row = app.store.read().await?.token(&hash, now).await?.ok_or(Error::Unauthenticated)?;
        let directory = self.directory().await?;
        let user = directory
            .user(row.user)
            .filter(|user| !user.disabled && user.epoch == row.user_epoch)
            .ok_or(Error::Unauthenticated)?;
        let TokenScope::Project(project) = row.scope else { return Err(Error::Unauthenticated) };
        let expires = now + IDLE;
        if expires - row.expires >= TOUCHED {
            let mut side = app.store.side().await?;
            side.extend_token(&hash, expires).await?;
            side.commit().await?;
        }
        self.signed_in(&directory, user, project, row.issued, expires)
    }

    /// Ends a session.
    pub async fn end_session(&self, session: &str) -> Result<()> {
        let mut side = self.0.store.side().await?;
        side.delete_token(&hash(session)).await?;
        side.commit().await?;
        Ok(())
    }
}
