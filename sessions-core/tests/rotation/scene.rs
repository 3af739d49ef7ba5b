//! What an exploration begins with: an engine, a session, and what its clients show.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sessions_core::{
    Clock as _, ManualClock, Record, RequestView, SessionStorage, StorageKey, Timestamp,
    engine::{Engine, Environment},
    options::{OnConflict, OnReuse, Options, ServerSide},
    storage::{CachedStorage, Read},
};

use crate::{
    names::key_and_hash,
    requests::Does,
    stepped::{Records, Stepped},
    support::{Client, Login, Said, at_once, hours, login, mins, secs},
};

pub(crate) const GRACE: Duration = secs(30);
/// Enough for a token that was confirmed just now to be renewed, and for its predecessor to be over.
pub(crate) const GRACE_PASSES: Duration = secs(40);
const RENEW_EVERY: Duration = secs(35);
/// Longer than what all begins with has lasted, shorter than a grace.
pub(crate) const STALENESS: Duration = secs(20);

/// What the requests show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// The one secret that there is.
    Current,
    /// The current secret, while a successor waits that never arrived.
    Renewed,
    /// The successor, for the first time.
    Successor,
    /// The predecessor, within its grace.
    Predecessor,
    /// The successor, for the first time, and every other one the current secret.
    SuccessorAndCurrent,
    /// The current secret, and every other one the predecessor, within its grace.
    CurrentAndPredecessor,
    /// The current secret, and every other one the predecessor, after its grace.
    CurrentAndLate,
}

impl Shows {
    /// Whether it matters which request comes first in the list.
    pub(crate) fn differ(self) -> bool {
        match self {
            Self::Current | Self::Renewed | Self::Successor | Self::Predecessor => false,
            Self::SuccessorAndCurrent | Self::CurrentAndPredecessor | Self::CurrentAndLate => true,
        }
    }
}

/// How the engine is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    Plain,
    /// `on_conflict(Reject)`
    Rejecting,
    /// `renew_every`
    Renewing,
    /// `on_reuse(Revoke)`
    RevokingReuse,
    AlwaysSending,
    /// Two nodes, each with a cache, over one storage; requests alternate.
    Cached,
}

/// When a request opens its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// With the first call to the storage, before which nothing depends on the order.
    AtItsFirstCall,
    /// When it is its turn: what time it is then, and what it finds in a cache, depends on that.
    InTurn,
}

pub(crate) const VARIANTS: [Variant; 6] = [
    Variant::Plain,
    Variant::Rejecting,
    Variant::Renewing,
    Variant::RevokingReuse,
    Variant::AlwaysSending,
    Variant::Cached,
];

pub(crate) struct Scene {
    environment: Environment,
    pub(crate) clock: ManualClock,
    pub(crate) storage: Arc<Stepped>,
    pub(crate) variant: Variant,
    pub(crate) shows: Shows,
    /// The engine that is explored, without a cache.
    pub(crate) engine: Engine<Login>,
    /// One that only looks.
    pub(crate) looking: Engine<Login>,
    pub(crate) records: Records,
    /// And before it became what it is, if a copy can show that still.
    earlier: Option<(Records, Timestamp)>,
    pub(crate) key: StorageKey,
    pub(crate) begins: Timestamp,
    /// What the requests show, in turn, and the hash of the secret in it.
    shown: Vec<(Client<Login>, [u8; 32])>,
    handles: Arc<AtomicU64>,
}

/// A process of the application, as far as an order is concerned.
pub(crate) struct Node {
    pub(crate) engine: Engine<Login>,
    pub(crate) cache: Option<CachedStorage<Arc<Stepped>>>,
}

impl Variant {
    /// From which states two are explored.
    pub(crate) fn shown(self) -> Vec<Shows> {
        let mut shown = self.shown_alike();
        shown.extend([Shows::SuccessorAndCurrent, Shows::CurrentAndPredecessor]);
        shown
    }

    /// From which ones three are, where it would be too many from all: those in which all requests show the same, and for
    /// reuse one in which something is shown that is over.
    pub(crate) fn shown_alike(self) -> Vec<Shows> {
        let mut shown = vec![
            Shows::Current,
            Shows::Renewed,
            Shows::Successor,
            Shows::Predecessor,
        ];
        if self == Self::RevokingReuse {
            shown.push(Shows::CurrentAndLate);
        }
        shown
    }

    fn options(self) -> Options<ServerSide> {
        // So that activity is to be written down in each of the states.
        let options = Options::of::<Login>().grace(GRACE).touch_interval(secs(5));
        match self {
            Self::Plain | Self::Cached => options,
            Self::Rejecting => options.on_conflict(OnConflict::Reject),
            Self::Renewing => options.renew_every(RENEW_EVERY),
            Self::RevokingReuse => options.on_reuse(OnReuse::Revoke),
            Self::AlwaysSending => options.always_send(),
        }
    }
}

impl Scene {
    pub(crate) fn new(variant: Variant, shows: Shows) -> Self {
        let clock = ManualClock::default();
        // The same in each order, so that no cache mixes up two sessions in one order and not in another.
        let handles = Arc::new(AtomicU64::new(0));
        let next = Arc::clone(&handles);
        let environment = Environment {
            clock: Arc::new(clock.clone()),
            // Time is let pass only for waits between attempts.
            storage_timeout: hours(1000),
            id_generator: Some(Arc::new(move |_: &dyn RequestView| {
                let next = Arc::clone(&next);
                move || {
                    u128::from(next.fetch_add(1, Ordering::SeqCst))
                        .to_be_bytes()
                        .to_vec()
                }
            })),
            ..Environment::default()
        };
        let storage = Arc::new(Stepped::default());
        let engine = |options| Engine::server_side(&environment, storage.clone(), &options).unwrap();
        let (engine, looking) = (engine(variant.options()), engine(Variant::Plain.options()));
        let (shown, earlier) = at_once(shown(&clock, &storage, &looking, shows));
        let begins = clock.now();
        let records = storage.records(begins);
        let [key] = records.keys().copied().collect::<Vec<_>>()[..] else {
            panic!("there is one session");
        };
        Self {
            shown: shown
                .iter()
                .map(|client| (client.at(&engine), key_and_hash(client).1))
                .collect(),
            environment,
            clock,
            storage,
            variant,
            shows,
            engine,
            looking,
            records,
            earlier,
            key,
            begins,
            handles,
        }
    }

    pub(crate) fn arrival(&self, does: &[Does]) -> Arrival {
        if self.variant == Variant::Cached || does.iter().any(|does| does.is_time()) {
            Arrival::InTurn
        } else {
            Arrival::AtItsFirstCall
        }
    }

    /// What the request of this index shows.
    pub(crate) fn shown(&self, index: usize) -> &(Client<Login>, [u8; 32]) {
        &self.shown[index % self.shown.len()]
    }

    pub(crate) fn all_shown(&self) -> &[(Client<Login>, [u8; 32])] {
        &self.shown
    }

    /// As it all began; a node for each of so many requests, or two of them for all.
    pub(crate) fn begin(&self, requests: usize) -> Vec<Node> {
        self.storage.stepping(false);
        self.clock.set(self.begins);
        self.storage.begin_with(&self.records);
        self.handles.store(1000, Ordering::SeqCst);
        let nodes = match self.variant {
            Variant::Cached => 2,
            _ => requests,
        };
        let nodes = (0..nodes).map(|index| match self.variant {
            Variant::Cached => self.cached(index),
            _ => Node {
                engine: self.engine.clone(),
                cache: None,
            },
        });
        nodes.collect()
    }

    /// What is stored, and before that what a copy can show.
    pub(crate) fn versions(&self) -> Vec<Option<Arc<Record>>> {
        let earlier = self.earlier.iter().map(|(records, _)| records);
        let all = earlier.chain([&self.records]);
        all.map(|records| records.get(&self.key).cloned()).collect()
    }

    /// The first node has just read the session; the other one when it was not yet what it is, or not at all.
    fn cached(&self, index: usize) -> Node {
        let cache = CachedStorage::new(Arc::clone(&self.storage)).staleness(STALENESS);
        let read = match index {
            0 => Some((&self.records, self.begins)),
            _ => self.earlier.as_ref().map(|(records, at)| (records, *at)),
        };
        if let Some((records, at)) = read {
            self.storage.restore(records);
            at_once(cache.load(self.key, Read::Any, at)).unwrap();
            self.storage.restore(&self.records);
        }
        let options = self.variant.options();
        let storage = Arc::new(cache.clone());
        Node {
            engine: Engine::server_side(&self.environment, storage, &options).unwrap(),
            cache: Some(cache),
        }
    }
}

async fn shown(
    clock: &ManualClock,
    storage: &Stepped,
    engine: &Engine<Login>,
    shows: Shows,
) -> (Vec<Client<Login>>, Option<(Records, Timestamp)>) {
    let mut old = Client::new(engine);
    old.does(|slot| slot.start(login("alice", 1))).await;
    clock.advance(mins(2));
    let mut new = old.clone();
    let before = |clock: &ManualClock| Some((storage.records(clock.now()), clock.now()));
    let mut earlier = None;
    if shows != Shows::Current {
        earlier = before(clock);
        assert_eq!(new.does(|slot| slot.renew_id()).await, Said::Sent);
    }
    if matches!(
        shows,
        Shows::Predecessor | Shows::CurrentAndPredecessor | Shows::CurrentAndLate
    ) {
        earlier = before(clock);
        new.reads().await;
    }
    clock.advance(if shows == Shows::CurrentAndLate {
        GRACE_PASSES
    } else {
        secs(10)
    });
    let shown = match shows {
        Shows::Current | Shows::Renewed | Shows::Predecessor => vec![old],
        Shows::Successor => vec![new],
        Shows::SuccessorAndCurrent | Shows::CurrentAndPredecessor | Shows::CurrentAndLate => vec![new, old],
    };
    (shown, earlier)
}
