//! Temporary key pairs: an access key, a secret, and a security token that goes with every request.
//!
//! Nothing of them is stored. The token says whose they are and until when, and is authentic; the
//! secret is derived from it. They end with the user's epoch, as everything does.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parapet_model::{Millis, Principal, ProjectNo};
use parapet_store::seal::Secret;
use ring::hmac;
use serde::{Deserialize, Serialize};

use super::Accounts;
use crate::app::App;
use crate::error::{Error, Result};

/// Shortest and longest life of a pair, in seconds.
pub const TEMPORARY_SECONDS: std::ops::RangeInclusive<i64> = 900..=86_400;

const ACCESS_KEY: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const ACCESS_KEY_LENGTH: usize = 20;

/// A pair as it is handed out.
#[derive(Debug, Clone)]
pub struct TemporaryKey {
    /// The open half.
    pub access_key: String,
    /// The secret half.
    pub secret: Secret,
    /// What must come with every request.
    pub security_token: Secret,
    /// First instant at which it no longer holds.
    pub expires_at: Millis,
}

/// What a security token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    access_key: String,
    user: u32,
    epoch: u64,
    project: u32,
    expires: Millis,
}

/// The key behind a security token.
pub(super) struct Held {
    pub(super) user: u32,
    pub(super) epoch: u64,
    pub(super) project: ProjectNo,
    pub(super) expires: Millis,
    pub(super) secret: Secret,
}

impl Accounts<'_> {
    /// Makes a pair for somebody who signed in, good for `seconds` in the project they act in.
    pub async fn issue_temporary_key(&self, who: &Principal, seconds: i64) -> Result<TemporaryKey> {
        if !TEMPORARY_SECONDS.contains(&seconds) {
            let (least, most) = (TEMPORARY_SECONDS.start(), TEMPORARY_SECONDS.end());
            return Err(Error::Invalid(format!("duration_seconds must be {least} to {most}")));
        }
        let app = self.0;
        let directory = self.directory().await?;
        let user = directory.user(who.user).ok_or(Error::Unauthenticated)?;
        let access_key = Secret::random(ACCESS_KEY_LENGTH, ACCESS_KEY).expose().to_owned();
        let expires_at = app.now() + seconds * 1000;
        let claims = Claims {
            access_key: access_key.clone(),
            user: user.no,
            epoch: user.epoch,
            project: who.project.0,
            expires: expires_at,
        };
        let body = serde_json::to_vec(&claims).map_err(Error::internal)?;
        let tag = hmac::sign(&key(app, "temporary keys: token"), &body);
        let token = format!("{}.{}", URL_SAFE_NO_PAD.encode(&body), URL_SAFE_NO_PAD.encode(tag.as_ref()));
        let secret = secret(app, &body);
        Ok(TemporaryKey { access_key, secret, security_token: Secret::new(token), expires_at })
    }

    /// The pair that a security token belongs to, if it is authentic, of this access key, and holds.
    pub(super) fn temporary_key(&self, access_key: &str, token: &str) -> Option<Held> {
        let app = self.0;
        let (body, tag) = token.split_once('.')?;
        let (body, tag) = (URL_SAFE_NO_PAD.decode(body).ok()?, URL_SAFE_NO_PAD.decode(tag).ok()?);
        hmac::verify(&key(app, "temporary keys: token"), &body, &tag).ok()?;
        let claims: Claims = serde_json::from_slice(&body).ok()?;
        (claims.access_key == access_key && app.now() < claims.expires).then(|| Held {
            user: claims.user,
            epoch: claims.epoch,
            project: ProjectNo(claims.project),
            expires: claims.expires,
            secret: secret(app, &body),
        })
    }
}

fn secret(app: &App, body: &[u8]) -> Secret {
    let tag = hmac::sign(&key(app, "temporary keys: secret"), body);
    // Letters and digits only, as a lasting one.
    Secret::new(hex::encode(tag.as_ref()).chars().take(40).collect::<String>())
}

fn key(app: &App, purpose: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, app.key.derive(purpose).as_slice())
}
