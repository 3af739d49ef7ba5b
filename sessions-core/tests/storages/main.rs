//! Every storage of this crate, against the contract and beyond it.

mod around;
mod cached;
mod contract;
mod directory;
mod memory;
