//! Secrets at rest.
//!
//! A secret that must be recoverable (a registry's password, the secret half of a signing key) is
//! stored sealed with XChaCha20-Poly1305. Table, row and column are authenticated with it, so a
//! sealed value moved to another place does not open, and neither does one with a changed bit.
//! The key lives in a file of its own, apart from the data when wished.
//!
//! Layout of a sealed value: one byte format (1), 8 bytes key id, 24 bytes nonce, ciphertext with
//! a 16 byte tag. The key id is a hash of the key, so a value under another key is recognised
//! without trying to open it.

mod columns;

use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::rand_core::RngCore as _;
use chacha20poly1305::aead::{Aead as _, OsRng, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

const FORMAT: u8 = 1;
const KEY_ID: usize = 8;
const NONCE: usize = 24;
const HEADER: usize = 1 + KEY_ID + NONCE;

/// Why a secret could not be sealed or opened, or a key not be used.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The value is shorter than any sealed value, or of a format this version does not know.
    #[error("sealed value of {0} is damaged")]
    Damaged(Place),
    /// The value was sealed with another key.
    #[error("sealed value of {0} was made with another master key")]
    OtherKey(Place),
    /// The value was changed, or belongs to another place.
    #[error("sealed value of {0} does not open: changed, or moved from another place")]
    NotAuthentic(Place),
    /// The secret inside is not text.
    #[error("sealed value of {0} is not text")]
    NotText(Place),
    /// The secret is too long to be sealed.
    #[error("secret for {0} is too long")]
    TooLong(Place),
    /// The key file cannot be read or written.
    #[error("master key file {path}: {source}")]
    File {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The key file holds something else than 64 hex digits.
    #[error("master key file {0} is damaged: 64 hex digits are expected")]
    KeyFile(PathBuf),
    /// Everybody on the machine may read or write the key file.
    #[error("master key file {0} is open to everybody on this machine; set its mode to 600")]
    Exposed(PathBuf),
    /// The store was sealed with another key. The server must not start.
    #[error("this is not the master key of this store")]
    WrongMasterKey,
}

/// A secret text. It is not printed by `Debug`, cannot be serialized, and is wiped from memory
/// when dropped.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes `text` as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// A fresh random text of `length` characters, each drawn from `alphabet` (1 to 256 bytes of
    /// ASCII) with the same chance.
    pub fn random(length: usize, alphabet: &[u8]) -> Self {
        // Bytes beyond the last whole multiple of the alphabet would favour its first characters.
        let fair = 256 - 256 % alphabet.len().max(1);
        let mut out = Zeroizing::new(String::with_capacity(length));
        let mut bytes = Zeroizing::new([0; 64]);
        while out.len() < length && !alphabet.is_empty() {
            OsRng.fill_bytes(bytes.as_mut_slice());
            let picked = bytes.iter().map(|&b| usize::from(b)).filter(|&b| b < fair);
            let picked = picked.filter_map(|b| alphabet.get(b % alphabet.len()));
            let missing = length - out.len();
            out.extend(picked.take(missing).map(|&c| char::from(c)));
        }
        Self(out)
    }

    /// The secret itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// Where a sealed value lives. It opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Table.
    pub table: &'static str,
    /// Number of the row, never reused.
    pub row: i64,
    /// Column.
    pub column: &'static str,
}

impl Place {
    /// A place.
    pub const fn new(table: &'static str, row: i64, column: &'static str) -> Self {
        Self { table, row, column }
    }

    /// What is authenticated beside the secret: every part with its length, so that no two places
    /// have the same bytes.
    fn associated_data(&self, header: &[u8]) -> Vec<u8> {
        let mut out = header.to_vec();
        for part in [self.table.as_bytes(), &self.row.to_be_bytes(), self.column.as_bytes()] {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part);
        }
        out
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} row {}", self.table, self.column, self.row)
    }
}

/// The key that seals every secret of a store. Wiped from memory when dropped.
pub struct MasterKey {
    cipher: XChaCha20Poly1305,
    id: [u8; KEY_ID],
    /// What other keys are derived from; never the key itself.
    root: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", hex::encode(self.id))
    }
}

impl MasterKey {
    /// The key with these bytes.
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&tagged_hash(b"parapet master key id 1\n", &bytes)[..KEY_ID]);
        let cipher = XChaCha20Poly1305::new((&bytes).into());
        let root = Zeroizing::new(tagged_hash(b"parapet derived keys 1\n", &bytes));
        bytes.zeroize();
        Self { cipher, id, root }
    }

    /// Reads the key file, or makes one of mode 600 with a fresh random key. A new file appears
    /// under its name only when it is durable, and never replaces one.
    ///
    /// # Errors
    /// When the file cannot be read or written, is damaged, or is open to everybody.
    pub fn load_or_create(path: &Path) -> Result<Self, SealError> {
        match Self::load(path) {
            Err(SealError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                create_key_file(path)?;
                Self::load(path)
            }
            loaded => loaded,
        }
    }

    /// Reads the key file, which must exist.
    ///
    /// # Errors
    /// Like [`MasterKey::load_or_create`].
    pub fn load(path: &Path) -> Result<Self, SealError> {
        let file = |source| SealError::File { path: path.to_owned(), source };
        let mode = std::fs::metadata(path).map_err(file)?.permissions().mode();
        if mode & 0o007 != 0 {
            return Err(SealError::Exposed(path.to_owned()));
        }
        let text = Zeroizing::new(std::fs::read(path).map_err(file)?);
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim_ascii(), bytes.as_mut_slice())
            .map_err(|_| SealError::KeyFile(path.to_owned()))?;
        Ok(Self::from_bytes(*bytes))
    }

    /// A key of its own for one purpose, the same on every start. It says nothing of the master key
    /// or of the key of another purpose.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(tagged_hash(self.root.as_slice(), purpose.as_bytes()))
    }

    /// Seals `secret` for `place`.
    ///
    /// # Errors
    /// Only for a secret of more than 256 GiB.
    pub fn seal(&self, place: Place, secret: &Secret) -> Result<Vec<u8>, SealError> {
        let mut out = vec![FORMAT];
        out.extend_from_slice(&self.id);
        let mut nonce = [0; NONCE];
        OsRng.fill_bytes(&mut nonce);
        let aad = place.associated_data(&out);
        let payload = Payload { msg: secret.expose().as_bytes(), aad: &aad };
        let sealed = self
            .cipher
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| SealError::TooLong(place))?;
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Opens what [`MasterKey::seal`] made for the same place.
    ///
    /// # Errors
    /// When the value is damaged, was sealed with another key or for another place.
    pub fn open(&self, place: Place, sealed: &[u8]) -> Result<Secret, SealError> {
        let (header, body) = sealed.split_at_checked(HEADER).ok_or(SealError::Damaged(place))?;
        let (prefix, nonce) = header.split_at(1 + KEY_ID);
        if prefix.first() != Some(&FORMAT) {
            return Err(SealError::Damaged(place));
        }
        if !prefix.ends_with(&self.id) {
            return Err(SealError::OtherKey(place));
        }
        let aad = place.associated_data(prefix);
        let plain = self
            .cipher
            .decrypt(XNonce::from_slice(nonce), Payload { msg: body, aad: &aad })
            .map_err(|_| SealError::NotAuthentic(place))?;
        match String::from_utf8(plain) {
            Ok(text) => Ok(Secret::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(SealError::NotText(place))
            }
        }
    }
}

fn tagged_hash(tag: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(tag);
    hash.update(bytes);
    hash.finalize().into()
}

fn create_key_file(path: &Path) -> Result<(), SealError> {
    let write = || -> std::io::Result<()> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut key = Zeroizing::new([0; 32]);
        OsRng.fill_bytes(key.as_mut_slice());
        // Made with mode 600 and linked to its name at the end.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(Zeroizing::new(hex::encode(*key)).as_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            // Somebody else made it in the same instant: theirs is the key.
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
            Ok(_) => std::fs::File::open(folder)?.sync_all(),
        }
    };
    write().map_err(|source| SealError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: Place = Place::new("registry", 7, "secret");

    #[test]
    fn a_key_file_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let first = MasterKey::load_or_create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let sealed = first.seal(HERE, &Secret::new("hunter2")).unwrap();
        let second = MasterKey::load_or_create(&path).unwrap();
        assert_eq!(second.open(HERE, &sealed).unwrap().expose(), "hunter2");
    }

    #[test]
    fn a_key_file_open_to_everybody_or_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        MasterKey::load_or_create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(MasterKey::load_or_create(&path), Err(SealError::Exposed(_))));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "abc").unwrap();
        assert!(matches!(MasterKey::load_or_create(&path), Err(SealError::KeyFile(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"abc", "a damaged file is never replaced");
    }

    #[test]
    fn neither_secret_nor_key_is_printed() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
        let printed = format!("{:?}", MasterKey::from_bytes([0x41; 32]));
        assert!(!printed.contains("4141") && !printed.contains("65, 65"), "{printed}");
    }

    #[test]
    fn random_texts_have_their_length_and_alphabet_and_differ() {
        let text = Secret::random(1_000, b"abc");
        assert_eq!(text.expose().len(), 1_000);
        for letter in ['a', 'b', 'c'] {
            let count = text.expose().matches(letter).count();
            assert!((200..500).contains(&count), "{letter}: {count} of 1,000");
        }
        assert_ne!(Secret::random(20, b"abcdef"), Secret::random(20, b"abcdef"));
        assert!(Secret::random(5, b"").is_empty());
    }

    #[test]
    fn another_key_is_named_as_the_reason() {
        let sealed = MasterKey::from_bytes([1; 32]).seal(HERE, &Secret::new("x")).unwrap();
        let opened = MasterKey::from_bytes([2; 32]).open(HERE, &sealed);
        assert!(matches!(opened, Err(SealError::OtherKey(HERE))), "{opened:?}");
    }

    proptest! {
        #[test]
        fn a_secret_opens_at_its_place_only(
            text in ".{0,80}", row in 0_i64..4, other in 0_i64..4, bit in any::<prop::sample::Index>()
        ) {
            let key = MasterKey::from_bytes([9; 32]);
            let place = Place::new("registry", row, "secret");
            let sealed = key.seal(place, &Secret::new(text.clone())).unwrap();
            let opened = key.open(place, &sealed).unwrap();
            prop_assert_eq!(opened.expose(), &text);

            let moved = [
                Place::new("registry", other, "secret"),
                Place::new("api_key", row, "secret"),
                Place::new("registry", row, "secre"),
                Place::new("registr", row, "ysecret"),
            ];
            for elsewhere in moved.into_iter().filter(|p| *p != place) {
                prop_assert!(key.open(elsewhere, &sealed).is_err());
            }

            let bit = bit.index(sealed.len() * 8);
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(key.open(place, &flipped).is_err());
            prop_assert!(key.open(place, &sealed[..bit / 8]).is_err());
        }
    }
}
