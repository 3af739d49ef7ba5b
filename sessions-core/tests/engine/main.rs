//! The engine, without a web framework: what a client shows, what a handler does, what is stored, and what the client
//! is told.

#![allow(clippy::unwrap_used, reason = "what fails here is a test")]

mod client_context;
mod commit_by_id;
mod commit_by_value;
mod corpus;
mod events;
mod faults;
mod lifetimes;
mod outages;
mod principals;
mod renewal;
mod rolling;
mod support;
#[cfg(debug_assertions)]
mod unreadable;
mod upgrades;
mod upkeep;
mod vectors;
mod write_previous;
