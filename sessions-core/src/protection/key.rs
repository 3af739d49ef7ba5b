//! Keys, and the ring that they are kept on.

use std::{env, fmt};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{ProtectionError, Purpose};
use crate::{
    ConfigError, RandomError,
    secret::{self, random},
};

/// A secret key of 32 bytes; wiped when dropped, and never shown.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; Self::LEN]>);

/// Text or bytes that are of no use as a key.
#[derive(Debug, thiserror::Error)]
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

impl Key {
    /// The length of a key in bytes.
    pub const LEN: usize = 32;

    /// The key of these bytes, which must come from a cryptographic generator.
    ///
    /// # Errors
    /// There are not 32 of them, or they are all the same.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let key: [u8; Self::LEN] = bytes.try_into().map_err(|_| KeyError::Length(bytes.len()))?;
        if key.iter().all(|byte| *byte == key[0]) {
            return Err(KeyError::Weak);
        }
        Ok(Self(Zeroizing::new(key)))
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
        Ok(Self(Zeroizing::new(random()?)))
    }

    /// The key in base64, to be kept somewhere safe.
    #[must_use]
    pub fn expose_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(*self.0))
    }

    /// Names the key inside tokens; says nothing about it.
    pub(super) fn id(&self) -> KeyId {
        let mut id = [0; 4];
        id.copy_from_slice(&digest::digest(&digest::SHA256, &*self.derive(&[b"key id"])).as_ref()[..4]);
        id
    }

    /// The key of one purpose and one algorithm.
    pub(super) fn derive(&self, info: &[&[u8]]) -> Zeroizing<[u8; Self::LEN]> {
        secret::derive(b"sessions", &*self.0, info)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// What a token calls the key it was made under.
pub(super) type KeyId = [u8; 4];

/// The keys that tokens are made under and opened with: one that makes, and those that only open still.
///
/// ```
/// use sessions_core::protection::{Key, KeyRing};
///
/// let keys = KeyRing::new(Key::generate()?).rotate(Key::generate()?);
/// # Ok::<(), sessions_core::RandomError>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeyRing {
    current: Key,
    retired: Vec<Key>,
}

impl KeyRing {
    /// A ring of one key.
    #[must_use]
    pub fn new(current: Key) -> Self {
        Self {
            current,
            retired: Vec::new(),
        }
    }

    /// The ring in the environment variable: keys in base64, separated by commas, the current one first, then those
    /// that are retired.
    ///
    /// # Errors
    /// The variable is not set, or one of the keys is of no use.
    pub fn from_env(variable: &str) -> Result<Self, KeyError> {
        let unusable = |number, source| KeyError::InVariable {
            variable: variable.to_owned(),
            number,
            source: Box::new(source),
        };
        let text = match env::var(variable) {
            Ok(text) => Zeroizing::new(text),
            Err(env::VarError::NotPresent) => return Err(KeyError::NoVariable(variable.to_owned())),
            Err(env::VarError::NotUnicode(_)) => return Err(unusable(1, KeyError::Text)),
        };
        let mut keys = text
            .split(',')
            .zip(1..)
            .map(|(key, number)| Key::from_base64(key).map_err(|source| unusable(number, source)));
        // `split` gives one part at least.
        let current = keys.next().unwrap_or_else(|| Err(unusable(1, KeyError::Text)))?;
        Ok(Self {
            current,
            retired: keys.collect::<Result<_, _>>()?,
        })
    }

    /// Makes `key` the current one; the one before it opens tokens still.
    #[must_use]
    pub fn rotate(mut self, key: Key) -> Self {
        let retired = std::mem::replace(&mut self.current, key);
        self.retired.insert(0, retired);
        self
    }

    /// What each key is for one purpose, the current one first.
    pub(super) fn bind<K>(
        &self,
        algorithm: &'static [u8],
        purpose: &Purpose<'_>,
        bound: impl Fn(&[u8; Key::LEN]) -> Result<K, ConfigError>,
    ) -> Result<BoundKeys<K>, ConfigError> {
        let mut keys: Vec<BoundKey<K>> = Vec::with_capacity(1 + self.retired.len());
        for key in std::iter::once(&self.current).chain(&self.retired) {
            let id = key.id();
            if keys.iter().any(|other| other.id == id) {
                return Err(ConfigError::DuplicateKey);
            }
            let mut context = purpose.context();
            context.push(VERSION);
            context.extend_from_slice(&id);
            context.extend_from_slice(algorithm);
            let key = bound(&key.derive(&[algorithm, &purpose.context()]))?;
            keys.push(BoundKey { id, key, context });
        }
        Ok(BoundKeys(keys))
    }
}

/// The version of what [`Encrypted`](super::Encrypted) and [`Signed`](super::Signed) make.
pub(super) const VERSION: u8 = 1;
/// Version and key id, in front of each token.
pub(super) const PREFIX_LEN: usize = 1 + size_of::<KeyId>();

pub(super) struct BoundKey<K> {
    pub(super) id: KeyId,
    pub(super) key: K,
    /// What is authenticated beside the token itself.
    pub(super) context: Vec<u8>,
}

impl<K> BoundKey<K> {
    pub(super) fn prefix(&self) -> [u8; PREFIX_LEN] {
        let [a, b, c, d] = self.id;
        [VERSION, a, b, c, d]
    }
}

/// Never empty.
pub(super) struct BoundKeys<K>(Vec<BoundKey<K>>);

impl<K> BoundKeys<K> {
    pub(super) fn current(&self) -> &BoundKey<K> {
        &self.0[0]
    }

    /// The key that a token names.
    pub(super) fn of(&self, token: &[u8]) -> Result<&BoundKey<K>, ProtectionError> {
        let prefix = token.get(..PREFIX_LEN).ok_or(ProtectionError::Forged)?;
        self.0
            .iter()
            .find(|key| key.prefix() == prefix)
            .ok_or(ProtectionError::UnknownKey)
    }
}
