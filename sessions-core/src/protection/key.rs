//! A key, and what names it.

use std::{fmt, io, path::PathBuf, str::FromStr};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{KeyMaterial, Suite};
use crate::{
    RandomError,
    error::with_causes,
    secret::{self, Still},
};

/// A secret key of 32 bytes; wiped when dropped, and never shown.
#[derive(Clone)]
pub struct Key {
    bytes: Still,
    suite: Suite,
}

/// Text or bytes that are of no use as a key.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not base64.
    #[error(
        "a key is {} bytes in base64, such as `openssl rand -base64 32` prints",
        Key::LEN
    )]
    Text,
    /// Too long or too short.
    #[error(
        "a key has {} bytes, not {_0}: make one with `openssl rand -base64 32`",
        Key::LEN
    )]
    Length(usize),
    /// All bytes are the same: a placeholder that was left in.
    #[error("the key's bytes are all the same: make one with `openssl rand -base64 32`")]
    Weak,
    /// The environment has no such variable.
    #[error("the environment variable `{_0}` is not set: `export {_0}=\"$(openssl rand -base64 32)\"`")]
    NoVariable(String),
    /// A secret that is too short to derive a key from.
    #[error(
        "a key is derived from a random secret of {} bytes or more, not {_0}; never from a password",
        Key::LEN
    )]
    Secret(usize),
    /// Not the id of a key.
    #[error("the id of a key is {} hexadecimal digits", 2 * KeyId::LEN)]
    Id,
    /// Not the name of a suite.
    #[error("before a key and a colon stands its suite: `aes-256-gcm-siv` or `chacha20-poly1305`")]
    Suite,
    /// Nothing that a key can be.
    #[error(
        "a key is base64, and before it stands at most what it is: `current`, `upcoming`, `retired` or `revoked`"
    )]
    State,
    /// A second current key.
    #[error("there is a current key already: only one can be")]
    SecondCurrent,
    /// A key that is listed already, or one that shares its id; or one that is revoked, for whatever suite.
    #[error(
        "this key, or one that shares its id or is revoked for another suite, is listed already: remove one of the two"
    )]
    Listed,
    /// There is no current key.
    #[error("{_0} has no current key: put `current` before one")]
    NoCurrent(String),
    /// The key file could not be read.
    #[error("the key file {} cannot be read", _0.display())]
    File(PathBuf, #[source] io::Error),
    /// The key file is too long to be one.
    #[error("the key file {} is too long to be one", _0.display())]
    FileLength(PathBuf),
    /// Others than its owner may write into the key file, and so make sessions.
    #[error("others than its owner may write into the key file {path}: `chmod go-w {path}`", path = _0.display())]
    Writable(PathBuf),
    /// Others than its owner may write into the key file's folder, and so put another file in its place.
    #[error(
        "others than its owner may replace the key file, as they may write into its folder {path}: `chmod go-w {path}`",
        path = _0.display()
    )]
    WritableFolder(PathBuf),
    /// A line of the key file is of no use.
    #[error("the key file {} holds no key ring: line {line} of it is of no use", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// Which of its lines, counted from 1.
        line: usize,
        /// What is wrong with that.
        source: Box<KeyError>,
    },
    /// One of the keys in the environment variable is of no use.
    #[error("the environment variable `{variable}` holds no key ring: key {number} of it is of no use")]
    InVariable {
        /// The variable.
        variable: String,
        /// Which of its keys, counted from 1.
        number: usize,
        /// What is wrong with that.
        source: Box<KeyError>,
    },
    /// No random bytes to make one of.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// As text with its causes: what a `main` that returns it prints.
impl fmt::Debug for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_causes(self, f)
    }
}

impl Key {
    /// The length of a key in bytes.
    pub const LEN: usize = 32;

    /// The key of these bytes, which must come from a cryptographic generator.
    ///
    /// # Errors
    /// There are not 32 of them, or they are all the same.
    pub fn from_bytes(bytes: &(impl KeyMaterial + ?Sized)) -> Result<Self, KeyError> {
        let bytes = bytes.bytes();
        if bytes.len() != Self::LEN {
            return Err(KeyError::Length(bytes.len()));
        }
        if is_uniform(bytes) {
            return Err(KeyError::Weak);
        }
        Ok(Self::of(Still::of(|key| key.copy_from_slice(bytes))))
    }

    /// The key that a secret which the application has anyway leads to (HKDF-SHA256): always the same one, and it says
    /// nothing about the secret. Not for passwords or anything else that can be guessed: whoever holds one token could
    /// try them all.
    ///
    /// # Errors
    /// The secret has less than 32 bytes, or they are all the same.
    pub fn derived_from(secret: &(impl KeyMaterial + ?Sized)) -> Result<Self, KeyError> {
        let secret = secret.bytes();
        if secret.len() < Self::LEN {
            return Err(KeyError::Secret(secret.len()));
        }
        if is_uniform(secret) {
            return Err(KeyError::Weak);
        }
        Ok(Self::of(secret::derive(b"sessions", secret, &[b"key"])))
    }

    /// The key that is written as 32 bytes in base64, with padding.
    ///
    /// # Errors
    /// The text is not that.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        Self::from_bytes(&Zeroizing::new(
            STANDARD.decode(text.trim()).map_err(|_| KeyError::Text)?,
        ))
    }

    /// A new key.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn generate() -> Result<Self, RandomError> {
        Ok(Self::of(Still::random()?))
    }

    /// The key in base64, to be kept somewhere safe.
    #[must_use]
    pub fn expose_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.bytes.as_bytes()))
    }

    /// The same bytes as a key for another suite: another key, with an id of its own.
    #[must_use]
    pub fn with_suite(self, suite: Suite) -> Self {
        Self { suite, ..self }
    }

    /// What it encrypts with.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// A key as a ring's text has it: base64, after its suite if that is not the default.
    pub(super) fn from_text(text: &str) -> Result<Self, KeyError> {
        match text.split_once(':') {
            Some((suite, key)) => Ok(Self::from_base64(key)?.with_suite(Suite::named(suite)?)),
            None => Self::from_base64(text),
        }
    }

    fn of(bytes: Still) -> Self {
        Self {
            bytes,
            suite: Suite::default(),
        }
    }

    /// What tokens call it.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id_for(self.suite)
    }

    /// What tokens call its bytes, for each suite: whoever has stolen one of these keys has all of them.
    pub(super) fn ids(&self) -> [KeyId; Suite::ALL.len()] {
        Suite::ALL.map(|suite| self.id_for(suite))
    }

    fn id_for(&self, suite: Suite) -> KeyId {
        // Nodes that disagree about a key's suite have two keys, and each leaves the other's tokens alone.
        let suite: &[u8] = match suite {
            Suite::Aes256GcmSiv => b"",
            other => other.algorithm(),
        };
        let mut id = [0; KeyId::LEN];
        let digest = digest::digest(&digest::SHA256, self.derive(&[b"key id", suite]).as_bytes());
        id.copy_from_slice(&digest.as_ref()[..KeyId::LEN]);
        KeyId(id)
    }

    /// The key of one purpose and one algorithm.
    pub(super) fn derive(&self, info: &[&[u8]]) -> Still {
        secret::derive(b"sessions", self.bytes.as_bytes(), info)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// A placeholder that was left in.
fn is_uniform(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| Some(byte) == bytes.first())
}

/// What tokens call a key: eight hexadecimal digits that say nothing about it, to be shown, logged, and
/// [revoked](super::KeyRing::revoke).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(super) [u8; Self::LEN]);

impl KeyId {
    pub(super) const LEN: usize = 4;
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() != 2 * Self::LEN || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(KeyError::Id);
        }
        let id = u32::from_str_radix(text, 16).map_err(|_| KeyError::Id)?;
        Ok(Self(id.to_be_bytes()))
    }
}
