//! `parapet user`, `role`, `key`, `token`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use parapet_service::TokenScope;
use parapet_store::seal::Secret;
use serde_json::json;

use super::options::StoreOptions;
use super::output::{self, Format};

/// Manage users.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  parapet user add alice --role analyst --password-file alice.txt
  parapet user passwd admin --password-file new.txt
  parapet user list --format json")]
pub(super) struct User {
    #[command(subcommand)]
    action: UserAction,
    #[command(flatten)]
    store: StoreOptions,
    /// How to print
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum UserAction {
    /// Make a user
    Add {
        /// Name
        name: String,
        /// Role in the project; may be repeated
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<String>,
        /// File whose first line is the password; without it one is made and printed once
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Set a password; ends everything the user signed in with before
    Passwd {
        /// Name
        name: String,
        /// File whose first line is the password; without it one is made and printed once
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Switch a user off
    Disable {
        /// Name
        name: String,
    },
    /// Switch a user on
    Enable {
        /// Name
        name: String,
    },
    /// List users
    List,
}

impl User {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (app, who) = self.store.open_without_posture().await?;
        let accounts = app.accounts();
        match self.action {
            UserAction::Add { name, roles, password_file } => {
                let (password, made) = password(password_file.as_deref())?;
                let shown = password.expose().to_owned();
                let user = accounts.create_user(&who, &name, password, &roles).await?;
                print_password(self.format, "user", &user.name, made.then_some(shown))
            }
            UserAction::Passwd { name, password_file } => {
                let (password, made) = password(password_file.as_deref())?;
                let shown = password.expose().to_owned();
                accounts.set_password(&who, &name, password).await?;
                print_password(self.format, "user", &name, made.then_some(shown))
            }
            UserAction::Disable { name } => Ok(accounts.set_disabled(&who, &name, true).await?),
            UserAction::Enable { name } => Ok(accounts.set_disabled(&who, &name, false).await?),
            UserAction::List => {
                let users = accounts.users(&who).await?;
                if self.format == Format::Json {
                    return output::print_json(&users);
                }
                let mut rows = vec![vec!["NAME".to_owned(), "STATE".to_owned(), "ID".to_owned()]];
                for user in users {
                    let state = if user.disabled { "disabled" } else { "enabled" };
                    rows.push(vec![user.name, state.to_owned(), user.uuid.to_string()]);
                }
                output::print(&output::table(&rows))
            }
        }
    }
}

/// Show roles.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  parapet role list")]
pub(super) struct Role {
    #[command(subcommand)]
    action: RoleAction,
    #[command(flatten)]
    store: StoreOptions,
    /// How to print
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum RoleAction {
    /// List roles with their permissions
    List,
}

impl Role {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (app, who) = self.store.open_without_posture().await?;
        let RoleAction::List = self.action;
        let roles = app.accounts().roles(&who).await?;
        if self.format == Format::Json {
            return output::print_json(&roles);
        }
        let mut rows = vec![vec!["ROLE".to_owned(), "PERMISSIONS".to_owned()]];
        for role in roles {
            let words: Vec<&str> = role.permissions.iter().map(|p| p.as_str()).collect();
            rows.push(vec![role.name, words.join(" ")]);
        }
        output::print(&output::table(&rows))
    }
}

/// Manage access key pairs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  parapet key add admin --format json
  parapet key list admin
  parapet key delete ACCESSKEY")]
pub(super) struct Key {
    #[command(subcommand)]
    action: KeyAction,
    #[command(flatten)]
    store: StoreOptions,
    /// How to print
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum KeyAction {
    /// Make a pair for a user; the secret is printed once
    Add {
        /// Name of the user
        user: String,
    },
    /// List the keys of a user
    List {
        /// Name of the user
        user: String,
    },
    /// Delete a key
    Delete {
        /// The access key
        access_key: String,
    },
}

impl Key {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (app, who) = self.store.open_without_posture().await?;
        let accounts = app.accounts();
        match self.action {
            KeyAction::Add { user } => {
                let key = accounts.create_key(&who, &user).await?;
                if self.format == Format::Json {
                    return output::print_json(&json!({
                        "access_key": key.access_key,
                        "secret_key": key.secret.expose(),
                        "project_id": key.project_id,
                    }));
                }
                output::print(&format!(
                    "access key  {}\nsecret key  {}  (shown only now)\nproject id  {}\n",
                    key.access_key,
                    key.secret.expose(),
                    key.project_id
                ))
            }
            KeyAction::List { user } => {
                let keys = accounts.keys(&who, &user).await?;
                if self.format == Format::Json {
                    return output::print_json(&keys);
                }
                let mut rows = vec![vec!["ACCESS KEY".to_owned(), "STATE".to_owned()]];
                for key in keys {
                    let state = if key.disabled { "disabled" } else { "enabled" };
                    rows.push(vec![key.access_key, state.to_owned()]);
                }
                output::print(&output::table(&rows))
            }
            KeyAction::Delete { access_key } => Ok(accounts.delete_key(&who, &access_key).await?),
        }
    }
}

/// Issue sign-in tokens.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  parapet token issue alice --password-file alice.txt")]
pub(super) struct Token {
    #[command(subcommand)]
    action: TokenAction,
    #[command(flatten)]
    store: StoreOptions,
    /// How to print
    #[arg(long, value_enum, default_value_t, global = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum TokenAction {
    /// Issue a token for the user's home project, good for 24 hours
    Issue {
        /// Name of the user
        user: String,
        /// File whose first line is the password
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
    },
}

impl Token {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (app, _) = self.store.open_without_posture().await?;
        let TokenAction::Issue { user, password_file } = self.action;
        let signed_in = app.accounts().sign_in(&user, read_password(&password_file)?).await?;
        let (token, signed_in) = app.accounts().issue_token(&signed_in, &TokenScope::HomeProject).await?;
        if self.format == Format::Json {
            return output::print_json(&json!({
                "token": token.expose(),
                "expires_at": parapet_model::time::format_rfc3339(signed_in.expires_at),
                "project_id": signed_in.project.map(|project| project.id),
            }));
        }
        output::print(&format!("{}\n", token.expose()))
    }
}

fn print_password(format: Format, what: &str, name: &str, made: Option<String>) -> anyhow::Result<()> {
    match (format, made) {
        (Format::Json, made) => output::print_json(&json!({what: name, "password": made})),
        (Format::Table, Some(password)) => {
            output::print(&format!("password of {name}: {password}  (shown only now)\n"))
        }
        (Format::Table, None) => Ok(()),
    }
}

/// The password of a file, or a fresh one; whether it was made.
fn password(file: Option<&Path>) -> anyhow::Result<(Secret, bool)> {
    match file {
        Some(file) => Ok((read_password(file)?, false)),
        None => Ok((fresh_password(), true)),
    }
}

/// 24 characters without those that look alike.
pub(super) fn fresh_password() -> Secret {
    Secret::random(24, b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789")
}

/// The first line of a file.
pub(super) fn read_password(file: &Path) -> anyhow::Result<Secret> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line.to_owned())),
        _ => bail!("{} holds no password", file.display()),
    }
}
