//! The keys of a ring, derived for one purpose.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::{
    Key, KeyId, KeyRing, Layer, ProtectionError, Purpose,
    ring::{Follower, Keys},
};
use crate::ConfigError;

/// What a protection works with.
pub(super) trait Working: Sized + Send + Sync + 'static {
    /// The algorithm that a key is used with: part of its derivation and of what is authenticated.
    fn algorithm(key: &Key) -> &'static [u8];

    /// That algorithm, under the key that was derived for it.
    fn new(key: &Key, derived: &[u8; Key::LEN]) -> Result<Self, ConfigError>;
}

/// The keys of a ring for one purpose: derived when the ring gets them, and not for each token.
pub(super) struct Bound<K> {
    /// Of the purpose.
    context: Vec<u8>,
    /// Written when the ring changes and at no other time.
    keys: RwLock<BoundKeys<K>>,
    /// Kept, so that somebody who watches it does so for as long as it is in use.
    ring: KeyRing,
}

impl<K: Working> Bound<K> {
    pub(super) fn new(ring: KeyRing, purpose: &Purpose<'_>, keys: &Keys) -> Result<Self, ConfigError> {
        let context = purpose.context();
        Ok(Self {
            keys: RwLock::new(BoundKeys::new(&context, keys)?),
            context,
            ring,
        })
    }

    /// What is told of the keys as they are now.
    pub(super) fn layer(&self, name: &'static str) -> Layer {
        Layer::with_keys::<K>(name, &self.ring.keys())
    }

    /// The keys as they are now.
    pub(super) fn keys(&self) -> RwLockReadGuard<'_, BoundKeys<K>> {
        // A writer only puts others in their place, which leaves nothing half done.
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Working> Follower for Bound<K> {
    fn follow(self: Arc<Self>, keys: &Keys) -> Result<Box<dyn FnOnce()>, ConfigError> {
        let keys = BoundKeys::new(&self.context, keys)?;
        Ok(Box::new(move || {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        }))
    }
}

/// The version of what [`Encrypted`](super::Encrypted) and [`Signed`](super::Signed) make.
pub(super) const VERSION: u8 = 1;
/// Version and key id, in front of each token.
pub(super) const PREFIX_LEN: usize = 1 + KeyId::LEN;

/// Puts a prefix before `bytes`, and behind it what else is random.
pub(super) fn prepend(bytes: &mut Vec<u8>, prefix: &[u8; PREFIX_LEN], random: &[u8]) {
    bytes.extend_from_slice(prefix);
    bytes.extend_from_slice(random);
    bytes.rotate_right(prefix.len() + random.len());
}

/// A key of one purpose and one algorithm.
pub(super) struct BoundKey<K> {
    id: KeyId,
    pub(super) key: K,
    /// What is authenticated beside the token itself.
    pub(super) context: Vec<u8>,
}

impl<K> BoundKey<K> {
    pub(super) fn prefix(&self) -> [u8; PREFIX_LEN] {
        prefix(self.id)
    }
}

fn prefix(KeyId([a, b, c, d]): KeyId) -> [u8; PREFIX_LEN] {
    [VERSION, a, b, c, d]
}

/// The key that a token says it was made under, whatever this version knows of it.
pub(super) fn named(token: &[u8]) -> Option<KeyId> {
    match token {
        [VERSION, a, b, c, d, ..] => Some(KeyId([*a, *b, *c, *d])),
        _ => None,
    }
}

pub(super) struct BoundKeys<K> {
    /// The current one first; never empty.
    opening: Vec<BoundKey<K>>,
    revoked: Vec<KeyId>,
}

impl<K: Working> BoundKeys<K> {
    fn new(purpose: &[u8], keys: &Keys) -> Result<Self, ConfigError> {
        let bound = |key: &Key| {
            let (id, algorithm) = (key.id(), K::algorithm(key));
            let mut context = purpose.to_vec();
            context.extend_from_slice(&prefix(id));
            context.extend_from_slice(algorithm);
            let key = K::new(key, key.derive(&[algorithm, purpose]).as_bytes())?;
            Ok::<_, ConfigError>(BoundKey { id, key, context })
        };
        Ok(Self {
            opening: keys.opening().map(bound).collect::<Result<_, _>>()?,
            revoked: keys.revoked.clone(),
        })
    }

    /// The key that tokens are made under.
    pub(super) fn current(&self) -> &BoundKey<K> {
        &self.opening[0]
    }

    /// The key that a token names.
    pub(super) fn of(&self, token: &[u8]) -> Result<&BoundKey<K>, ProtectionError> {
        let named = token.get(..PREFIX_LEN).ok_or(ProtectionError::Forged)?;
        if let Some(key) = self.opening.iter().find(|key| key.prefix() == named) {
            return Ok(key);
        }
        if self.revoked.iter().any(|id| prefix(*id) == named) {
            return Err(ProtectionError::RevokedKey);
        }
        Err(ProtectionError::UnknownKey)
    }
}
