//! Every storage of this crate, against the contract and beyond it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod around;
mod broken;
mod cached;
mod contract;
mod directory;
mod encrypted;
mod index;
mod memory;
mod outage;
mod roster;
mod wrapper;
