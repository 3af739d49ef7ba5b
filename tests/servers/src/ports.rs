//! Ports of 127.0.0.1.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    net::{Ipv4Addr, TcpListener},
};

/// One that is free now.
///
/// Below 32768, because from there on Linux gives them to clients: one that tries to reach a server that was killed would
/// sooner or later get that very port, be connected with itself, and keep the server from it.
pub(crate) fn free() -> u16 {
    loop {
        let random = RandomState::new().hash_one(());
        let port = 10_000 + u16::try_from(random % 20_000).unwrap_or_default();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
