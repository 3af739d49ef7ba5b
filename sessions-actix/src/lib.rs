//! Typed sessions for actix-web.
//!
//! Derive [`Session`](macro@Session) on a struct, register it with [`Sessions::builder`], wrap the `App` with the result, and take
//! [`CurrentSession`] or [`RequiredSession`] in handlers.

mod admin;
mod builder;
pub mod challenge;
mod current;
mod error;
mod frame;
mod middleware;
mod opened;
mod registry;
mod request;
mod required;
mod transport;

pub use admin::SessionAdmin;
pub use builder::{Sessions, SessionsBuilder};
pub use current::{CurrentSession, SessionFuture};
pub use error::SessionError;
pub use middleware::{SessionsFuture, SessionsMiddleware};
pub use request::{SessionPeek, SessionsExt};
pub use required::RequiredSession;
pub use sessions_core::{
    Clock, ConfigError, CookieSpec, Culprit, Fingerprint, IdError, IdGenerator, ManualClock, Payload,
    Predecessor, Principal, PublicId, RandomError, Record, RecordError, RequestView, Revision, SameSite,
    Schema, SecretHash, Secrets, SerializerError, SessionError as SessionErrorKind, SessionSerializer,
    SessionSpec, StorageKey, Successor, SystemClock, Times, Timestamp, ToPrincipal, Transport, Upgrade,
    Violation,
    engine::{SessionInfo, SessionStatus},
    protection, serializer, storage,
};
pub use sessions_core::{Session, options};
/// Makes a struct a session.
pub use sessions_derive::Session;

#[doc(hidden)]
pub use sessions_core::export;
