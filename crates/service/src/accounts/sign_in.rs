//! Passwords and tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use parapet_model::facts::ProjectRow;
use parapet_model::{Digest, Millis, Permission, Principal, ProjectNo};
use parapet_store::Kind;
use parapet_store::accounts::{Directory, Token, User};
use parapet_store::seal::Secret;
use sha2::{Digest as _, Sha256};

use super::signing::Turns;
use super::throttle::Throttle;
use super::{Accounts, SignedIn, TOKEN_LIFETIME};
use crate::app::App;
use crate::error::{Error, Result};
use crate::password::Passwords;

/// How long a verified password is remembered, so that scripts with Basic sign-in do not pay for a
/// hash per call (REVIEW F3).
const REMEMBERED: Millis = 5 * 60 * 1000;
/// Most remembered passwords.
const MAX_REMEMBERED: usize = 10_000;
/// Characters of a token.
const TOKEN_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const TOKEN_LENGTH: usize = 64;

/// What a token is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenScope {
    /// The user's home project.
    HomeProject,
    /// A project by id or name.
    Project(String),
    /// The whole domain.
    Domain,
}

/// State of the process around signing in.
#[derive(Debug)]
pub(crate) struct SignIns {
    passwords: Passwords,
    pub(super) throttle: Throttle,
    /// Signed requests that are being done.
    pub(super) turns: Turns,
    /// Keyed by a hash over a secret of this process, so that memory holds no password.
    remembered: Mutex<HashMap<[u8; 32], (u32, u64, Millis)>>,
    process_secret: [u8; 32],
    /// Directory, and the log position it was loaded at.
    directory: ArcSwapOption<(u64, Arc<Directory>)>,
}

impl Default for SignIns {
    fn default() -> Self {
        let mut process_secret = [0; 32];
        rand::fill(&mut process_secret);
        Self {
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            turns: Turns::default(),
            remembered: Mutex::default(),
            process_secret,
            directory: ArcSwapOption::empty(),
        }
    }
}

impl SignIns {
    /// See [`Accounts::directory`].
    pub(super) async fn directory(&self, app: &App) -> Result<Arc<Directory>> {
        let mut session = app.store.read().await?;
        let head = session.head().await?.seq;
        if let Some(known) = self.directory.load_full() {
            let (at, directory) = &*known;
            if *at == head {
                return Ok(directory.clone());
            }
            let since = session.log_since(*at, 10_000).await?;
            let about_accounts = |kind: Kind| matches!(kind, Kind::User | Kind::Role | Kind::Project);
            let unchanged = since
                .is_some_and(|log| log.len() < 10_000 && !log.iter().any(|entry| about_accounts(entry.kind)));
            if unchanged {
                self.directory.store(Some(Arc::new((head, directory.clone()))));
                return Ok(directory.clone());
            }
        }
        let fresh = Arc::new(session.directory().await?);
        self.directory.store(Some(Arc::new((head, fresh.clone()))));
        Ok(fresh)
    }

    pub(super) fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    fn fingerprint(&self, name: &str, password: &Secret) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.process_secret);
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.to_lowercase().as_bytes());
        hash.update(password.expose().as_bytes());
        hash.finalize().into()
    }

    fn is_remembered(&self, fingerprint: &[u8; 32], user: &User, now: Millis) -> bool {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered
            .get(fingerprint)
            .is_some_and(|(no, epoch, until)| *no == user.no && *epoch == user.epoch && now < *until)
    }

    fn remember(&self, fingerprint: [u8; 32], user: &User, now: Millis) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.retain(|_, (_, _, until)| now < *until);
        }
        if remembered.len() < MAX_REMEMBERED {
            remembered.insert(fingerprint, (user.no, user.epoch, now + REMEMBERED));
        }
    }
}

impl Accounts<'_> {
    /// Signs in with name and password, acting in the user's home project. A wrong name and a wrong
    /// password look and cost the same.
    pub async fn sign_in(&self, name: &str, password: Secret) -> Result<SignedIn> {
        let app = self.0;
        let now = app.now();
        let directory = self.directory().await?;
        let user = directory.user_by_name(name).filter(|user| !user.disabled);
        let fingerprint = app.sign_ins.fingerprint(name, &password);
        if let Some(user) = user
            && app.sign_ins.is_remembered(&fingerprint, user, now)
        {
            return self.signed_in(&directory, user, user.home_project, now, now + TOKEN_LIFETIME);
        }
        app.sign_ins.throttle.check(name, now)?;
        let hash = match user {
            Some(user) => {
                app.store.read().await?.password_hash(user.no).await?.filter(|hash| !hash.is_empty())
            }
            None => None,
        };
        let right = app.sign_ins.passwords.verify(password, hash).await?;
        match user.filter(|_| right) {
            Some(user) => {
                app.sign_ins.throttle.succeeded(name);
                app.sign_ins.remember(fingerprint, user, now);
                self.signed_in(&directory, user, user.home_project, now, now + TOKEN_LIFETIME)
            }
            None => {
                app.sign_ins.throttle.failed(name, now);
                Err(Error::Unauthenticated)
            }
        }
    }

    /// Signs in with both halves of a key pair, acting in the key's project. A wrong key and a wrong
    /// secret look the same.
    pub async fn sign_in_with_key(&self, access_key: &str, secret: &Secret) -> Result<SignedIn> {
        let app = self.0;
        let now = app.now();
        app.sign_ins.throttle.check(access_key, now)?;
        let found = app.store.read().await?.api_key_secret(&app.key, access_key).await?;
        let directory = self.directory().await?;
        // Hashes are compared, so that time tells nothing of the secret.
        let hash = |secret: &Secret| Digest::of(secret.expose().as_bytes());
        let key = found.filter(|(key, right)| !key.disabled && hash(right) == hash(secret));
        let user = key.as_ref().and_then(|(key, _)| directory.user(key.user));
        match key.as_ref().zip(user.filter(|user| !user.disabled)) {
            Some(((key, _), user)) => {
                app.sign_ins.throttle.succeeded(access_key);
                self.signed_in(&directory, user, key.project, now, now + TOKEN_LIFETIME)
            }
            None => {
                app.sign_ins.throttle.failed(access_key, now);
                Err(Error::Unauthenticated)
            }
        }
    }

    /// Issues a token to somebody who just signed in.
    pub async fn issue_token(&self, who: &SignedIn, scope: &TokenScope) -> Result<(Secret, SignedIn)> {
        let app = self.0;
        let now = app.now();
        let directory = self.directory().await?;
        let user = directory.user(who.principal.user).ok_or(Error::Unauthenticated)?;
        let project = match scope {
            TokenScope::HomeProject | TokenScope::Domain => user.home_project,
            TokenScope::Project(named) => self.project_named(&directory, user, named).await?,
        };
        let stored = match scope {
            TokenScope::Domain => parapet_store::accounts::TokenScope::Domain,
            _ => parapet_store::accounts::TokenScope::Project(project),
        };
        let token = Secret::random(TOKEN_LENGTH, TOKEN_ALPHABET);
        let expires = now + TOKEN_LIFETIME;
        let row = Token { user: user.no, user_epoch: user.epoch, scope: stored, issued: now, expires };
        let mut side = app.store.side().await?;
        side.trim_tokens(now).await?;
        side.put_token(&Digest::of(token.expose().as_bytes()), &row).await?;
        side.commit().await?;
        let mut signed_in = self.signed_in(&directory, user, project, now, expires)?;
        if *scope == TokenScope::Domain {
            signed_in.project = None;
        }
        Ok((token, signed_in))
    }

    /// Ends a token before its time: one's own, or that of a user whom the asker may change.
    pub async fn end_token(&self, who: &Principal, token: &str) -> Result<()> {
        let owner = self.by_token(token).await.map_err(|_| Error::NotFound("token".to_owned()))?;
        if owner.principal.user != who.user {
            super::require(who, Permission::UsersWrite)?;
            let mut session = self.0.store.read().await?;
            let user = session.user(owner.principal.user).await?.ok_or(Error::Unauthenticated)?;
            super::within::user_within(&mut session, who, &user).await?;
        }
        let mut side = self.0.store.side().await?;
        side.delete_token(&Digest::of(token.as_bytes())).await?;
        Ok(side.commit().await?)
    }

    /// What a token stands for, if it holds.
    pub async fn by_token(&self, token: &str) -> Result<SignedIn> {
        let app = self.0;
        let hash = Digest::of(token.as_bytes());
        let row = app.store.read().await?.token(&hash, app.now()).await?.ok_or(Error::Unauthenticated)?;
        let directory = self.directory().await?;
        let user = directory
            .user(row.user)
            .filter(|user| !user.disabled && user.epoch == row.user_epoch)
            .ok_or(Error::Unauthenticated)?;
        let (project, of_domain) = match row.scope {
            parapet_store::accounts::TokenScope::Project(project) => (project, false),
            parapet_store::accounts::TokenScope::Domain => (user.home_project, true),
        };
        let mut signed_in = self.signed_in(&directory, user, project, row.issued, row.expires)?;
        if of_domain {
            signed_in.project = None;
        }
        Ok(signed_in)
    }

    async fn project_named(&self, directory: &Directory, user: &User, named: &str) -> Result<ProjectNo> {
        let mut session = self.0.store.read().await?;
        let found: Option<ProjectRow> = match session.project_by_id(named).await? {
            Some(project) => Some(project),
            None => session.project_by_name(named).await?,
        };
        found
            .map(|project| project.no)
            .filter(|project| directory.principal_of(user.no, *project).is_some())
            .ok_or(Error::Unauthenticated)
    }

    /// Somebody who proved to be `user`, acting in `project`.
    pub(super) fn signed_in(
        &self,
        directory: &Directory,
        user: &User,
        project: ProjectNo,
        issued_at: Millis,
        expires_at: Millis,
    ) -> Result<SignedIn> {
        let principal: Principal = directory.principal_of(user.no, project).ok_or(Error::Unauthenticated)?;
        let roles = directory.roles_in(user.no, project);
        let project = directory.project(project).cloned();
        Ok(SignedIn { principal, project, roles, issued_at, expires_at })
    }
}
