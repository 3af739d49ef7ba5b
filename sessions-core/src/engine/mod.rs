//! From a client's token to a session, and from what the handler did with it to what the client is told.

mod base64url;
mod begin;
mod by_value;
mod commit;
mod context;
mod csrf;
mod cut_off;
mod end;
mod header;
mod index;
mod live;
mod merge;
mod open;
mod policy;
mod put;
mod reader;
mod renew;
mod revocations;
mod sealed;
mod server;
mod slot;
mod state;
mod status;
mod token;
mod update;
mod upkeep;
mod writer;

use std::{
    any::type_name,
    fmt,
    net::IpAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

pub use self::{
    commit::{Outcome, TokenAction},
    csrf::{CsrfTokens, CsrfVerdict},
    index::SessionInfo,
    open::{Loading, Opening},
    slot::Slot,
    status::SessionStatus,
    upkeep::{Purger, keep_up},
};
use self::{
    revocations::Revocations,
    server::{Backend, Server, Stored},
};
use crate::{
    Clock, ConfigError, Downgrade, IdGenerator, Principal, PublicId, Record, RequestView, Schema, Session,
    SessionError, SessionSpec, SessionStorage, SystemClock, Timestamp,
    context::ContextHook,
    events::{Events, Revocation, SessionEventKind as Kind, SessionListener},
    lifetime::Lifetimes,
    options::{ClientSide, Options, ServerSide},
    protection::{BoundProtection, Guarantee, Mode, Protection, Purpose, Signed},
    schema::Upgrade,
    storage::Read,
};

/// What all sessions of an application share.
#[derive(Clone)]
pub struct Environment {
    /// Keeps applications that share a storage or a key apart. Default: empty.
    pub application: Arc<str>,
    /// The source of time. Default: the system's clock.
    pub clock: Arc<dyn Clock>,
    /// What shapes the handles of new sessions. Default: 128 random bits.
    pub id_generator: Option<Arc<dyn IdGenerator>>,
    /// The longest time that a storage may take for one operation. Default: two seconds.
    pub storage_timeout: Duration,
    /// Whether cookies go over plain http. Default: no.
    pub insecure_cookies: bool,
    /// Who is told what happens to sessions, beside the log. Default: nobody.
    pub listener: Option<Arc<SessionListener>>,
    /// Whose tokens are looked at. Default: everybody's.
    pub throttle: Option<Arc<SessionThrottle>>,
}

/// Whether a request's tokens may be looked at.
pub type SessionThrottle = dyn Fn(&dyn RequestView) -> bool + Send + Sync;

impl Environment {
    fn events(&self, session: &str) -> Events {
        Events {
            session: session.into(),
            listener: self.listener.clone(),
        }
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            application: "".into(),
            clock: Arc::new(SystemClock),
            id_generator: None,
            storage_timeout: Duration::from_secs(2),
            insecure_cookies: false,
            listener: None,
            throttle: None,
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("application", &self.application)
            .field("storage_timeout", &self.storage_timeout)
            .field("insecure_cookies", &self.insecure_cookies)
            .finish_non_exhaustive()
    }
}

/// One session type, set up: opens tokens, and decides what becomes of what it opened. Clones share everything.
pub struct Engine<T>(Arc<Parts<T>>, Option<Downgrade<T>>);

impl<T> Clone for Engine<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), self.1.clone())
    }
}

struct Parts<T> {
    spec: SessionSpec,
    lifetimes: Lifetimes,
    schema: Schema,
    previous: Vec<Upgrade<T>>,
    /// Whether it was told that there are sessions that cannot be read.
    schema_told: AtomicBool,
    place: Place,
    renew_every: Option<Duration>,
    always_send: bool,
    clear_site_data: bool,
    context: Option<ContextHook>,
    events: Events,
    environment: Environment,
}

/// Renewing at every request would keep nobody out for longer, and have two tokens good most of the time.
const SHORTEST_RENEWAL: Duration = Duration::from_secs(1);

/// Where the data is.
enum Place {
    Server(Server),
    Client {
        protection: Box<dyn BoundProtection>,
        /// Where it is written down which of them have been ended, if anywhere.
        revocations: Option<Revocations>,
    },
}

impl<T: Session> Engine<T> {
    /// Sessions that are kept in `storage`.
    ///
    /// # Errors
    /// The spec or an option breaks a rule.
    pub fn server_side(
        environment: &Environment,
        storage: Arc<dyn SessionStorage>,
        options: &Options<ServerSide>,
    ) -> Result<Self, ConfigError> {
        let spec = checked_spec::<T, _>(environment, options)?;
        let purpose = Purpose {
            mode: Mode::ById,
            application: &environment.application,
            name: &spec.name,
        };
        let signed = options
            .place
            .signed
            .as_ref()
            .map(|keys| Signed::new(keys).bind(&purpose))
            .transpose()?;
        match options.place.max_per_principal {
            Some((0, _)) => {
                return Err(ConfigError::Option {
                    type_name: type_name::<T>(),
                    message: "a principal may have no session at all: let `max_per_principal` be 1 or more"
                        .to_owned(),
                });
            }
            Some(_) if storage.index().is_none() => {
                return Err(ConfigError::Option {
                    type_name: type_name::<T>(),
                    message: "`max_per_principal` needs a storage with an index, and this one has none"
                        .to_owned(),
                });
            }
            _ => {}
        }
        let server = Server {
            backend: Backend::new(environment, storage, &spec),
            signed,
            grace: options.place.grace,
            on_reuse: options.place.on_reuse,
            on_conflict: options.place.on_conflict,
            limit: options.place.max_per_principal,
            events: environment.events(&spec.name),
        };
        let touch_limit = Duration::from_secs(60);
        Self::new(environment, spec, options, Place::Server(server), touch_limit)
    }

    /// Sessions that the client keeps, under `protection`.
    ///
    /// # Errors
    /// The spec or an option breaks a rule, a key is of no use, or nothing protects the session.
    pub fn client_side(
        environment: &Environment,
        protection: &dyn Protection,
        options: &Options<ClientSide>,
    ) -> Result<Self, ConfigError> {
        let spec = checked_spec::<T, _>(environment, options)?;
        if protection.guarantee() == Guarantee::Nothing {
            return Err(ConfigError::Unprotected {
                type_name: type_name::<T>(),
            });
        }
        let purpose = Purpose {
            mode: Mode::ByValue,
            application: &environment.application,
            name: &spec.name,
        };
        let revocable = options.place.revocable.as_ref();
        let place = Place::Client {
            protection: protection.bind(&purpose)?,
            revocations: revocable
                .map(|storage| Revocations::new(Backend::new(environment, Arc::clone(storage), &spec))),
        };
        Self::new(environment, spec, options, place, Duration::MAX)
    }

    fn new<P>(
        environment: &Environment,
        spec: SessionSpec,
        options: &Options<P>,
        place: Place,
        touch_limit: Duration,
    ) -> Result<Self, ConfigError> {
        let idle_timeout = spec.idle_timeout_or_default();
        let touch_interval = options
            .touch_interval
            .unwrap_or_else(|| (idle_timeout / 10).min(touch_limit));
        if touch_interval >= idle_timeout {
            return Err(ConfigError::Option {
                type_name: type_name::<T>(),
                message: format!(
                    "the touch interval of {touch_interval:?} is not shorter than the idle timeout of {idle_timeout:?}, so \
                     active sessions would end"
                ),
            });
        }
        if options.renew_every.is_some_and(|every| every < SHORTEST_RENEWAL) {
            return Err(ConfigError::Option {
                type_name: type_name::<T>(),
                message: format!(
                    "let `renew_every` be {SHORTEST_RENEWAL:?} or more: each renewal is a write and a new token"
                ),
            });
        }
        let previous = T::previous();
        if let Some(upgrade) = previous
            .iter()
            .find(|upgrade| upgrade.schema().version >= spec.version)
        {
            return Err(ConfigError::Option {
                type_name: type_name::<T>(),
                message: format!(
                    "it has version {}, and one that it is upgraded from has version {}: raise its own with \
                     `#[session(version = {})]`",
                    spec.version,
                    upgrade.schema().version,
                    upgrade.schema().version.saturating_add(1),
                ),
            });
        }
        let lifetimes = Lifetimes {
            idle_timeout,
            absolute_lifetime: spec.absolute_lifetime_or_default(),
            touch_interval,
        };
        let parts = Parts {
            lifetimes,
            schema: Schema::of::<T>(),
            schema_told: AtomicBool::new(false),
            previous,
            place,
            renew_every: options.renew_every,
            always_send: options.always_send,
            clear_site_data: options.clear_site_data,
            context: options.context.clone(),
            events: environment.events(&spec.name),
            environment: environment.clone(),
            spec,
        };
        Ok(Self(Arc::new(parts), None))
    }

    /// The spec, with every override applied: what the transport needs.
    #[must_use]
    pub fn spec(&self) -> &SessionSpec {
        &self.0.spec
    }

    fn tell(&self, kind: Kind, id: Option<&PublicId>, peer: Option<IpAddr>) {
        self.0.events.tell(kind, id, peer);
    }

    /// The name, on the wire and in storages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.spec.name
    }

    /// Ends the session of this public id, whosever it is; false if there is none. Of a session that its client keeps
    /// nobody can say whether there is one: there false is for one that was ended before. If `rotate_id` has given it
    /// another id since, it is ended under that one.
    ///
    /// # Errors
    /// The client keeps the session and it is not [`revocable`](Options::revocable), or the storage failed.
    /// [`Contended`](SessionError::Contended): its id was rotated more than a thousand times since.
    pub async fn revoke(&self, id: &PublicId) -> Result<bool, SessionError> {
        let Some(server) = self.server() else {
            let revocations = self.revocations().ok_or(SessionError::NotServerSide)?;
            let ended = revocations.end_session(id, None, self.now()).await?;
            if let Some(id) = &ended {
                self.tell(Kind::Revoked(Revocation::Asked), Some(id), None);
            }
            return Ok(ended.is_some());
        };
        let (key, now) = (server.key(id), self.now());
        // Only the record knows whose it is.
        let record = match server.storage.index() {
            Some(_) => server.load(key, Read::Latest, now).await?,
            None => None,
        };
        self.end(server, id, record.as_deref()).await
    }

    /// Ends the session of this public id if it is this principal's; false if there is no such session.
    ///
    /// # Errors
    /// The client keeps the session, or the storage failed.
    pub async fn revoke_of(&self, principal: &Principal, id: &PublicId) -> Result<bool, SessionError> {
        let server = self.server().ok_or(SessionError::NotServerSide)?;
        let (key, now) = (server.key(id), self.now());
        // A session's principal never changes, so there is nothing to be checked once more.
        match server.find(key, Read::Latest, now).await? {
            Stored::Record(record) if record.principal.as_ref() == Some(principal) => {
                self.end(server, id, Some(&record)).await
            }
            Stored::Unreadable => {
                let Some((index, of)) = server.index_of(Some(principal)) else {
                    return Ok(false);
                };
                let members = server.members(index, of, now).await?;
                let Some(member) = members.into_iter().find(|member| member.key == key) else {
                    return Ok(false);
                };
                let cause = (Revocation::Asked, None);
                Ok(server.end_members(index, of, &[member], cause, now).await? == 1)
            }
            Stored::Record(_) | Stored::Nothing => Ok(false),
        }
    }

    async fn end(
        &self,
        server: &Server,
        id: &PublicId,
        record: Option<&Record>,
    ) -> Result<bool, SessionError> {
        let ended = server.delete(server.key(id), self.now()).await?;
        if let Some(record) = record {
            server.forget(record, self.now()).await;
        }
        if ended {
            self.tell(Kind::Revoked(Revocation::Asked), Some(id), None);
        }
        Ok(ended)
    }

    /// Frees at most `limit` sessions of the storage that have expired, of whatever type, and says how many. To be
    /// called from time to time; nothing else waits for it.
    ///
    /// # Errors
    /// The client keeps the sessions and they are not [`revocable`](Options::revocable), or the storage failed.
    pub async fn purge_expired(&self, limit: usize) -> Result<usize, SessionError> {
        let backend = self.backend().ok_or(SessionError::NotServerSide)?;
        backend
            .storage
            .purge_expired(limit, self.now())
            .await
            .map_err(SessionError::writing)
    }

    fn server(&self) -> Option<&Server> {
        match &self.0.place {
            Place::Server(server) => Some(server),
            Place::Client { .. } => None,
        }
    }

    fn revocations(&self) -> Option<&Revocations> {
        match &self.0.place {
            Place::Server(_) => None,
            Place::Client { revocations, .. } => revocations.as_ref(),
        }
    }

    /// The storage that is asked, if any is.
    fn backend(&self) -> Option<&Backend> {
        match &self.0.place {
            Place::Server(server) => Some(server),
            Place::Client { revocations, .. } => revocations.as_deref(),
        }
    }

    /// Whether opening a session asks no storage.
    #[must_use]
    pub fn opens_at_once(&self) -> bool {
        self.backend().is_none()
    }

    /// Whether the client keeps the sessions.
    #[must_use]
    pub fn is_client_side(&self) -> bool {
        self.server().is_none()
    }

    /// The time, by the application's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.environment.clock.now()
    }
}

/// The type's spec with every override, if it keeps the rules.
fn checked_spec<T: Session, P>(
    environment: &Environment,
    options: &Options<P>,
) -> Result<SessionSpec, ConfigError> {
    let violations = options.spec.violations();
    if !violations.is_empty() {
        return Err(ConfigError::Spec {
            type_name: type_name::<T>(),
            violations,
        });
    }
    if !options.misplaced.is_empty() {
        return Err(ConfigError::Option {
            type_name: type_name::<T>(),
            message: format!(
                "a session in a header has no cookie attributes: remove {}, or set the transport first",
                options.misplaced.join(", ")
            ),
        });
    }
    Ok(if environment.insecure_cookies {
        options.spec.without_secure()
    } else {
        options.spec.clone()
    })
}

impl<T> fmt::Debug for Engine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("spec", &self.0.spec)
            .field("downgrade", &self.1)
            .finish_non_exhaustive()
    }
}
