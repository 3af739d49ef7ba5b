//! Typed web sessions without a web framework.

mod rules;
mod spec;

#[cfg(feature = "engine")]
mod clock;
#[cfg(feature = "engine")]
mod lp;
#[cfg(feature = "engine")]
mod principal;
#[cfg(feature = "engine")]
mod schema;
#[cfg(feature = "engine")]
mod secret;
#[cfg(feature = "engine")]
pub mod serializer;
#[cfg(feature = "engine")]
mod session;

pub use rules::{Culprit, Violation};
pub use spec::{
    CookieSpec, DEFAULT_ABSOLUTE_LIFETIME, DEFAULT_IDLE_TIMEOUT, MAX_LIFETIME, SameSite, SessionSpec, Transport,
};

#[cfg(feature = "engine")]
pub use {
    clock::{Clock, ManualClock, SystemClock, Timestamp},
    principal::{Principal, ToPrincipal},
    schema::{Fingerprint, Schema, Upgrade},
    secret::{RandomError, SecretHash, Token},
    serializer::{SerializerError, SessionSerializer},
    session::Session,
};
