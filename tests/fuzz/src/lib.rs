//! What a fuzzer runs: each reader of bytes that others may have written, and what has to hold for any bytes.
//!
//! A target panics when it does not hold. `tests/run --fuzz` looks for bytes that make one panic, by the programs in
//! `fuzz/`; the tests give each target what is in `corpus/`: seeds, named by what they are, and what the fuzzer has found
//! to go ways of its own, named by a hash.
#![allow(clippy::unwrap_used, reason = "a target that panics has found something")]

mod bytes;
mod cookie_reader;
mod directory_files;
mod keys;
mod record_reader;
mod roster_reader;
mod sealed_records;
pub mod seeds;
mod serializers;
mod token_reader;
mod tokens;
mod watched;

pub use self::{
    cookie_reader::cookie_reader,
    directory_files::directory_files,
    record_reader::record_reader,
    roster_reader::roster_reader,
    sealed_records::sealed_records,
    serializers::{bincode_reader, json_reader},
    token_reader::token_reader,
};

/// Takes any bytes, and panics if what it promises does not hold for them.
pub type Target = fn(&[u8]);

/// All of them, by the names of their folders and programs.
pub const TARGETS: [(&str, Target); 8] = [
    ("bincode_reader", bincode_reader),
    ("cookie_reader", cookie_reader),
    ("directory_files", directory_files),
    ("json_reader", json_reader),
    ("record_reader", record_reader),
    ("roster_reader", roster_reader),
    ("sealed_records", sealed_records),
    ("token_reader", token_reader),
];

/// The answer of a future that has nothing to wait for.
fn at_once<F: Future>(future: F) -> F::Output {
    futures_util::FutureExt::now_or_never(future).unwrap()
}
