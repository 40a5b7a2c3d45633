//! Tokens: sessions of the pages and Keystone tokens, by the SHA-256 of their text. They are no
//! facts: written beside the log, and a power failure may forget the newest. A token holds only
//! while the user's epoch is the one it was issued under.

use parapet_model::{Digest, Millis, ProjectNo};

use crate::error::Result;
use crate::session::Session;
use crate::sql::args;
use crate::tx::Side;

const GET: &str = "SELECT account, account_epoch, project, issued, expires FROM token \
     WHERE hash = $1 AND expires > $2";
const PUT: &str = "INSERT INTO token (hash, account, account_epoch, project, issued, expires) \
     VALUES ($1, $2, $3, $4, $5, $6)";
const DELETE: &str = "DELETE FROM token WHERE hash = $1";
const EXTEND: &str = "UPDATE token SET expires = $1 WHERE hash = $2 AND expires < $3";
const TRIM: &str = "DELETE FROM token WHERE expires <= $1";

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenScope {
    /// One project.
    Project(ProjectNo),
    /// The account as a whole: says who somebody is, opens no project.
    Domain,
}

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Number of the user.
    pub user: u32,
    /// The user's epoch at issue; the caller compares it with the present one.
    pub user_epoch: u64,
    /// What it is good for.
    pub scope: TokenScope,
    /// When it was issued.
    pub issued: Millis,
    /// First instant at which it no longer holds.
    pub expires: Millis,
}

impl Session {
    /// The token whose text has this hash, unless it expired.
    pub async fn token(&mut self, hash: &Digest, now: Millis) -> Result<Option<Token>> {
        let Some(row) = self.fetch_one(GET, args![hash, now]).await? else { return Ok(None) };
        let mut f = row.fields("token");
        let (user, user_epoch) = (f.u32("account")?, f.u64("account_epoch")?);
        let scope = match f.u32("project")? {
            0 => TokenScope::Domain,
            project => TokenScope::Project(ProjectNo(project)),
        };
        Ok(Some(Token { user, user_epoch, scope, issued: f.i64()?, expires: f.i64()? }))
    }
}

impl Side {
    /// Keeps a token.
    pub async fn put_token(&mut self, hash: &Digest, token: &Token) -> Result<()> {
        let project = match token.scope {
            TokenScope::Project(project) => project,
            TokenScope::Domain => ProjectNo(0),
        };
        self.execute(PUT, args![hash, token.user, token.user_epoch, project, token.issued, token.expires])
            .await?;
        Ok(())
    }

    /// Lets a token hold longer.
    pub async fn extend_token(&mut self, hash: &Digest, expires: Millis) -> Result<()> {
        self.execute(EXTEND, args![expires, hash, expires]).await?;
        Ok(())
    }

    /// Ends a token; whether there was one.
    pub async fn delete_token(&mut self, hash: &Digest) -> Result<bool> {
        Ok(self.execute(DELETE, args![hash]).await? > 0)
    }

    /// Forgets expired tokens; how many.
    pub async fn trim_tokens(&mut self, now: Millis) -> Result<u64> {
        self.execute(TRIM, args![now]).await
    }
}
