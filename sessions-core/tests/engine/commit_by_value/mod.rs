//! Sessions that the client keeps: what is sealed and sent, and what is refused when it comes back.

mod key_files;
mod key_service;
mod key_states;
mod keys;
mod nonces;
mod revocable;
mod secrecy;
mod slot;
mod splicing;
mod suites;
mod tampering;
