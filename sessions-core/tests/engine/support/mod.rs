//! What the tests of the engine share: a world with a clock that stands still, storages that tell and fail, and clients
//! that keep tokens as a browser does.

mod client;
mod heard;
mod spy;
mod stepped;
mod types;

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use sessions_core::{
    ManualClock, Record, Session, StorageKey, Token,
    engine::{Engine, Environment},
    options::{ClientSide, Options, ServerSide},
    protection::{Key, KeyRing, Protection},
    storage::{Expected, MemoryStorage, Read, Replaced, SessionStorage},
};

pub(crate) use self::{
    client::{Client, Said},
    heard::{Heard, listening},
    spy::{
        Fault,
        Op::{Create, Delete, Latest, Load, ReplaceEpoch, ReplaceRevision, Touch},
        Spy,
    },
    stepped::Stepped,
    types::{Login, Note, login, nobody},
};

/// One application: its time, its storage, and what its engines share.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) storage: Arc<Spy>,
    pub(crate) environment: Environment,
}

impl World {
    pub(crate) fn new() -> Self {
        leaks::watch();
        let clock = ManualClock::default();
        Self {
            storage: Arc::new(Spy::default()),
            environment: Environment {
                clock: Arc::new(clock.clone()),
                ..Environment::default()
            },
            clock,
        }
    }

    pub(crate) fn server<T: Session>(&self) -> Engine<T> {
        self.server_with(|options| options)
    }

    pub(crate) fn server_with<T: Session>(
        &self,
        options: impl FnOnce(Options<ServerSide>) -> Options<ServerSide>,
    ) -> Engine<T> {
        Engine::server_side(
            &self.environment,
            self.storage.clone(),
            &options(Options::of::<T>()),
        )
        .unwrap()
    }

    /// An engine over the same sessions, whose calls are neither written down nor disturbed: another node.
    pub(crate) fn other_node<T: Session>(&self) -> Engine<T> {
        self.server_on(Arc::new(self.storage.inner().clone()))
    }

    pub(crate) fn server_on<T: Session>(&self, storage: Arc<dyn SessionStorage>) -> Engine<T> {
        Engine::server_side(&self.environment, storage, &Options::of::<T>()).unwrap()
    }

    pub(crate) fn client_side<T: Session>(&self, protection: &dyn Protection) -> Engine<T> {
        self.client_side_with(protection, |options| options)
    }

    pub(crate) fn client_side_with<T: Session>(
        &self,
        protection: &dyn Protection,
        options: impl FnOnce(Options<ClientSide>) -> Options<ClientSide>,
    ) -> Engine<T> {
        Engine::client_side(&self.environment, protection, &options(Options::of::<T>())).unwrap()
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// A client with alice's session, and nothing written down.
    pub(crate) async fn alice(&self, engine: &Engine<Login>) -> Client<Login> {
        let mut client = Client::new(engine);
        client.does(|slot| slot.start(login("alice", 1))).await;
        self.storage.calls();
        client
    }

    /// The record of the session that this client has.
    pub(crate) fn record<T: Session>(&self, client: &Client<T>) -> Option<Arc<Record>> {
        self.record_at(&key_of(client))
    }

    pub(crate) fn record_at(&self, key: &StorageKey) -> Option<Arc<Record>> {
        let now = sessions_core::Clock::now(&self.clock);
        at_once(self.storage.inner().load(*key, Read::Latest, now)).unwrap()
    }

    /// Changes the stored record of the session that this client has.
    pub(crate) fn tamper<T: Session>(&self, client: &Client<T>, change: impl FnOnce(&mut Record)) {
        tamper(self.storage.inner(), key_of(client), &self.clock, change);
    }
}

/// Changes a stored record, as another node would.
pub(crate) fn tamper(
    storage: &MemoryStorage,
    key: StorageKey,
    clock: &ManualClock,
    change: impl FnOnce(&mut Record),
) {
    let now = sessions_core::Clock::now(clock);
    let old = at_once(storage.load(key, Read::Latest, now)).unwrap().unwrap();
    let mut new = Record::clone(&old);
    new.revision.0[0] ^= 1;
    change(&mut new);
    let expected = Expected::Revision(old.revision);
    assert_eq!(
        at_once(storage.replace(key, Arc::new(new), expected, now)).unwrap(),
        Replaced::Done
    );
}

pub(crate) fn key_of<T: Session>(client: &Client<T>) -> StorageKey {
    let handle = &decode(client.token())[..16];
    let id = sessions_core::PublicId::from_bytes(handle).unwrap();
    StorageKey::new("", client.engine().name(), &id)
}

/// A key that is the same for the same seed.
pub(crate) fn key(seed: u8) -> Key {
    let bytes = key_bytes(seed);
    leaks::remember_secret(&bytes);
    Key::from_bytes(&bytes).unwrap()
}

/// Its bytes, of which no few in a row stand anywhere by chance.
pub(crate) fn key_bytes(seed: u8) -> [u8; Key::LEN] {
    std::array::from_fn(|index| (index as u8 + 1).wrapping_mul(151) ^ seed.wrapping_mul(59))
}

pub(crate) fn ring(seed: u8) -> KeyRing {
    KeyRing::new(key(seed))
}

pub(crate) fn decode(token: &str) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.decode(token).unwrap()
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn text(token: &Token) -> String {
    token.expose().to_owned()
}

/// What somebody is told who is refused something.
pub(crate) trait Checked {
    /// No error shows a secret.
    #[must_use]
    fn checked(self) -> Self;
}

impl<R, E: std::error::Error> Checked for Result<R, E> {
    #[track_caller]
    fn checked(self) -> Self {
        if let Err(error) = &self {
            leaks::check_error(error);
        }
        self
    }
}

/// The answer of a future that has nothing to wait for.
#[track_caller]
pub(crate) fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future had to wait"),
    }
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn mins(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

pub(crate) const fn hours(hours: u64) -> Duration {
    mins(60 * hours)
}

pub(crate) const fn days(days: u64) -> Duration {
    hours(24 * days)
}

pub(crate) const MILLI: Duration = Duration::from_millis(1);
