//! What stands between a request and its handler: when sessions are opened, and when they are written.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

// Each module is a group of tests; one binary, because linking is what takes the time.
mod caches;
mod commits;
mod composition;
mod cookies;
mod dropped_values;
mod failing;
mod frames;
mod https;
mod inner_services;
mod lazy;
mod nesting;
mod required;
mod same_origin;
mod sockets;
mod streams;
mod support;
