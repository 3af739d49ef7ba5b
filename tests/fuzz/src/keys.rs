//! The keys of the targets: the same in each run, so that what was found is found again.

use sessions_core::{
    KeyRing,
    protection::{Key, Suite},
};

pub(crate) fn key(seed: u8) -> Key {
    let bytes: [u8; Key::LEN] =
        std::array::from_fn(|index| (index as u8 + 1).wrapping_mul(151) ^ seed.wrapping_mul(59));
    Key::from_bytes(&bytes).unwrap()
}

pub(crate) fn ring() -> KeyRing {
    KeyRing::new(key(1))
}

/// Of the other suite.
pub(crate) fn chacha_ring() -> KeyRing {
    KeyRing::new(key(1).with_suite(Suite::ChaCha20Poly1305))
}
