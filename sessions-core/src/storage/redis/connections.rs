//! The connections of one runtime: of one worker, in actix. One carries the commands of all its requests, so that none waits
//! for another thread.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt as _, Shared, select_ok};
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, ProtocolVersion, PushInfo, PushKind,
    RedisResult, aio::MultiplexedConnection, cmd,
};
use tokio::time::timeout;

use super::{
    servers::{RedisServers, Server, closed},
    slots::Slots,
};

/// How long it may take to reach a server. With the time for an answer it is shorter than a request waits for its storage,
/// so that it is told what has happened, not left to guess.
pub(super) const PATIENCE: Duration = Duration::from_millis(900);

/// How long an answer may take.
pub(super) const ANSWER: Duration = Duration::from_secs(1);

/// A connection that may be over.
pub(super) struct Link {
    connection: MultiplexedConnection,
    over: Arc<AtomicBool>,
}

impl Link {
    pub(super) fn open(info: ConnectionInfo) -> BoxFuture<'static, RedisResult<Arc<Self>>> {
        Self::open_with(info, |_| {})
    }

    /// `pushed` is told what the server says without having been asked.
    pub(super) fn open_with(
        info: ConnectionInfo,
        pushed: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> BoxFuture<'static, RedisResult<Arc<Self>>> {
        async move {
            let over = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&over);
            // So that nothing is written to a connection that has ended: nobody could say what became of it.
            let push = move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    seen.store(true, Ordering::Release);
                }
                pushed(push);
                Ok::<(), ()>(())
            };
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(ANSWER))
                .set_push_sender(push);
            // The older one does not say that a connection has ended.
            let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
            let client = Client::open(info.set_redis_settings(settings))?;
            let connection = client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            Ok(Arc::new(Self { connection, over }))
        }
        .boxed()
    }

    pub(super) fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Nobody is to use it any more.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }
}

/// The slots of a cluster, which may not be theirs any more.
pub(super) struct Map {
    pub(super) slots: Slots,
    over: AtomicBool,
}

impl Map {
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }
}

trait Ends {
    fn is_over(&self) -> bool;
}

impl Ends for Link {
    fn is_over(&self) -> bool {
        Self::is_over(self)
    }
}

impl Ends for Map {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

type Making<T> = Shared<BoxFuture<'static, RedisResult<Arc<T>>>>;

/// Something that is made when it is needed, by one for all who wait, and anew when it is over or could not be made.
struct Attempt<T>(Mutex<Option<Making<T>>>);

impl<T: Ends> Attempt<T> {
    fn get(&self, make: impl FnOnce() -> BoxFuture<'static, RedisResult<Arc<T>>>) -> Making<T> {
        let mut making = lock(&self.0);
        if let Some(making) = &*making {
            match making.peek() {
                None => return making.clone(),
                Some(Ok(made)) if !made.is_over() => return making.clone(),
                Some(_) => {}
            }
        }
        let new = make().shared();
        *making = Some(new.clone());
        new
    }
}

impl<T> Default for Attempt<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// The connections of one runtime, which runs what drives them.
#[derive(Default)]
pub(super) struct Worker {
    links: Mutex<HashMap<Server, Arc<Attempt<Link>>>>,
    map: Attempt<Map>,
}

impl Worker {
    /// The connection to this server.
    pub(super) fn link(&self, servers: &RedisServers, server: &Server) -> Making<Link> {
        let attempt = Arc::clone(lock(&self.links).entry(server.clone()).or_default());
        attempt.get(|| within_patience(servers.connect(server.clone(), Link::open)))
    }

    /// The slots of the cluster.
    pub(super) fn map(&self, servers: &RedisServers) -> Making<Map> {
        self.map.get(|| {
            let mut known = servers.known();
            known.extend(lock(&self.links).keys().cloned());
            known.sort();
            known.dedup();
            let asked: Vec<_> = known
                .into_iter()
                .map(|server| {
                    let link = self.link(servers, &server);
                    async move {
                        let link = link.await?;
                        let slots = slots(&link, &server).await?;
                        let over = AtomicBool::new(false);
                        Ok(Arc::new(Map { slots, over }))
                    }
                    .boxed()
                })
                .collect();
            within_patience(
                select_ok(asked)
                    .map(|answered| answered.map(|(map, _)| map))
                    .boxed(),
            )
        })
    }
}

/// The slots of the cluster, as this server knows them.
pub(super) async fn slots(link: &Link, asked: &Server) -> RedisResult<Slots> {
    let mut ask = cmd("CLUSTER");
    let told = ask.arg("SLOTS").query_async(&mut link.connection()).await?;
    let host = match asked {
        Server::At(host, _) => host,
        Server::Only => "",
    };
    let slots = Slots::of(&told, host);
    slots.ok_or_else(|| (ErrorKind::Parse, "the slots of the cluster are none").into())
}

fn within_patience<T: Send + Sync + 'static>(
    making: BoxFuture<'static, RedisResult<Arc<T>>>,
) -> BoxFuture<'static, RedisResult<Arc<T>>> {
    async move { timeout(PATIENCE, making).await.unwrap_or_else(|_| Err(closed())) }.boxed()
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Worker({} connections)", lock(&self.links).len())
    }
}
