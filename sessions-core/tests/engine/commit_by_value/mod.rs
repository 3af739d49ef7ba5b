//! Sessions that the client keeps: what is sealed and sent, and what is refused when it comes back.

mod keys;
mod secrecy;
mod slot;
mod tampering;
