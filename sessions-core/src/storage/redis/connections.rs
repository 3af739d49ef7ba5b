//! The connections of one runtime: of one worker, in actix. One carries the commands of all its requests, so that none waits
//! for another thread.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt as _, Shared, select_ok};
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, ErrorKind, ProtocolVersion, PushInfo, PushKind,
    RedisError, RedisResult, Value, aio::MultiplexedConnection, cmd, pipe,
};
use tokio::time::timeout;

use super::{
    servers::{RedisServers, Server},
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
    /// What the server calls itself since it was started, wherever it is reached.
    pub(super) server: String,
    pub(super) is_of_cluster: bool,
    used: AtomicBool,
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
            #[cfg(feature = "tls")]
            use_cryptography();
            let client = Client::open(info.set_redis_settings(settings))?;
            let connection = client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            let told: String = cmd("INFO")
                .arg("server")
                .query_async(&mut connection.clone())
                .await?;
            Ok(Arc::new(Self {
                connection,
                over,
                server: field(&told, "run_id").unwrap_or_default().to_owned(),
                is_of_cluster: field(&told, "redis_mode") == Some("cluster"),
                used: AtomicBool::new(false),
            }))
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

    /// Whether it is used for the first time.
    pub(super) fn is_new(&self) -> bool {
        !self.used.load(Ordering::Acquire) && !self.used.swap(true, Ordering::AcqRel)
    }
}

/// `rustls` has none by itself where none, or more than one, is built in.
#[cfg(feature = "tls")]
fn use_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Lost to another thread: there is one now.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}

type Making<T> = Shared<BoxFuture<'static, RedisResult<T>>>;

/// Something that is made when it is needed, by one for all who wait, and anew when it is over or could not be made.
struct Attempt<T: Clone>(Mutex<Option<Making<T>>>);

impl<T: Clone + Send + Sync + 'static> Attempt<T> {
    fn get(
        &self,
        is_over: impl FnOnce(&T) -> bool,
        make: impl FnOnce() -> BoxFuture<'static, RedisResult<T>>,
    ) -> Making<T> {
        let mut making = lock(&self.0);
        if let Some(making) = &*making {
            match making.peek() {
                None => return making.clone(),
                Some(Ok(made)) if !is_over(made) => return making.clone(),
                Some(_) => {}
            }
        }
        // A task, so that it comes to its end if nobody waits any more.
        let made = tokio::spawn(timeout(PATIENCE, make()));
        let made = made.map(|made| match made {
            Ok(Ok(made)) => made,
            Ok(Err(_)) | Err(_) => Err(unanswered()),
        });
        let new = made.boxed().shared();
        *making = Some(new.clone());
        new
    }

    fn made(&self) -> Option<T> {
        lock(&self.0).as_ref()?.peek()?.as_ref().ok().cloned()
    }

    /// It is to be made anew.
    fn forget(&self) {
        let mut making = lock(&self.0);
        if making.as_ref().is_some_and(|making| making.peek().is_some()) {
            *making = None;
        }
    }
}

impl<T: Clone> Default for Attempt<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// The connections of one runtime, which runs what drives them.
#[derive(Default)]
pub(super) struct Worker {
    links: Mutex<HashMap<Server, Arc<Attempt<Arc<Link>>>>>,
    slots: Attempt<Arc<Slots>>,
}

impl Worker {
    /// The connection to this server.
    pub(super) fn link(&self, servers: &RedisServers, server: &Server) -> Making<Arc<Link>> {
        let attempt = Arc::clone(lock(&self.links).entry(server.clone()).or_default());
        attempt.get(
            |link| link.is_over(),
            || servers.connect(server.clone(), Arc::new(Link::open)),
        )
    }

    /// The connections that there are.
    pub(super) fn links(&self) -> Vec<Arc<Link>> {
        lock(&self.links)
            .values()
            .filter_map(|attempt| attempt.made())
            .collect()
    }

    /// Where the keys of a cluster are.
    pub(super) fn slots(&self, servers: &RedisServers) -> Making<Arc<Slots>> {
        let ask_somebody = || {
            let mut known = servers.known();
            known.extend(lock(&self.links).keys().cloned());
            known.sort();
            known.dedup();
            let asked: Vec<_> = known
                .into_iter()
                .map(|server| {
                    let link = self.link(servers, &server);
                    async move { slots(&*link.await?, &server).await.map(Arc::new) }.boxed()
                })
                .collect();
            select_ok(asked)
                .map(|answered| answered.map(|(slots, _)| slots))
                .boxed()
        };
        self.slots.get(|_| false, ask_somebody)
    }

    /// They are not there any more.
    pub(super) fn forget_slots(&self) {
        self.slots.forget();
    }
}

/// Where the keys of a cluster are, as this server knows it. One that has lost the others does not.
pub(super) async fn slots(link: &Link, asked: &Server) -> RedisResult<Slots> {
    let mut ask = pipe();
    ask.cmd("CLUSTER").arg("INFO").cmd("CLUSTER").arg("SLOTS");
    let (state, told): (String, Value) = ask.query_async(&mut link.connection()).await?;
    if !state.lines().any(|line| line == "cluster_state:ok") {
        return Err((ErrorKind::Client, "the cluster is not whole").into());
    }
    let host = match asked {
        Server::At(host, _) => host,
        Server::Only => "",
    };
    let slots = Slots::of(&told, host);
    slots.ok_or_else(|| (ErrorKind::Client, "the slots of the cluster are not all there").into())
}

/// What `INFO` says under this name.
pub(super) fn field<'t>(told: &'t str, name: &str) -> Option<&'t str> {
    told.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

pub(super) fn unanswered() -> RedisError {
    (ErrorKind::Io, "the server did not answer in time").into()
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
