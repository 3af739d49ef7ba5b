//! Setting sessions up.

use std::{
    any::{TypeId, type_name},
    fmt,
    sync::Arc,
    time::Duration,
};

use actix_web::{HttpRequest, HttpResponse};
use sessions_core::{
    Clock, ConfigError, IdGenerator, KeyRing, Policy, Protection, RequestView, Session, SessionError as Kind,
    SessionStorage, WritePrevious,
    engine::{Engine, Environment, keep_up},
    events::SessionEvent,
    options::{ClientSide, Options, ServerSide},
};

use crate::{
    SessionAdmin, SessionError,
    registry::{Registration, Registry},
};

/// The session types of an application: a middleware.
///
/// Build it once, outside the closure of `HttpServer::new`: each worker gets a clone, and clones share their storages.
/// Wrap it last, that is outermost, so that nothing outside rebuilds a response and drops its headers.
#[derive(Clone, Debug)]
pub struct Sessions {
    pub(crate) registry: Arc<Registry>,
}

impl Sessions {
    /// Begins to set sessions up.
    pub fn builder() -> SessionsBuilder {
        SessionsBuilder {
            environment: Environment::default(),
            types: Vec::new(),
            additions: Vec::new(),
        }
    }

    /// The sessions of one type, to end them from outside a request.
    ///
    /// # Errors
    /// `NotConfigured` if the type is not registered here.
    pub fn admin<T: Session>(&self) -> Result<SessionAdmin<T>, SessionError> {
        let registered = self
            .registry
            .find(TypeId::of::<T>())
            .and_then(Registration::typed);
        registered.map(SessionAdmin::new).ok_or_else(|| {
            Kind::NotConfigured {
                type_name: type_name::<T>(),
                help: "add it to the `Sessions::builder()` of these sessions".to_owned(),
            }
            .into()
        })
    }

    /// All that holds for each session type, as it is now: defaults, what the derive says and what the builder has
    /// overridden, where the sessions are kept, and the ids of the keys with their states. For audits, and for a look at what
    /// a server really runs with; no secret is in it.
    ///
    /// ```
    /// # use sessions_actix::Sessions;
    /// # fn main() -> Result<(), sessions_actix::ConfigError> {
    /// let sessions = Sessions::builder().build()?;
    /// println!("{}", sessions.policy());
    /// for session in sessions.policy().sessions {
    ///     assert!(session.spec.idle_timeout_or_default().as_secs() <= 1800, "{}", session.type_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.registry.policy()
    }

    /// Frees expired sessions of all storages, once in `every` (at least a second): a future to be spawned where the
    /// server is started. Expired sessions are none without it, too; but a folder or a database keeps them.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use sessions_actix::Sessions;
    /// # #[actix_web::main]
    /// # async fn main() -> Result<(), sessions_actix::ConfigError> {
    /// let sessions = Sessions::builder().build()?;
    /// actix_web::rt::spawn(sessions.upkeep(Duration::from_secs(600)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Each process may run its own: a session is freed once, and the first round is at a random time within the first
    /// `every`. It works in batches of ten thousand, between which others get their turn; a storage that several types
    /// share is worked on for each of them. A storage that fails, panics or
    /// hangs is told to the log and asked again in the next round. It ends with the runtime that it is spawned on, and
    /// in the round after the last clone of these sessions, those of the server included, is gone.
    pub fn upkeep(&self, every: Duration) -> impl Future<Output = ()> + Send + use<> {
        let registry = Arc::downgrade(&self.registry);
        keep_up(every, move || Some(registry.upgrade()?.purgers()))
    }
}

type Register = Box<dyn FnOnce(&Environment) -> Result<Registration, ConfigError>>;

/// Sets up the session types of an application; made by [`Sessions::builder`].
#[must_use = "nothing is set up until it is built"]
pub struct SessionsBuilder {
    environment: Environment,
    types: Vec<Register>,
    additions: Vec<Addition>,
}

/// What is said of a type beside its registration, before or after it.
struct Addition {
    type_id: TypeId,
    type_name: &'static str,
    what: &'static str,
    add: Add,
}

type Add = Box<dyn FnOnce(&mut Registration) -> Result<(), ConfigError>>;

impl SessionsBuilder {
    /// Keeps the sessions of this type in `storage`; the client holds an id.
    pub fn server_side<T: Session>(self, storage: impl SessionStorage) -> Self {
        self.server_side_with::<T>(storage, |options| options)
    }

    /// As [`server_side`](Self::server_side), with options that override what the derive says:
    /// `.server_side_with::<Login>(storage, |options| options.name(config.cookie).idle_timeout(config.idle))`.
    #[doc(alias = "configure")]
    #[doc(alias = "options")]
    #[doc(alias = "cookie_name")]
    #[doc(alias = "cookie_secure")]
    #[doc(alias = "cookie_path")]
    #[doc(alias = "cookie_domain")]
    #[doc(alias = "cookie_same_site")]
    #[doc(alias = "cookie_http_only")]
    #[doc(alias = "session_lifecycle")]
    #[doc(alias = "limits")]
    pub fn server_side_with<T: Session>(
        mut self,
        storage: impl SessionStorage,
        options: impl FnOnce(Options<ServerSide>) -> Options<ServerSide>,
    ) -> Self {
        let options = options(Options::of::<T>());
        let storage = Arc::new(storage);
        self.types.push(Box::new(move |environment| {
            Registration::new(Engine::<T>::server_side(environment, storage, &options)?)
        }));
        self
    }

    /// Gives the sessions of this type to the client to keep, under `protection`.
    pub fn client_side<T: Session>(self, protection: impl Protection) -> Self {
        self.client_side_with::<T>(protection, |options| options)
    }

    /// As [`client_side`](Self::client_side), with options that override what the derive says, as in
    /// [`server_side_with`](Self::server_side_with).
    pub fn client_side_with<T: Session>(
        mut self,
        protection: impl Protection,
        options: impl FnOnce(Options<ClientSide>) -> Options<ClientSide>,
    ) -> Self {
        let options = options(Options::of::<T>());
        self.types.push(Box::new(move |environment| {
            Registration::new(Engine::<T>::client_side(environment, &protection, &options)?)
        }));
        self
    }

    /// Keeps applications apart that share a storage or a key. Default: empty.
    pub fn application(mut self, name: &str) -> Self {
        self.environment.application = name.into();
        self
    }

    /// The source of time. Default: the system's clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.environment.clock = Arc::new(clock);
        self
    }

    /// What shapes the public ids of new sessions. Default: 128 random bits.
    pub fn id_generator(mut self, generator: impl IdGenerator) -> Self {
        self.environment.id_generator = Some(Arc::new(generator));
        self
    }

    /// Tells `listener` what happens to sessions, beside the log: for an audit trail, for metrics, to count who tries tokens
    /// that are none.
    ///
    /// It is called at once, in the request that it happens in, after it has happened: give what takes time to a channel. A
    /// listener that panics is told to the log, and stops nothing. Behind a proxy the peer is the proxy, unless a middleware
    /// outside `Sessions` puts the client's address into `RequestHead::peer_addr`.
    ///
    /// ```
    /// # use sessions_actix::Sessions;
    /// use sessions_actix::{SessionEvent, SessionEventKind, events::Rejection};
    ///
    /// # fn main() -> Result<(), sessions_actix::ConfigError> {
    /// let sessions = Sessions::builder()
    ///     .listener(|event: &SessionEvent<'_>| match event.kind {
    ///         SessionEventKind::Created => println!("{} {:?} from {:?}", event.session, event.public_id, event.peer),
    ///         SessionEventKind::Rejected(Rejection::Unknown) => println!("{:?} is guessing", event.peer),
    ///         _ => {}
    ///     })
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn listener(mut self, listener: impl Fn(&SessionEvent<'_>) + Send + Sync + 'static) -> Self {
        self.environment.listener = Some(Arc::new(listener));
        self
    }

    /// Looks at a request's tokens only if `admits` says so; else the session is an error that answers 429, the storage is
    /// not asked, and the client keeps its token. It is asked once for each session that a request shows tokens for.
    ///
    /// With a [listener](Self::listener) that counts: who shows many unknown tokens is refused for a while.
    ///
    /// ```
    /// use std::{collections::HashMap, net::IpAddr, sync::{Arc, Mutex}};
    /// use sessions_actix::{RequestView, SessionEvent, SessionEventKind, Sessions, events::Rejection};
    ///
    /// # fn main() -> Result<(), sessions_actix::ConfigError> {
    /// // In earnest with a bound, and emptied every minute.
    /// let unknown: Arc<Mutex<HashMap<Option<IpAddr>, u32>>> = Arc::default();
    /// let counted = unknown.clone();
    /// let sessions = Sessions::builder()
    ///     .listener(move |event: &SessionEvent<'_>| {
    ///         if event.kind == SessionEventKind::Rejected(Rejection::Unknown) {
    ///             *counted.lock().unwrap().entry(event.peer).or_default() += 1;
    ///         }
    ///     })
    ///     .throttle(move |request: &dyn RequestView| {
    ///         unknown.lock().unwrap().get(&request.peer_addr()).is_none_or(|tries| *tries < 20)
    ///     })
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn throttle(mut self, admits: impl Fn(&dyn RequestView) -> bool + Send + Sync + 'static) -> Self {
        self.environment.throttle = Some(Arc::new(admits));
        self
    }

    /// The longest time that a storage may take for one operation. Default: two seconds.
    pub fn storage_timeout(mut self, timeout: Duration) -> Self {
        self.environment.storage_timeout = timeout;
        self
    }

    /// What answers a request that requires a session of this type and has none. Default: 401 without a body.
    ///
    /// See [`challenge`](crate::challenge) for ready-made ones; a closure sees the request.
    pub fn challenge<T: Session>(
        self,
        challenge: impl Fn(&HttpRequest) -> HttpResponse + Send + Sync + 'static,
    ) -> Self {
        self.addition::<T>("a challenge", |registration| {
            registration.challenge = Some(Arc::new(challenge));
            Ok(())
        })
    }

    /// Writes the sessions of this type in the format of their previous version, so that nodes which know no other can use
    /// what this one writes: for the first of two deploys, until every node runs this code. The second removes the line. A
    /// session that is stored in the new format already stays in it.
    ///
    /// What the previous version has no field for is lost meanwhile: it is what `From` gives whenever the session is read.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use sessions_actix::{Session, Sessions, storage::MemoryStorage};
    /// #[derive(Session, Serialize, Deserialize)]
    /// #[session(name = "__Host-cart")]
    /// struct CartV1 {
    ///     item: u32,
    /// }
    ///
    /// #[derive(Session, Serialize, Deserialize)]
    /// #[session(name = "__Host-cart", version = 2, previous = CartV1)]
    /// struct Cart {
    ///     items: Vec<u32>,
    /// }
    ///
    /// impl From<CartV1> for Cart {
    ///     fn from(old: CartV1) -> Self {
    ///         Self { items: vec![old.item] }
    ///     }
    /// }
    ///
    /// // For this deploy only, too.
    /// impl From<&Cart> for CartV1 {
    ///     fn from(cart: &Cart) -> Self {
    ///         Self { item: cart.items.last().copied().unwrap_or_default() }
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), sessions_actix::ConfigError> {
    /// let sessions = Sessions::builder()
    ///     .server_side::<Cart>(MemoryStorage::new())
    ///     .write_previous::<Cart>()
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn write_previous<T: WritePrevious>(self) -> Self {
        self.addition::<T>("`write_previous`", Registration::write_previous::<T>)
    }

    /// Has [`CsrfToken`](crate::CsrfToken) and [`CsrfGuard`](crate::CsrfGuard) make and check tokens against cross-site
    /// request forgery for the sessions of this type, signed under a key of their own that is derived from these.
    ///
    /// Rotating the keys ends no token that a page has, as long as the key before it is on the ring, retired.
    pub fn csrf<T: Session>(self, keys: &KeyRing) -> Self {
        let keys = keys.clone();
        self.addition::<T>("`csrf` keys", move |registration| registration.csrf::<T>(&keys))
    }

    fn addition<T: Session>(
        mut self,
        what: &'static str,
        add: impl FnOnce(&mut Registration) -> Result<(), ConfigError> + 'static,
    ) -> Self {
        self.additions.push(Addition {
            type_id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
            what,
            add: Box::new(add),
        });
        self
    }

    /// Sends cookies over plain http: without `Secure` and `Partitioned`, and without the `__Host-` and `__Secure-` of
    /// their names, which browsers refuse otherwise. Never in production: whoever is on the way can read and take over
    /// every session.
    pub fn insecure_cookies_for_development(mut self) -> Self {
        self.environment.insecure_cookies = true;
        self
    }

    /// Checks everything, and makes the middleware.
    ///
    /// # Errors
    /// What is wrong, and how to mend it.
    pub fn build(self) -> Result<Sessions, ConfigError> {
        let mut registry = Registry::default();
        for register in self.types {
            registry.add(register(&self.environment)?)?;
        }
        for addition in self.additions {
            let Some(registration) = registry.find_mut(addition.type_id) else {
                return Err(ConfigError::Option {
                    type_name: addition.type_name,
                    message: format!(
                        "it has {}, and no `.server_side` or `.client_side`",
                        addition.what
                    ),
                });
            };
            (addition.add)(registration)?;
        }
        Ok(Sessions {
            registry: Arc::new(registry),
        })
    }
}

impl fmt::Debug for SessionsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionsBuilder")
            .field("environment", &self.environment)
            .field("types", &self.types.len())
            .finish_non_exhaustive()
    }
}
