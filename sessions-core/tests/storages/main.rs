//! Every storage of this crate, against the contract and beyond it.

mod contract;
