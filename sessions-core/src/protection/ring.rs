//! The ring that keys are kept on, and that a running server can be given others on.

use std::{
    env, fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use zeroize::Zeroizing;

use super::{
    Key, KeyError, KeyId, Purpose,
    bound::{Bound, Working},
    file::KeyFile,
    text::{self, Mistake},
};
use crate::ConfigError;

/// The keys of an application, each in one of four states:
///
/// - *current*: new tokens are made under it; there is exactly one.
/// - *upcoming*: it opens tokens and makes none. A key is that first, until all nodes have it.
/// - *retired*: it opens tokens and makes none. A key is that last, until no token of it is left.
/// - *revoked*: no longer here, and only named. A token that names it is dead: no session, and removed from the client.
///   (A token of a key that is not on the ring at all is left with the client, as another node may know the key.)
///
/// ```
/// use sessions_core::protection::{Key, KeyRing};
///
/// let (old, new) = (Key::generate()?, Key::generate()?);
/// let first = KeyRing::new(old.clone()).with_upcoming(new.clone()); // on every node, before any does
/// let then = KeyRing::new(old.clone()).rotate(new);                 // this
/// let stolen = then.revoke(old.id());
/// # Ok::<(), sessions_core::RandomError>(())
/// ```
///
/// Clones are one ring: [`replace`](Self::replace) and [`reload`](Self::reload) give all of them, and every protection
/// that was made of one, other keys at once. The methods that take a ring and give one give another ring.
///
/// # As text
///
/// In the environment and in files a ring is a list of keys in base64, each after its state; of a revoked key the id is
/// enough. A key without a state is the current one if it is the first of the list, and retired otherwise. A key for
/// another [`Suite`](super::Suite) than the default stands after the suite's name.
///
/// ```text
/// current  mV5M…=
/// upcoming chacha20-poly1305:9f0A…=
/// retired  Qk3t…=
/// revoked  1f0c44ab
/// ```
#[derive(Clone)]
pub struct KeyRing(pub(super) Arc<Shared>);

/// What the clones of a ring, and the protections under it, have in common.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) file: Option<KeyFile>,
}

struct State {
    keys: Keys,
    followers: Vec<Weak<dyn Follower>>,
}

/// What derives keys of its own from a ring's.
pub(super) trait Follower: Send + Sync {
    /// Derives them from other keys; they count when what it answers with is called.
    fn follow(self: Arc<Self>, keys: &Keys) -> Result<Box<dyn FnOnce()>, ConfigError>;
}

impl KeyRing {
    /// A ring of one key.
    #[must_use]
    pub fn new(current: Key) -> Self {
        Self::of(Keys::new(current), None)
    }

    /// The ring in the environment variable: its [text](Self#as-text), with commas between the keys.
    ///
    /// # Errors
    /// The variable is not set, or it holds no ring.
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
        match text::keys((1..).zip(text.split(','))) {
            Ok(keys) => Ok(Self::of(keys, None)),
            Err(Mistake::At(number, source)) => Err(unusable(number, source)),
            Err(Mistake::NoCurrent) => Err(KeyError::NoCurrent(format!(
                "the environment variable `{variable}`"
            ))),
        }
    }

    /// Makes `key` the current one; the one before it opens tokens still.
    #[must_use]
    pub fn rotate(self, key: Key) -> Self {
        let mut keys = self.keys();
        let id = key.id();
        keys.upcoming.retain(|upcoming| upcoming.id() != id);
        keys.retired.insert(0, std::mem::replace(&mut keys.current, key));
        Self::of(keys, None)
    }

    /// Opens tokens of `key`, too, which other nodes make already or soon will.
    #[must_use]
    pub fn with_upcoming(self, key: Key) -> Self {
        let mut keys = self.keys();
        keys.upcoming.push(key);
        Self::of(keys, None)
    }

    /// Kills every token of this key, and takes it from the ring with the same bytes for another suite: who has the one
    /// has the other. The current key has to be [rotated](Self::rotate) away first.
    #[must_use]
    pub fn revoke(self, id: KeyId) -> Self {
        let mut keys = self.keys();
        let siblings = keys.opening().map(Key::ids).find(|ids| ids.contains(&id));
        keys.upcoming.retain(|key| !key.ids().contains(&id));
        keys.retired.retain(|key| !key.ids().contains(&id));
        // Of a key that is not here only the id is known.
        for id in siblings.iter().flatten().chain([&id]) {
            if !keys.revoked.contains(id) {
                keys.revoked.push(*id);
            }
        }
        Self::of(keys, None)
    }

    /// The id of the current key.
    #[must_use]
    pub fn current(&self) -> KeyId {
        self.lock().keys.current.id()
    }

    /// Gives this ring, its clones and every protection under it the keys of another: from the next token on, in a
    /// server that runs. For keys that come from somewhere else than a file.
    ///
    /// # Errors
    /// Two of the keys share an id, or the current one is revoked. Then nothing has changed.
    pub fn replace(&self, with: &Self) -> Result<(), ConfigError> {
        self.give(with.keys())
    }

    pub(super) fn of(keys: Keys, file: Option<KeyFile>) -> Self {
        let state = State {
            keys,
            followers: Vec::new(),
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            file,
        }))
    }

    /// All followers have derived theirs before the first one uses them.
    pub(super) fn give(&self, keys: Keys) -> Result<(), ConfigError> {
        keys.check()?;
        let mut state = self.lock();
        let mut derived = Vec::with_capacity(state.followers.len());
        for follower in state.followers.iter().filter_map(Weak::upgrade) {
            derived.push(follower.follow(&keys)?);
        }
        state.keys = keys;
        for put in derived {
            put();
        }
        Ok(())
    }

    /// What each key is for one purpose, now and after every change.
    pub(super) fn bind<K: Working>(&self, purpose: &Purpose<'_>) -> Result<Arc<Bound<K>>, ConfigError> {
        let mut state = self.lock();
        state.keys.check()?;
        let bound = Arc::new(Bound::new(self.clone(), purpose, &state.keys)?);
        state.followers.retain(|follower| follower.strong_count() > 0);
        let follower: Weak<Bound<K>> = Arc::downgrade(&bound);
        state.followers.push(follower);
        Ok(bound)
    }

    pub(super) fn keys(&self) -> Keys {
        self.lock().keys.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Whatever panics under it leaves it as it was.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids alone.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = |keys: &[Key]| keys.iter().map(Key::id).collect::<Vec<_>>();
        let keys = self.keys();
        f.debug_struct("KeyRing")
            .field("current", &keys.current.id())
            .field("upcoming", &ids(&keys.upcoming))
            .field("retired", &ids(&keys.retired))
            .field("revoked", &keys.revoked)
            .finish()
    }
}

/// The keys on a ring.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) current: Key,
    pub(super) upcoming: Vec<Key>,
    pub(super) retired: Vec<Key>,
    pub(super) revoked: Vec<KeyId>,
}

impl Keys {
    pub(super) fn new(current: Key) -> Self {
        Self {
            current,
            upcoming: Vec::new(),
            retired: Vec::new(),
            revoked: Vec::new(),
        }
    }

    /// Those that open tokens, the current one first.
    pub(super) fn opening(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current)
            .chain(&self.upcoming)
            .chain(&self.retired)
    }

    /// Whether each id says one thing, and nothing that is revoked can still be used.
    fn check(&self) -> Result<(), ConfigError> {
        let mut ids = Vec::new();
        for key in self.opening() {
            let id = key.id();
            if ids.contains(&id) {
                return Err(ConfigError::DuplicateKey);
            }
            if let Some(revoked) = key.ids().into_iter().find(|id| self.revoked.contains(id)) {
                return Err(ConfigError::RevokedKey(revoked));
            }
            ids.push(id);
        }
        Ok(())
    }
}
