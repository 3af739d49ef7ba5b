//! A buffer of each thread for what is in the making, so that no request has to allocate one.

#[cfg(test)]
mod tests;

use std::{cell::Cell, mem};

use zeroize::{Zeroize as _, Zeroizing};

/// What has grown beyond this is not kept: one large session is not to cost memory for ever.
const KEPT: usize = 4 * 1024;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lets `make` have an empty buffer with this much room, which is wiped afterwards. Where it grows beyond its room a copy is
/// left behind, so whoever has a secret says how much it takes.
pub(crate) fn with<R>(room: usize, make: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    // Whoever comes here from inside `make`, or when the thread is ending, has a buffer of its own.
    let mut buffer = Zeroizing::new(BUFFER.try_with(Cell::take).unwrap_or_default());
    buffer.reserve(room);
    let made = make(&mut buffer);
    // In one go each; a vector that wipes itself does so byte by byte.
    buffer.as_mut_slice().zeroize();
    buffer.spare_capacity_mut().zeroize();
    buffer.clear();
    let buffer = mem::take(&mut *buffer);
    if buffer.capacity() <= KEPT {
        let _ = BUFFER.try_with(|place| place.set(buffer));
    }
    made
}
