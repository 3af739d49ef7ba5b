//! The ciphers that a key can be for.

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
    hkdf::{HKDF_SHA256, Prk},
};

use super::{
    Key, KeyError, ProtectionError,
    bound::{PREFIX_LEN, Working, prepend},
};
use crate::{
    ConfigError,
    secret::{differing, random},
};

/// What a key encrypts with. It belongs to the key and is not in the token, so that no token chooses how it is read. For
/// [`Signed`](super::Signed) all keys are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suite {
    /// AES-256-GCM-SIV (RFC 8452), `aes-256-gcm-siv` as text: the default.
    #[default]
    Aes256GcmSiv,
    /// ChaCha20-Poly1305 (RFC 8439), `chacha20-poly1305` as text, under a key of its own for each token, which is derived
    /// with 192 random bits. It has nothing in common with the other one, should that ever fall.
    ChaCha20Poly1305,
}

impl Suite {
    pub(super) const ALL: [Self; 2] = [Self::Aes256GcmSiv, Self::ChaCha20Poly1305];

    /// The suite that goes by this name in a ring's text.
    pub(super) fn named(name: &str) -> Result<Self, KeyError> {
        match name {
            "aes-256-gcm-siv" => Ok(Self::Aes256GcmSiv),
            "chacha20-poly1305" => Ok(Self::ChaCha20Poly1305),
            _ => Err(KeyError::Suite),
        }
    }

    pub(super) fn algorithm(self) -> &'static [u8] {
        match self {
            Self::Aes256GcmSiv => b"AES-256-GCM-SIV",
            Self::ChaCha20Poly1305 => b"HKDF-SHA256+CHACHA20-POLY1305",
        }
    }
}

/// How much of a token of the second suite is random.
const SALT_LEN: usize = 24;

/// A suite, under one key.
pub(super) enum Cipher {
    Aes256GcmSiv(LessSafeKey),
    /// The key that the keys of all tokens are derived from.
    ChaCha20Poly1305(Prk),
}

impl Working for Cipher {
    fn algorithm(key: &Key) -> &'static [u8] {
        key.suite().algorithm()
    }

    fn new(key: &Key, derived: &[u8; Key::LEN]) -> Result<Self, ConfigError> {
        Ok(match key.suite() {
            Suite::Aes256GcmSiv => {
                let key = UnboundKey::new(&AES_256_GCM_SIV, derived);
                Self::Aes256GcmSiv(LessSafeKey::new(key.map_err(|_| KeyError::Length(Key::LEN))?))
            }
            Suite::ChaCha20Poly1305 => Self::ChaCha20Poly1305(Prk::new_less_safe(HKDF_SHA256, derived)),
        })
    }
}

impl Cipher {
    /// Encrypts `bytes`, and puts `prefix` and what is random before them.
    pub(super) fn seal(
        &self,
        prefix: [u8; PREFIX_LEN],
        context: &[u8],
        bytes: &mut Vec<u8>,
    ) -> Result<(), ProtectionError> {
        let failed = |_: Unspecified| ProtectionError::Failed("the cipher failed".into());
        match self {
            Self::Aes256GcmSiv(key) => {
                // One that comes twice costs nothing here, unlike a salt below.
                let nonce = differing()?;
                key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), bytes)
                    .map_err(failed)?;
                prepend(bytes, &prefix, &nonce);
            }
            Self::ChaCha20Poly1305(keys) => {
                let salt = random::<SALT_LEN>()?;
                one_time(keys, &salt)
                    .and_then(|key| key.seal_in_place_append_tag(only(), Aad::from(context), bytes))
                    .map_err(failed)?;
                prepend(bytes, &prefix, &salt);
            }
        }
        Ok(())
    }

    /// Decrypts in place what [`seal`](Self::seal) put behind the prefix, and says where it is.
    pub(super) fn open(&self, context: &[u8], sealed: &mut [u8]) -> Result<(usize, usize), Unspecified> {
        let start = match self {
            Self::Aes256GcmSiv(_) => NONCE_LEN,
            Self::ChaCha20Poly1305(_) => SALT_LEN,
        };
        let (random, sealed) = sealed.split_at_mut_checked(start).ok_or(Unspecified)?;
        let opened = match self {
            Self::Aes256GcmSiv(key) => {
                let nonce = Nonce::try_assume_unique_for_key(random)?;
                key.open_in_place(nonce, Aad::from(context), sealed)
            }
            Self::ChaCha20Poly1305(keys) => {
                one_time(keys, random)?.open_in_place(only(), Aad::from(context), sealed)
            }
        }?;
        Ok((start, opened.len()))
    }
}

/// The key of the one token that has this salt.
fn one_time(keys: &Prk, salt: &[u8]) -> Result<LessSafeKey, Unspecified> {
    const ALGORITHM: &Algorithm = &CHACHA20_POLY1305;
    let key = keys.expand(&[salt], ALGORITHM)?.into();
    Ok(LessSafeKey::new(key))
}

/// The one nonce of a key that is used once.
fn only() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}
