//! Values to try on a type that does not take any value.

/// Fit every integer type or are replaced by 1.
pub(super) const INTEGERS: &[i128] = &[0, 1, 2, 7, 12, 100, 1970, -1, 1_000_000_000];

pub(super) const FLOATS: &[f32] = &[0.0, 1.0, 0.5, -1.0, 100.0];

pub(super) const CHARS: &[char] = &['a', '0', 'A', ' '];

pub(super) const STRINGS: &[&str] = &[
    "",
    "a",
    "1",
    "00000000-0000-4000-8000-000000000000",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "1970-01-01",
    "00:00:00",
    "127.0.0.1",
    "::1",
    "127.0.0.1:80",
    "[::1]:80",
    "127.0.0.0/8",
    "::/0",
    "http://localhost/",
    "localhost",
    "a@example.org",
    "/a",
    "UTC",
    "en",
    "EUR",
    "1.0.0",
    "1s",
    "PT1S",
    "AAAA",
    "#000000",
    "00000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
];

/// As long as the usual identifiers, addresses, nonces, keys and signatures.
pub(super) const BYTE_LENGTHS: &[usize] = &[0, 1, 16, 4, 8, 12, 20, 24, 32, 64];

pub(super) static ZEROS: [u8; 64] = [0; 64];

/// Elements of a sequence: one shows what they are.
pub(super) const LENGTHS: &[usize] = &[1, 2, 3, 4, 8, 16, 32];

/// Elements of a sequence whose elements are known already, or cannot be made.
pub(super) const KNOWN_LENGTHS: &[usize] = &[0, 1, 2, 3, 4, 8, 16, 32];
