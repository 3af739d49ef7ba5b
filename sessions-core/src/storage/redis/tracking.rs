//! Copies that Redis takes back: each server tells of every session that is changed on it.
//!
//! <https://redis.io/docs/latest/develop/reference/client-side-caching/>, in the broadcasting mode.
//!
//! A copy is out of date for as long as the message is under way. So that it is not for longer when a connection hangs or a
//! server has lost its slots, copies are used only while every server has lately answered on the connection that carries the
//! messages, and answered that nothing has moved.

use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::try_join_all;
use redis::{PushInfo, PushKind, RedisError, RedisResult, Value, cmd};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout},
};

use super::{
    RedisStorage, Shared,
    connections::{Link, PATIENCE, lock, slots},
    servers::{Server, is_master},
    slots::Slots,
};
use crate::{
    StorageKey,
    storage::cached::{CachedStorage, Copies, Watch},
};

impl RedisStorage {
    /// This storage behind a cache whose copies Redis takes back when somebody changes a session, so that a session in use
    /// costs no round trip.
    ///
    /// What is written through it is seen by its readers at once. What others write, a logout included, is seen when the
    /// message comes, which is as long as it takes from the server to here; and if none comes, because a connection hangs or
    /// the sessions have moved to another server, within the [`staleness`](CachedStorage::staleness), which is 1 s unless it
    /// is set: copies are not used while that is not known to be so. After a disconnect none is left.
    ///
    /// The messages are of all sessions under the prefix: each process gets one for each write of any of them, and takes its
    /// own copy back, too, when it has written itself. Four times in the staleness each process asks each server for its role
    /// or its slots.
    ///
    /// ```no_run
    /// # async fn open() -> Result<(), sessions_core::StorageError> {
    /// use std::time::Duration;
    /// use sessions_core::storage::RedisStorage;
    ///
    /// let storage = RedisStorage::connect("redis://localhost")
    ///     .await?
    ///     .tracked()
    ///     .staleness(Duration::from_millis(500))
    ///     .capacity(100_000);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn tracked(self) -> CachedStorage<Self> {
        let shared = Arc::clone(&self.shared);
        CachedStorage::watched(self, |copies| Tracking {
            shared,
            state: Arc::new(State {
                copies,
                is_running: AtomicBool::new(false),
                began: Instant::now(),
                confirmed: AtomicU64::new(0),
            }),
        })
    }
}

/// So long a server may take to answer, however short copies are to last; and so long nobody tries to reach it again.
const AT_LEAST: Duration = Duration::from_millis(20);
/// So long nobody waits before he tries, however long copies may last.
const AT_MOST: Duration = Duration::from_secs(1);

struct Tracking {
    shared: Arc<Shared>,
    state: Arc<State>,
}

struct State {
    copies: Arc<Copies>,
    is_running: AtomicBool,
    began: Instant,
    /// So many microseconds later all servers were known to have told all; never at 0.
    confirmed: AtomicU64,
}

impl State {
    fn confirm(&self, when: Instant) {
        let micros = when.duration_since(self.began).as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        self.confirmed.store(micros.max(1), Ordering::Release);
    }

    fn confirm_nothing(&self) {
        self.confirmed.store(0, Ordering::Release);
    }

    fn is_confirmed_within(&self, staleness: Duration) -> bool {
        match self.confirmed.load(Ordering::Acquire) {
            0 => false,
            micros => (self.began + Duration::from_micros(micros)).elapsed() < staleness,
        }
    }
}

impl Watch for Tracking {
    fn begin(&self, staleness: Duration) {
        if staleness.is_zero() || self.state.is_running.load(Ordering::Acquire) {
            return;
        }
        if let Ok(runtime) = Handle::try_current()
            && !self.state.is_running.swap(true, Ordering::AcqRel)
        {
            let running = Running(Arc::downgrade(&self.state));
            runtime.spawn(watch(Arc::clone(&self.shared), running, staleness));
        }
    }

    fn is_current(&self, staleness: Duration) -> bool {
        self.state.is_confirmed_within(staleness)
    }
}

/// The task, which ends when nobody needs it any more, or with the runtime that it is in; then another one takes its place.
struct Running(Weak<State>);

impl Running {
    fn state(&self) -> Option<Arc<State>> {
        self.0.upgrade()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(state) = self.state() {
            state.confirm_nothing();
            state.is_running.store(false, Ordering::Release);
        }
    }
}

async fn watch(shared: Arc<Shared>, running: Running, staleness: Duration) {
    // Two answers and the wait between them have to fit.
    let pause = staleness / 4;
    while let Some(state) = running.state() {
        if let Ok(Ok(servers)) = timeout(PATIENCE, Watched::begin(&shared, &state)).await {
            // What was put in before could have changed unseen.
            state.copies.all_changed();
            drop(state);
            servers.stay(&shared, &running, pause).await;
        }
        if let Some(state) = running.state() {
            state.confirm_nothing();
            // Also of those who answered: their messages may be lost.
            state.copies.all_changed();
        }
        sleep(pause.clamp(AT_LEAST, AT_MOST)).await;
    }
}

/// What shows that sessions may be where nobody tells of their changes.
#[derive(Debug, Default)]
pub(super) struct Moves {
    count: AtomicU64,
    /// Those who tell, if anybody is to.
    watched: Mutex<Option<Vec<String>>>,
}

impl Moves {
    /// A server has said that another one has a key.
    pub(super) fn happened(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    /// A command is sent to this one.
    pub(super) fn reached(&self, link: &Link) {
        if !self.is_watched(link) {
            self.happened();
        }
    }

    fn is_watched(&self, link: &Link) -> bool {
        lock(&self.watched)
            .as_ref()
            .is_none_or(|watched| watched.contains(&link.server))
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }
}

/// The servers that tell of their changes.
struct Watched {
    links: Vec<(Server, Arc<Link>)>,
    /// Where what is, in a cluster.
    slots: Option<Arc<Slots>>,
    moves: u64,
}

impl Watched {
    async fn begin(shared: &Shared, state: &Arc<State>) -> RedisResult<Self> {
        // Before it is known where what is: what has moved since may be elsewhere.
        let moves = shared.moves.count();
        let slots = if shared.servers.is_cluster() {
            Some(shared.worker()?.slots(&shared.servers).await?)
        } else {
            None
        };
        let masters = slots
            .as_ref()
            .map_or_else(|| vec![Server::Only], |slots| slots.masters());
        let prefix = format!("{}id:", shared.servers.prefix);
        let links = masters.into_iter().map(|server| {
            let told = Arc::new(Told {
                state: Arc::downgrade(state),
                prefix: prefix.clone(),
            });
            let open = move |info| {
                let told = Arc::clone(&told);
                Link::open_with(info, move |push| told.of(push))
            };
            let link = shared.servers.connect(server.clone(), Arc::new(open));
            let mut begin = cmd("CLIENT");
            begin
                .arg("TRACKING")
                .arg("ON")
                .arg("BCAST")
                .arg("PREFIX")
                .arg(&prefix);
            async move {
                let link = link.await?;
                begin.exec_async(&mut link.connection()).await?;
                Ok::<_, RedisError>((server, link))
            }
        });
        let links = try_join_all(links).await?;
        let watched = links.iter().map(|(_, link)| link.server.clone()).collect();
        *lock(&shared.moves.watched) = Some(watched);
        // What somebody reads there he is not told of.
        for link in lock(&shared.workers).values().flat_map(|worker| worker.links()) {
            if !shared.moves.is_watched(&link) {
                link.end();
            }
        }
        Ok(Self { links, slots, moves })
    }

    /// Until something has gone wrong, or has moved.
    async fn stay(&self, shared: &Shared, running: &Running, pause: Duration) {
        let mut answered = None;
        loop {
            let asked = Instant::now();
            let unchanged = timeout(pause.max(AT_LEAST), self.is_unchanged(shared)).await;
            let Some(state) = running.state() else { return };
            if !matches!(unchanged, Ok(Ok(true))) || shared.moves.count() != self.moves {
                return;
            }
            // Of what was written at the same moment as it was asked a server tells after its answer: so only the next one
            // shows that all of that has come.
            if let Some(answered) = answered.replace(asked) {
                state.confirm(answered);
                drop(state);
                sleep(pause).await;
            }
        }
    }

    /// Whether all answer, on the connections that carry their messages, and have what they had.
    async fn is_unchanged(&self, shared: &Shared) -> RedisResult<bool> {
        let unchanged = self.links.iter().map(async |(server, link)| {
            if link.is_over() {
                return Ok(false);
            }
            match &self.slots {
                Some(known) => Ok(slots(link, server).await? == **known),
                None => is_master(link).await.map(|()| true),
            }
        });
        let unchanged: RedisResult<Vec<bool>> = try_join_all(unchanged).await;
        let unchanged = unchanged.map(|unchanged| unchanged.into_iter().all(|unchanged| unchanged));
        if !matches!(unchanged, Ok(true)) {
            shared.worker()?.forget_slots();
        }
        unchanged
    }
}

/// What a server says without having been asked.
struct Told {
    state: Weak<State>,
    prefix: String,
}

impl Told {
    fn of(&self, push: PushInfo) {
        let Some(state) = self.state.upgrade() else {
            return;
        };
        match (push.kind, &push.data[..]) {
            (PushKind::Invalidate, [Value::Array(keys)]) => {
                for key in keys {
                    match self.session(key) {
                        Some(key) => state.copies.changed(&key),
                        None => state.copies.all_changed(),
                    }
                }
            }
            // All keys at once.
            (PushKind::Invalidate, _) => state.copies.all_changed(),
            // All messages from now on.
            (PushKind::Disconnection, _) => {
                state.confirm_nothing();
                state.copies.all_changed();
            }
            _ => {}
        }
    }

    fn session(&self, key: &Value) -> Option<StorageKey> {
        let Value::BulkString(key) = key else { return None };
        let key = key.strip_prefix(self.prefix.as_bytes())?;
        let bytes = URL_SAFE_NO_PAD.decode(key).ok()?;
        Some(StorageKey::from_bytes(bytes.try_into().ok()?))
    }
}
