//! Any of what is written by hand.

use std::time::Duration;

use proptest::{collection::vec, option, prelude::*};

use crate::{PublicId, Times, Timestamp};

/// Of every length that a number can have, and at both ends of each.
pub(crate) fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..=255_u64,
        0xfffe..=0x1_0001_u64,
        0xffff_fffe..=0x1_0000_0001_u64,
        any::<u64>(),
        Just(u64::MAX),
    ]
}

pub(crate) fn time() -> impl Strategy<Value = Timestamp> {
    number().prop_map(Timestamp::from_millis)
}

pub(crate) fn times() -> impl Strategy<Value = Times> {
    let remembered = (number(), 0..1_000_000_000_u32);
    let remembered = remembered.prop_map(|(seconds, nanos)| Duration::new(seconds, nanos));
    let ends = (time(), time(), option::of(time()), option::of(remembered));
    (time(), option::of(time()), time(), ends).prop_map(|(created, authenticated, last_seen, ends)| {
        let (idle_deadline, absolute_deadline, not_after, remembered) = ends;
        Times {
            created,
            authenticated,
            last_seen,
            idle_deadline,
            absolute_deadline,
            not_after,
            remembered,
        }
    })
}

pub(crate) fn id() -> impl Strategy<Value = PublicId> {
    let id = vec(any::<u8>(), PublicId::MIN_LEN..=PublicId::MAX_LEN);
    let id = prop_oneof![any::<[u8; 16]>().prop_map(Vec::from), id];
    id.prop_map(|bytes| PublicId::from_bytes(&bytes).unwrap())
}
