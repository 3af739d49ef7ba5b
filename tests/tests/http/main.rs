//! Sessions over HTTP, as handlers and clients see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod actix_session;
mod attributes;
mod client_context;
mod committed;
mod csrf_token;
mod custom;
mod events;
mod exchange;
mod failures;
mod failures_of_others;
mod header_transport;
mod ktor;
mod leaks;
mod lifecycle;
mod outages;
mod policy;
mod principals;
mod printed;
mod renewal;
mod required;
mod resend;
mod response;
mod revocable;
mod revocation;
mod rolling_deploy;
mod schema;
mod setup;
mod side_by_side;
mod step_up;
mod support;
mod tampering;
mod tower_sessions;
mod upkeep;
