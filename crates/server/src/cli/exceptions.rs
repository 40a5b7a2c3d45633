//! Options of `serve` about exceptions: the rules for all of them, and where notices go.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use parapet_service::control_exceptions::ExceptionRules;
use parapet_service::notices::{MailOptions, NotifyOptions};
use parapet_store::seal::Secret;

use super::accounts::read_password;
use super::output;
use super::serve::write_private;

/// Characters of a key that is made here.
const KEY_ALPHABET: &[u8] = b"0123456789abcdef";
const KEY_LENGTH: usize = 64;

/// See the module.
#[derive(Debug, Args)]
pub(super) struct ExceptionOptions {
    /// Nobody approves an exception they asked for themselves
    #[arg(long, env = "PARAPET_FOUR_EYES")]
    four_eyes: bool,
    /// Show a control that fails under an approved exception as failed, not as passed
    #[arg(long, env = "PARAPET_SHOW_ACCEPTED_AS_FAILED")]
    show_accepted_as_failed: bool,
    /// Post a signed event here when an exception ends soon or is reopened. The key of the signature is
    /// in --notify-webhook-key-file
    #[arg(long, value_name = "URL", env = "PARAPET_NOTIFY_WEBHOOK", hide_env_values = true)]
    notify_webhook: Option<String>,
    /// File with the key that webhook events are signed with; made on first use [default: DIR/webhook.key]
    #[arg(long, value_name = "FILE", env = "PARAPET_NOTIFY_WEBHOOK_KEY_FILE")]
    notify_webhook_key_file: Option<PathBuf>,
    /// Send the same by e-mail: smtp://[user@]host[:port]?from=ADDRESS&to=ADDRESS, with STARTTLS unless
    /// &tls=off; smtps:// is TLS from the first byte
    #[arg(long, value_name = "URL", env = "PARAPET_NOTIFY_SMTP")]
    notify_smtp: Option<String>,
    /// File with the password of the user of --notify-smtp
    #[arg(long, value_name = "FILE", env = "PARAPET_NOTIFY_SMTP_PASSWORD_FILE")]
    notify_smtp_password_file: Option<PathBuf>,
    /// File with a certificate authority that the relay may show beside the machine's own, as PEM
    #[arg(long, value_name = "FILE", env = "PARAPET_NOTIFY_SMTP_CA_FILE", requires = "notify_smtp")]
    notify_smtp_ca_file: Option<PathBuf>,
}

impl ExceptionOptions {
    /// The rules.
    pub(super) fn rules(&self) -> ExceptionRules {
        ExceptionRules { four_eyes: self.four_eyes, show_accepted_as_failed: self.show_accepted_as_failed }
    }

    /// Where notices go. Makes the key of the webhook where there is none.
    pub(super) fn notify(&self, data_dir: &Path) -> anyhow::Result<NotifyOptions> {
        let mut out = NotifyOptions::default();
        if let Some(url) = &self.notify_webhook {
            let file = self.notify_webhook_key_file.clone().unwrap_or_else(|| data_dir.join("webhook.key"));
            if !file.exists() {
                write_private(&file, Secret::random(KEY_LENGTH, KEY_ALPHABET).expose())?;
                output::note(&format!("the key of the webhook is in {}", file.display()));
            }
            let key = read_password(&file).with_context(|| "the key of the webhook")?;
            out.webhook = Some((url.clone(), key));
        }
        if let Some(url) = &self.notify_smtp {
            let password = self.notify_smtp_password_file.as_deref().map(read_password).transpose()?;
            let authority = self.notify_smtp_ca_file.as_deref().map(read_authority).transpose()?;
            out.mail = Some(MailOptions { url: url.clone(), password, authority });
        }
        Ok(out)
    }
}

fn read_authority(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("the authority of the mail relay, {}", file.display()))
}
