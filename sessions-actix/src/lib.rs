//! Typed sessions for actix-web.
//!
//! Derive [`Session`](macro@Session) on a struct, register it with [`Sessions::builder`], wrap the `App` with the
//! result, and take [`CurrentSession`] or [`RequiredSession`] in handlers.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, get};
//! use serde::{Deserialize, Serialize};
//! use sessions_actix::{CurrentSession, Session, Sessions, storage::MemoryStorage};
//!
//! #[derive(Session, Serialize, Deserialize)]
//! struct Visits { count: u32 }
//!
//! #[get("/")]
//! async fn index(visits: CurrentSession<Visits>) -> actix_web::Result<String> {
//!     let count = visits.update_or_insert_with(|| Visits { count: 0 }, |visits| { visits.count += 1; visits.count }).await?;
//!     Ok(format!("visit {count}"))
//! }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let sessions = Sessions::builder().server_side::<Visits>(MemoryStorage::new()).build()?;
//!     Ok(HttpServer::new(move || App::new().service(index).wrap(sessions.clone())).bind(("127.0.0.1", 8080))?.run().await?)
//! }
//! ```
//!
//! Where an example of a re-exported item says `sessions_core`, write `sessions_actix`.

mod admin;
mod builder;
pub mod challenge;
mod csrf;
mod current;
mod error;
mod frame;
mod fresh;
mod guard;
mod host;
mod https;
mod middleware;
mod opened;
mod registry;
mod request;
mod required;
mod ticket;
mod transport;

pub use admin::SessionAdmin;
pub use builder::{Sessions, SessionsBuilder};
pub use csrf::{
    CsrfGuard, CsrfRefusal, CsrfToken, CsrfTokenFuture, NotAnOrigin, SameOrigin, SameOriginGuard,
};
pub use current::{CurrentSession, SessionFuture};
pub use error::SessionError;
pub use fresh::FreshSession;
pub use guard::{GuardFuture, GuardMiddleware};
pub use https::{HttpsGuard, NotANetwork};
pub use middleware::{SessionsFuture, SessionsMiddleware};
pub use request::{SessionPeek, SessionsExt};
pub use required::RequiredSession;
#[cfg(feature = "contract")]
pub use sessions_core::storage_contract_tests;
pub use sessions_core::{
    ClientContext, Clock, ConfigError, ContextVerdict, CookieSpec, Culprit, Downgrade, Fingerprint, IdError,
    IdGenerator, Kept, ManualClock, Payload, Policy, Predecessor, Principal, PublicId, RandomError, Record,
    RecordError, RequestView, Revision, SameSite, Schema, SecretHash, Secrets, SerializerError,
    SessionError as SessionErrorKind, SessionPolicy, SessionSerializer, SessionSpec, StorageKey, Successor,
    SystemClock, Times, Timestamp, ToPrincipal, Transport, Upgrade, Violation, WritePrevious,
    engine::{SessionInfo, SessionStatus},
    events::{self, SessionEvent, SessionEventKind},
    protection, serializer, storage,
};
pub use sessions_core::{
    Session,
    options::{self, OnConflict, OnReuse, OverLimit},
};
pub use sessions_derive::Session;

#[doc(hidden)]
pub use sessions_core::export;
