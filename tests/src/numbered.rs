//! Payloads that show whether they are whole.

/// The key of the one session that is written.
pub const KEY: [u8; 32] = [7; 32];

/// 64 KiB that are all of this number.
pub fn payload(number: u64) -> Vec<u8> {
    number.to_be_bytes().repeat(8 * 1024)
}

/// The number, if the payload is whole.
pub fn number(payload: &[u8]) -> Option<u64> {
    let number = u64::from_be_bytes(*payload.first_chunk()?);
    (payload == self::payload(number)).then_some(number)
}
