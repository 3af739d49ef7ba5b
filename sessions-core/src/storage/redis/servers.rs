//! Which servers there are, and how each is reached.

use std::{collections::HashMap, fmt, sync::Arc};

use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use redis::{ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisResult, cmd, pipe};
use tokio::time::timeout;

use super::connections::{Link, PATIENCE, unanswered};
use crate::StorageError;

/// Where a [`RedisStorage`](super::RedisStorage) keeps its sessions, and under which keys.
///
/// Whatever takes an address takes a URL, such as `redis://user:password@host:6379/0`, `rediss://…` (feature `tls`) or
/// `unix:///path`, or a `ConnectionInfo` of the package `redis`, which may have certificates of one's own.
///
/// ```
/// use sessions_core::storage::RedisServers;
///
/// # fn main() -> Result<(), sessions_core::StorageError> {
/// let one = RedisServers::one("redis://localhost")?.prefix("shop:");
/// let cluster = RedisServers::cluster(["redis://10.0.0.1", "redis://10.0.0.2"])?;
/// let whoever_is_master = RedisServers::sentinel(
///     ["redis://10.0.0.1:26379", "redis://10.0.0.2:26379", "redis://10.0.0.3:26379"],
///     "mymaster",
///     "redis://shop:password@as-the-sentinels-say",
/// )?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisServers {
    reached: Reached,
    pub(super) prefix: String,
}

#[derive(Clone)]
enum Reached {
    One(ConnectionInfo),
    Sentinels {
        sentinels: Vec<ConnectionInfo>,
        name: String,
        /// Without its address, which the sentinels say.
        master: ConnectionInfo,
    },
    /// Those that are asked which others there are.
    Cluster(Vec<ConnectionInfo>),
}

/// One of the servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Server {
    /// The only one, or whoever is master.
    Only,
    /// One of a cluster's.
    At(Arc<str>, u16),
}

impl Server {
    /// The one that this one calls `host:port`. The host may have colons, too; without one it is this one's.
    pub(super) fn named(&self, address: &str) -> Option<Self> {
        let (host, port) = address.rsplit_once(':')?;
        let host = match self {
            Self::At(own, _) if host.is_empty() => Arc::clone(own),
            _ => host.into(),
        };
        Some(Self::At(host, port.parse().ok()?))
    }
}

impl RedisServers {
    /// One server.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if the address is none.
    pub fn one(address: impl IntoConnectionInfo) -> Result<Self, StorageError> {
        Ok(Self::reached(Reached::One(info(address)?)))
    }

    /// A cluster that some of its servers are known of. User, password and certificates of the first one hold for all.
    ///
    /// The others are reached where the servers say that they are: by their IP addresses, unless it is set otherwise. So for
    /// certificates of host names `cluster-announce-hostname` has to be set, and `cluster-preferred-endpoint-type hostname`.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if an address is none, or if there is none at all.
    pub fn cluster<A: IntoConnectionInfo>(known: impl IntoIterator<Item = A>) -> Result<Self, StorageError> {
        Ok(Self::reached(Reached::Cluster(infos(known)?)))
    }

    /// The server that these sentinels call the master of this name. `master` says how it is reached: user, password,
    /// database and whether by TLS. Its host and port are those that the sentinels say: an IP address, unless `sentinel
    /// resolve-hostnames` and `announce-hostnames` are set, as certificates of host names need it.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if an address is none, or if there are no sentinels.
    pub fn sentinel<A: IntoConnectionInfo>(
        sentinels: impl IntoIterator<Item = A>,
        name: &str,
        master: impl IntoConnectionInfo,
    ) -> Result<Self, StorageError> {
        Ok(Self::reached(Reached::Sentinels {
            sentinels: infos(sentinels)?,
            name: name.to_owned(),
            master: info(master)?,
        }))
    }

    /// What all keys begin with: `sessions:` unless it is said here. In a cluster all keys are on one server if there is
    /// something in braces in it.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    fn reached(reached: Reached) -> Self {
        Self {
            reached,
            prefix: "sessions:".to_owned(),
        }
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.reached, Reached::Cluster(_))
    }

    /// Those that can be asked which others there are.
    pub(super) fn known(&self) -> Vec<Server> {
        match &self.reached {
            Reached::One(_) | Reached::Sentinels { .. } => vec![Server::Only],
            Reached::Cluster(known) => known.iter().map(|info| server_at(info.addr())).collect(),
        }
    }

    /// A connection to one of them.
    pub(super) fn connect(&self, server: Server, open: Open) -> BoxFuture<'static, RedisResult<Arc<Link>>> {
        match (&self.reached, server) {
            (Reached::One(info), _) => master_at(info.clone(), open).boxed(),
            (Reached::Cluster(known), Server::At(host, port)) => open(at(&known[0], &host, port)),
            (Reached::Cluster(known), Server::Only) => open(known[0].clone()),
            (
                Reached::Sentinels {
                    sentinels,
                    name,
                    master,
                },
                _,
            ) => {
                let (sentinels, name, master) = (sentinels.clone(), name.clone(), master.clone());
                async move {
                    let (host, port) = master_of(sentinels, &name).await?;
                    master_at(at(&master, &host, port), open).await
                }
                .boxed()
            }
        }
    }
}

/// How a connection is opened.
pub(super) type Open =
    Arc<dyn Fn(ConnectionInfo) -> BoxFuture<'static, RedisResult<Arc<Link>>> + Send + Sync>;

/// A connection to a server that writes are for; not to one that only copies another, or has a part of a cluster's keys.
async fn master_at(info: ConnectionInfo, open: Open) -> RedisResult<Arc<Link>> {
    let link = open(info).await?;
    is_master(&link).await?;
    if link.is_of_cluster {
        return Err((
            ErrorKind::Client,
            "the server is one of a cluster: use `RedisServers::cluster`",
        )
            .into());
    }
    Ok(link)
}

/// The master by the newest that any of the sentinels knows. After a failover the others are told of it seconds later, and
/// a server that was master before may be back by then, take writes, and lose them all when it is made a replica.
async fn master_of(sentinels: Vec<ConnectionInfo>, name: &str) -> RedisResult<(String, u16)> {
    let asked = sentinels
        .into_iter()
        .map(|sentinel| timeout(PATIENCE / 3, vote(sentinel, name)));
    let answers = join_all(asked).await.into_iter().filter_map(Result::ok);
    let mut refusal = unanswered();
    let mut newest: Option<Vote> = None;
    for answer in answers {
        match answer {
            Ok(vote) if newest.as_ref().is_none_or(|newest| newest.epoch < vote.epoch) => newest = Some(vote),
            Ok(_) => {}
            Err(error) => refusal = error,
        }
    }
    newest.map(|vote| vote.master).ok_or(refusal)
}

/// What one of the sentinels says.
struct Vote {
    master: (String, u16),
    /// Higher with each failover.
    epoch: u64,
}

async fn vote(sentinel: ConnectionInfo, name: &str) -> RedisResult<Vote> {
    let link = Link::open(sentinel).await?;
    // The first says who is master while the failover goes on, too.
    let mut ask = pipe();
    ask.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    ask.cmd("SENTINEL").arg("MASTER").arg(name);
    let (master, told): (Option<(String, u16)>, HashMap<String, String>) =
        ask.query_async(&mut link.connection()).await?;
    let epoch = told.get("config-epoch").and_then(|epoch| epoch.parse().ok());
    match (master, epoch) {
        (Some(master), Some(epoch)) => Ok(Vote { master, epoch }),
        _ => Err((ErrorKind::Client, "the sentinels know no master of this name").into()),
    }
}

pub(super) async fn is_master(link: &Link) -> RedisResult<()> {
    let role: Vec<redis::Value> = cmd("ROLE").query_async(&mut link.connection()).await?;
    let is_master = matches!(role.first(), Some(redis::Value::BulkString(role)) if role == b"master");
    if is_master {
        Ok(())
    } else {
        Err((ErrorKind::Client, "the server is no master").into())
    }
}

fn info(address: impl IntoConnectionInfo) -> Result<ConnectionInfo, StorageError> {
    address
        .into_connection_info()
        .map_err(|error| StorageError::unavailable(super::error::Failed::of(&error)))
}

fn infos<A: IntoConnectionInfo>(
    addresses: impl IntoIterator<Item = A>,
) -> Result<Vec<ConnectionInfo>, StorageError> {
    let infos: Vec<_> = addresses.into_iter().map(info).collect::<Result<_, _>>()?;
    if infos.is_empty() {
        return Err(StorageError::unavailable(
            "no address of a Redis server was given",
        ));
    }
    Ok(infos)
}

fn server_at(address: &ConnectionAddr) -> Server {
    match address {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            Server::At(host.as_str().into(), *port)
        }
        _ => Server::Only,
    }
}

/// The same way, to somewhere else.
fn at(info: &ConnectionInfo, host: &str, port: u16) -> ConnectionInfo {
    let mut address = info.addr().clone();
    match &mut address {
        ConnectionAddr::TcpTls { host: h, port: p, .. } => (*h, *p) = (host.to_owned(), port),
        address => *address = ConnectionAddr::Tcp(host.to_owned(), port),
    }
    info.clone().set_addr(address)
}

impl fmt::Debug for RedisServers {
    /// Which kind it is; neither an address nor a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reached {
            Reached::One(_) => "one server",
            Reached::Sentinels { .. } => "a master of sentinels",
            Reached::Cluster(_) => "a cluster",
        })
    }
}
