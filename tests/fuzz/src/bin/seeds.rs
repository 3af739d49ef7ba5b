//! Writes the seeds: inputs that are something valid, or nearly, so that a fuzzer need not guess what that is.
//!
//! `cargo run -p fuzz-targets --bin seeds`, after a change of a format.
#![allow(clippy::unwrap_used, reason = "a tool for who works here")]

use std::{fs, io, path::Path};

use fuzz_targets::seeds;

fn main() -> io::Result<()> {
    for (target, name, bytes) in seeds::all() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
