//! Other libraries, each with its defaults and the handlers that its documentation shows.

pub mod actix_session;
mod axum_party;
pub mod bare_redis;
pub mod tower_sessions;
