//! Bearer tokens of the Qualys family: JSON Web Tokens, HMAC-SHA256 (contract `qualys-cs` 1.1).
//!
//! The token carries no rights, only who it was issued to and the user's epoch, so that disabling a
//! user or changing a password ends it at once.
//!
//! One client decodes the payload as plain Base64, which has neither `-` nor `_`. ASCII text encodes
//! to those only through `>`, `?`, `~` and DEL, so the claims hold numbers and fixed words, never a
//! name.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use parapet_model::{Millis, ProjectNo};
use serde::{Deserialize, Serialize};

use super::{Accounts, SignedIn};
use crate::app::App;
use crate::error::{Error, Result};

/// How long a token holds.
const LIFETIME: Millis = 4 * 60 * 60 * 1000;

const ISSUER: &str = "parapet";
const AUDIENCE: &str = "csapi";

/// Why a bearer token is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum BearerError {
    /// It was right once.
    #[error("JWT expired")]
    Expired,
    /// It is no token of this server, or its user has changed since.
    #[error("JWT is not valid")]
    Invalid,
    /// It could not be checked.
    #[error(transparent)]
    Failed(#[from] Error),
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// Number of the user.
    sub: String,
    epoch: u64,
    project: u32,
    /// Seconds.
    iat: i64,
    /// Seconds.
    exp: i64,
    jti: String,
    #[serde(rename = "modulesAllowed")]
    modules_allowed: Vec<String>,
}

impl Accounts<'_> {
    /// Issues a token to somebody who just signed in.
    pub async fn issue_jwt(&self, who: &SignedIn) -> Result<String> {
        let app = self.0;
        let directory = self.directory().await?;
        let user = directory.user(who.principal.user).ok_or(Error::Unauthenticated)?;
        let now = app.now();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.no.to_string(),
            epoch: user.epoch,
            project: who.principal.project.0,
            iat: now / 1000,
            exp: (now + LIFETIME) / 1000,
            jti: app.ids.uuid().to_string(),
            modules_allowed: vec!["CS".to_owned()],
        };
        let key = EncodingKey::from_secret(key(app).as_slice());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(Error::internal)
    }

    /// What a token stands for, if it holds.
    pub async fn by_jwt(&self, token: &str) -> Result<SignedIn, BearerError> {
        let app = self.0;
        let claims = decode(token, key(app).as_slice())?;
        let (issued, expires) = (claims.iat.saturating_mul(1000), claims.exp.saturating_mul(1000));
        if app.now() >= expires {
            return Err(BearerError::Expired);
        }
        let directory = self.directory().await?;
        let user = claims.sub.parse().ok().and_then(|no| directory.user(no));
        let user =
            user.filter(|user| !user.disabled && user.epoch == claims.epoch).ok_or(BearerError::Invalid)?;
        match self.signed_in(&directory, user, ProjectNo(claims.project), issued, expires) {
            Err(Error::Unauthenticated) => Err(BearerError::Invalid),
            other => Ok(other?),
        }
    }
}

/// What a token of this server says; whether it is over is for the caller's clock.
fn decode(token: &str, key: &[u8]) -> Result<Claims, BearerError> {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[AUDIENCE]);
    rules.validate_exp = false;
    let decoded = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(key), &rules);
    Ok(decoded.map_err(|_| BearerError::Invalid)?.claims)
}

fn key(app: &App) -> impl std::ops::Deref<Target = [u8; 32]> {
    app.key.derive("JWT of the Qualys family")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(algorithm: Algorithm, issuer: &str, audience: &str, key: &[u8]) -> String {
        let claims = Claims {
            iss: issuer.to_owned(),
            aud: audience.to_owned(),
            sub: "1".to_owned(),
            epoch: 1,
            project: 1,
            iat: 1,
            exp: 2,
            jti: "x".to_owned(),
            modules_allowed: vec!["CS".to_owned()],
        };
        jsonwebtoken::encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(key)).unwrap()
    }

    #[test]
    fn a_token_is_of_this_key_this_issuer_and_this_audience() {
        let (key, other) = ([7; 32], [8; 32]);
        let holds = |token: &str| decode(token, &key).is_ok();
        assert!(holds(&signed(Algorithm::HS256, ISSUER, AUDIENCE, &key)));
        assert!(!holds(&signed(Algorithm::HS256, ISSUER, AUDIENCE, &other)), "another server's key");
        assert!(!holds(&signed(Algorithm::HS256, ISSUER, "hss", &key)), "another audience, rightly signed");
        assert!(!holds(&signed(Algorithm::HS256, "somebody", AUDIENCE, &key)));
        assert!(!holds(&signed(Algorithm::HS512, ISSUER, AUDIENCE, &key)), "another algorithm");
    }
}
