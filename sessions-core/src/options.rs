//! What can be set for one session type where it is registered, and overrides what its derive says.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use crate::{
    ClientContext, CookieSpec, SameSite, Session, SessionSpec, SessionStorage, Transport,
    context::ContextHook, protection::KeyRing,
};

/// The options of one session type, kept on the server or by the client; they start from what the type's derive says.
#[derive(Clone, Debug)]
#[must_use]
pub struct Options<Place> {
    pub(crate) spec: SessionSpec,
    pub(crate) touch_interval: Option<Duration>,
    pub(crate) renew_every: Option<Duration>,
    pub(crate) always_send: bool,
    pub(crate) clear_site_data: bool,
    pub(crate) context: Option<ContextHook>,
    /// Cookie attributes that were set for a header.
    pub(crate) misplaced: Vec<&'static str>,
    pub(crate) place: Place,
}

/// What can be set for sessions that are kept on the server.
#[derive(Clone, Debug)]
pub struct ServerSide {
    pub(crate) signed: Option<KeyRing>,
    pub(crate) grace: Duration,
    pub(crate) on_reuse: OnReuse,
    pub(crate) on_conflict: OnConflict,
    pub(crate) max_per_principal: Option<(usize, OverLimit)>,
}

impl Default for ServerSide {
    fn default() -> Self {
        Self {
            signed: None,
            grace: Duration::from_secs(30),
            on_reuse: OnReuse::default(),
            on_conflict: OnConflict::default(),
            max_per_principal: None,
        }
    }
}

/// What happens when a client shows a token that was replaced a while ago.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnReuse {
    /// It has no session. It may have lost a response, or have been restored from a backup.
    #[default]
    Ignore,
    /// The session is ended, for the client that has the new token as well: one of the two may be a thief.
    Revoke,
}

/// What can be set for sessions that the client keeps.
#[derive(Clone, Default)]
pub struct ClientSide {
    pub(crate) revocable: Option<Arc<dyn SessionStorage>>,
}

impl fmt::Debug for ClientSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSide")
            .field("revocable", &self.revocable.is_some())
            .finish()
    }
}

/// What `set` does when another request has written the session since this one read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// The last write wins.
    #[default]
    Overwrite,
    /// The request is answered with 409 and nothing is written.
    Reject,
}

/// What happens to a login beyond [`max_per_principal`](Options::max_per_principal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverLimit {
    /// The principal's oldest session is ended.
    EvictOldest,
    /// The login is refused with 409.
    Reject,
}

impl<Place: Default> Options<Place> {
    /// What the derive of `T` says.
    #[doc(hidden)]
    pub fn of<T: Session>() -> Self {
        Self {
            spec: T::SPEC,
            touch_interval: None,
            renew_every: None,
            always_send: false,
            clear_site_data: false,
            context: None,
            misplaced: Vec::new(),
            place: Place::default(),
        }
    }
}

impl<Place> Options<Place> {
    /// The cookie's or header's name.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.spec.name = name.into();
        self
    }

    /// Cookie, with all its attributes, or header.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.spec.transport = transport;
        self
    }

    /// The cookie's `Path`.
    pub fn path(self, path: impl Into<Cow<'static, str>>) -> Self {
        self.cookie("path", |cookie| cookie.path = path.into())
    }

    /// The cookie's `Domain`.
    pub fn domain(self, domain: impl Into<Cow<'static, str>>) -> Self {
        self.cookie("domain", |cookie| cookie.domain = Some(domain.into()))
    }

    /// Whether the cookie is `Secure`.
    pub fn secure(self, secure: bool) -> Self {
        self.cookie("secure", |cookie| cookie.secure = secure)
    }

    /// Whether the cookie is `HttpOnly`.
    pub fn http_only(self, http_only: bool) -> Self {
        self.cookie("http_only", |cookie| cookie.http_only = http_only)
    }

    /// The cookie's `SameSite`.
    pub fn same_site(self, same_site: SameSite) -> Self {
        self.cookie("same_site", |cookie| cookie.same_site = same_site)
    }

    /// Whether the cookie is `Partitioned`.
    pub fn partitioned(self, partitioned: bool) -> Self {
        self.cookie("partitioned", |cookie| cookie.partitioned = partitioned)
    }

    fn cookie(mut self, attribute: &'static str, set: impl FnOnce(&mut CookieSpec)) -> Self {
        match &mut self.spec.transport {
            Transport::Cookie(cookie) => set(cookie),
            Transport::Header => self.misplaced.push(attribute),
        }
        self
    }

    /// How long the browser keeps the cookie.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.spec.max_age = Some(max_age);
        self
    }

    /// The longest time between two requests.
    pub fn idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.spec.idle_timeout = Some(idle_timeout);
        self
    }

    /// The longest life, however active.
    pub fn absolute_lifetime(mut self, absolute_lifetime: Duration) -> Self {
        self.spec.absolute_lifetime = Some(absolute_lifetime);
        self
    }

    /// Activity is written down at most this often. Default: a tenth of the idle timeout, and on the server at most a
    /// minute. A session may end earlier than its idle timeout says by as much.
    pub fn touch_interval(mut self, touch_interval: Duration) -> Self {
        self.touch_interval = Some(touch_interval);
        self
    }

    /// The token is renewed by itself after this time, at the first request that uses the session: the session stays, the
    /// client gets another token. Default: never. On the server the old one is good for a [`grace`](Options::grace) after
    /// the new one was first shown, so that neither parallel requests nor a lost response log anybody out.
    pub fn renew_every(mut self, renew_every: Duration) -> Self {
        self.renew_every = Some(renew_every);
        self
    }

    /// Sends the token with every response for which the session was read, changed or not. At the client the idle timeout
    /// then counts from the last request and not from the last touch; a response that is late can put its token in the place
    /// of a newer one. On the server the session is read once more for it, and what another request has replaced meanwhile
    /// is not sent.
    pub fn always_send(mut self) -> Self {
        self.always_send = true;
        self
    }

    /// Compares the client that a session was started by with the one that shows its token, and lets the application
    /// decide: use it, ask for another login, or end it. Default: nothing is stored or compared.
    pub fn client_context(mut self, context: impl ClientContext) -> Self {
        self.context = Some(ContextHook::new(context));
        self
    }

    /// Sends `Clear-Site-Data: "cache", "cookies", "storage"` when the session is cleared.
    pub fn clear_site_data(mut self) -> Self {
        self.clear_site_data = true;
        self
    }
}

impl Options<ClientSide> {
    /// Lets sessions be ended: `storage` has what is to be known of those that were, and is asked whenever a session is
    /// opened. Default: they cannot be, and a copy of a token is good until it expires.
    ///
    /// - `clear`, `start`, `rotate_id` and `take` end the session, or its id, for every copy of its token, before their
    ///   client is told; `take` gives the value to exactly one caller.
    /// - `SessionAdmin` ends one by its id, all or all others of a principal, and everyone's. A login whose request began
    ///   before that is refused with 503. Nobody can list or count what clients keep.
    ///
    /// Nothing is stored of a session that nobody has ended. An id is kept until its session would have ended by itself,
    /// or, where that is not known, for as long as a session can live (400 days); so is what ends several. A request that
    /// opens a session costs one round trip, in which three keys are loaded at once. A storage that fails is a 503, never
    /// "no session". Clocks of nodes may be 5 seconds apart, and all nodes have to have the option: one without it goes on
    /// taking what the others have ended.
    ///
    /// Sessions that were not ended are as they are without it: the last response wins, and `update` is not atomic. One that
    /// `rotate_id` or a login has replaced is over at once, also for requests of its client that are under way. `rotate_id`
    /// gives the session another public id, and whoever ends it by the one that it had ends it under the new one.
    ///
    /// A storage that cannot read any more what was ended, because the key of an
    /// [`EncryptedStorage`](crate::storage::EncryptedStorage) was revoked, say, cannot answer, either: 503 for those whom it
    /// concerns, until all sessions of that principal, or everyone's, are ended once more. That takes its place, and keeps
    /// no session.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use sessions_core::{ConfigError, Session, SessionSpec, serializer::Bincode};
    /// use sessions_core::{
    ///     engine::{Engine, Environment},
    ///     options::{ClientSide, Options},
    ///     protection::{Encrypted, Key, KeyRing},
    ///     storage::MemoryStorage,
    /// };
    ///
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Login { user: String }
    /// # impl Session for Login {
    /// #     const SPEC: SessionSpec = SessionSpec::new("login");
    /// #     type Serializer = Bincode;
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // In an application: `.client_side_with::<Login>(Encrypted::new(&keys), |options| options.revocable(storage))`.
    /// let options = Options::<ClientSide>::of::<Login>().revocable(MemoryStorage::new());
    /// let keys = KeyRing::new(Key::generate()?);
    /// let engine = Engine::<Login>::client_side(&Environment::default(), &Encrypted::new(&keys), &options)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn revocable(mut self, storage: impl SessionStorage) -> Self {
        self.place.revocable = Some(Arc::new(storage));
        self
    }
}

impl Options<ServerSide> {
    /// Signs the tokens, so that one that was made up never reaches the storage.
    pub fn signed(mut self, keys: &KeyRing) -> Self {
        self.place.signed = Some(keys.clone());
        self
    }

    /// How long a token is good still when the one that takes its place was first shown. Default: 30 seconds. Zero: not
    /// at all.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.place.grace = grace;
        self
    }

    /// What happens when a client shows a token that was replaced longer ago than the grace. Default: it has no session.
    pub fn on_reuse(mut self, on_reuse: OnReuse) -> Self {
        self.place.on_reuse = on_reuse;
        self
    }

    /// How many sessions of this type a principal may have at a time. Default: any number. Needs a storage that keeps an
    /// index. It holds when no login is under way: while one is, there may be one more.
    pub fn max_per_principal(mut self, sessions: usize, beyond: OverLimit) -> Self {
        self.place.max_per_principal = Some((sessions, beyond));
        self
    }

    /// What `set` does when another request has written the session since this one read it; a renewal of its token is a
    /// write. Default: the last write wins.
    pub fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.place.on_conflict = on_conflict;
        self
    }
}
