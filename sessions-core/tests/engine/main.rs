//! The engine, without a web framework: what a client shows, what a handler does, what is stored, and what the client
//! is told.

mod commit_by_id;
mod support;
