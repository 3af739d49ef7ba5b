//! Typed web sessions without a web framework.

mod rules;
mod spec;

#[cfg(feature = "engine")]
mod by_hand;
#[cfg(feature = "engine")]
mod clock;
#[cfg(feature = "engine")]
mod context;
#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "engine")]
mod error;
#[cfg(feature = "engine")]
pub mod events;
#[cfg(feature = "engine")]
#[doc(hidden)]
pub mod export;
#[cfg(feature = "engine")]
mod id;
#[cfg(feature = "engine")]
mod lifetime;
#[cfg(feature = "engine")]
mod log;
#[cfg(feature = "engine")]
mod lp;
#[cfg(feature = "engine")]
pub mod options;
#[cfg(feature = "engine")]
mod policy;
#[cfg(feature = "engine")]
mod principal;
#[cfg(feature = "engine")]
pub mod protection;
#[cfg(feature = "engine")]
mod record;
#[cfg(feature = "engine")]
mod schema;
#[cfg(feature = "engine")]
mod scratch;
#[cfg(feature = "engine")]
mod secret;
#[cfg(feature = "engine")]
mod secrets;
#[cfg(feature = "engine")]
pub mod serializer;
#[cfg(feature = "engine")]
mod session;
#[cfg(feature = "engine")]
pub mod storage;

#[doc(hidden)]
pub use rules::did_you_mean;
pub use rules::{Culprit, InvalidDuration, Violation, default_name, parse_duration};
pub use spec::{
    CookieSpec, DEFAULT_ABSOLUTE_LIFETIME, DEFAULT_IDLE_TIMEOUT, MAX_LIFETIME, SameSite, SessionSpec,
    Transport,
};

#[cfg(feature = "engine")]
pub use {
    clock::{Clock, ManualClock, SystemClock, Timestamp},
    context::{ClientContext, ContextVerdict},
    error::{ConfigError, SessionError},
    id::{IdError, IdGenerator, PublicId, RequestView, StorageKey},
    lifetime::Times,
    policy::{Kept, Policy, SessionPolicy},
    principal::{Principal, ToPrincipal},
    protection::{BoundProtection, Key, KeyError, KeyId, KeyRing, Protection, ProtectionError},
    record::{Payload, Record, RecordError, Revision},
    schema::{Downgrade, Fingerprint, Schema, Upgrade, WritePrevious},
    secret::{RandomError, SecretHash, Token},
    secrets::{Predecessor, Secrets, Successor},
    serializer::{SerializerError, SessionSerializer},
    session::Session,
    storage::{SessionStorage, StorageError},
};
