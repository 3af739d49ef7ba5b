//! Numbers in no order, the same ones in each run.

use std::ops::Range;

use sessions_actix::StorageKey;
use workloads::Failure;

use super::sessions::key;

/// SplitMix64.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn in_range(&mut self, range: &Range<u64>) -> u64 {
        let width = range.end - range.start;
        range.start + ((u128::from(self.next()) * u128::from(width)) >> 64) as u64
    }

    /// All numbers of a range, in no order.
    pub(super) fn shuffled(&mut self, range: Range<u64>) -> Vec<u64> {
        let mut numbers: Vec<u64> = range.collect();
        for index in (1..numbers.len()).rev() {
            let other = self.in_range(&(0..index as u64 + 1));
            numbers.swap(index, other as usize);
        }
        numbers
    }

    /// The keys of so many sessions, each any one of a range.
    pub(super) fn keys(&mut self, draws: usize, range: Range<u64>) -> Result<Vec<StorageKey>, Failure> {
        (0..draws).map(|_| key(self.in_range(&range))).collect()
    }
}
