//! Length-prefixed concatenation: no two lists of parts give the same bytes.

use crate::scratch;

pub(crate) fn put(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u64).to_be_bytes());
    out.extend_from_slice(part);
}

/// What all parts give together, in the buffer of the thread.
pub(crate) fn joined<R>(parts: &[&[u8]], make: impl FnOnce(&[u8]) -> R) -> R {
    let len = parts.iter().map(|part| 8 + part.len()).sum();
    scratch::with(len, |all| {
        parts.iter().for_each(|part| put(all, part));
        make(all)
    })
}
