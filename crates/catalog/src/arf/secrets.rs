//! What of an item is dropped at the door: passwords, their hashes and private keys have no place in a store
//! of posture. The rule is by the name of a field, by the file an item is from, and by the look of a value;
//! what was dropped leaves a word, so that one sees that something was there.

/// What stands for a secret.
const REMOVED: &str = "(removed)";

/// Fields that hold a secret by their meaning.
const SECRET_FIELDS: [&str; 4] = ["password", "passwd", "encrypted_password", "passphrase"];

/// Files whose lines are secrets.
const SECRET_FILES: [&str; 6] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/security/opasswd",
    "/etc/ssl/private",
];

/// Fields with what a file says.
const CONTENT_FIELDS: [&str; 4] = ["text", "line", "subexpression", "value"];

/// Words before a `=` that say that a secret follows.
const SECRET_WORDS: [&str; 6] = ["password", "passwd", "passphrase", "secret", "authtok", "bindpw"];

/// Takes the secrets out of the fields of one item.
pub(super) fn remove(fields: &mut [(String, String)]) {
    let path = |name: &str| fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let file = path("filepath").or_else(|| path("path")).unwrap_or("");
    let secret_file = SECRET_FILES.contains(&file)
        || file.starts_with("/etc/ssl/private/")
        || file.starts_with("/etc/ssh/ssh_host_") && !file.ends_with(".pub");
    for (name, value) in fields {
        let content = CONTENT_FIELDS.contains(&name.as_str());
        if SECRET_FIELDS.contains(&name.as_str()) || secret_file && content {
            if !value.is_empty() {
                REMOVED.clone_into(value);
            }
        } else {
            remove_from_text(value);
        }
    }
}

/// Takes hashes, keys and `password = …` out of a text.
pub(super) fn remove_from_text(text: &mut String) {
    if text.contains("PRIVATE KEY-----") {
        REMOVED.clone_into(text);
        return;
    }
    remove_hashes(text);
    remove_assigned(text);
}

/// Hashes as `crypt` writes them (`$6$salt$hash`), and GRUB's.
fn remove_hashes(text: &mut String) {
    let mut from = 0;
    while let Some(at) = next_hash(text, from) {
        let end = text[at..]
            .find(|c: char| c.is_whitespace() || ":\"',;".contains(c))
            .map_or(text.len(), |n| at + n);
        text.replace_range(at..end, REMOVED);
        from = at + REMOVED.len();
    }
}

/// Where the next hash begins.
fn next_hash(text: &str, from: usize) -> Option<usize> {
    let grub = text[from..].find("grub.pbkdf2.").map(|at| from + at);
    let crypt = text[from..].match_indices('$').map(|(at, _)| from + at).find(|&at| is_crypt(&text[at..]));
    match (grub, crypt) {
        (Some(grub), Some(crypt)) => Some(grub.min(crypt)),
        (one, other) => one.or(other),
    }
}

/// `$id$` and at least 13 characters of a hash's alphabet.
fn is_crypt(text: &str) -> bool {
    let mut parts = text[1..].splitn(2, '$');
    let (Some(id), Some(rest)) = (parts.next(), parts.next()) else { return false };
    let known = (1..=10).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"./$=,+-_".contains(b)).count();
    known && length >= 13
}

/// The value in `word = value`.
fn remove_assigned(text: &mut String) {
    let lower = text.to_ascii_lowercase();
    let mut cuts = Vec::new();
    for word in SECRET_WORDS {
        for (at, _) in lower.match_indices(word) {
            let after = &lower[at + word.len()..];
            let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
            let Some(value) = after[blanks..].strip_prefix('=') else { continue };
            let more = value.len() - value.trim_start_matches([' ', '\t']).len();
            let start = at + word.len() + blanks + 1 + more;
            let end = lower[start..].find(['\n', '\r']).map_or(lower.len(), |n| start + n);
            if start < end {
                cuts.push((start, end));
            }
        }
    }
    cuts.sort_unstable();
    let mut covered = usize::MAX;
    for (start, end) in cuts.into_iter().rev() {
        if end <= covered {
            text.replace_range(start..end, REMOVED);
            covered = start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut fields: Vec<(String, String)> =
            fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        remove(&mut fields);
        fields
    }

    #[test]
    fn planted_hashes_do_not_come_in() {
        let hash = "$6$saltsalt$Yk3hAsHhAsHhAsHhAsHhAsH1";
        for (name, value) in [
            ("password", "x9LegacyDESxx"),
            ("text", "root:$6$saltsalt$Yk3hAsHhAsHhAsHhAsHhAsH1:19000:0:99999:7:::"),
            ("subexpression", "$y$j9T$abcdefghijklmnopqrstuv"),
            ("value", "password_pbkdf2 root grub.pbkdf2.sha512.10000.AABBCCDD"),
            ("text", "ldap_default_authtok = hunter2hunter2"),
            ("text", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc"),
        ] {
            let fields = cleaned(&[("filepath", "/etc/some.conf"), (name, value)]);
            let kept = &fields[1].1;
            assert!(kept.contains(REMOVED), "{name} {kept}");
            for secret in [hash, "x9Legacy", "j9T", "AABBCC", "hunter2", "abc"] {
                assert!(!kept.contains(secret), "{name} {kept}");
            }
        }
        let fields = cleaned(&[("filepath", "/etc/shadow"), ("text", "root:abJnggxhB/yWI:19000:0:::")]);
        assert_eq!(fields[1].1, REMOVED);
    }

    #[test]
    fn settings_that_only_sound_like_secrets_stay() {
        for value in [
            "password requisite pam_pwquality.so retry=3",
            "passwd: files systemd",
            "PermitEmptyPasswords no",
            "%wheel ALL=(ALL) NOPASSWD: ALL",
            "Defaults passwd_tries=3",
            "price $5 or $6 each",
            "^\\s*remember\\s*=\\s*([0-9]+)$",
        ] {
            assert_eq!(cleaned(&[("text", value)])[0].1, value);
        }
    }
}
