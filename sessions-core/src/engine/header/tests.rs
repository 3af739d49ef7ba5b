//! Written by hand, it is what the serializer makes of the same fields.

use std::{sync::Arc, time::Duration};

use proptest::{collection::vec, option, prelude::*};

use super::Header;
use crate::{Fingerprint, PublicId, Schema, SessionSerializer, Times, Timestamp, serializer::Bincode};

/// Of every length that a number can have, and at both ends of each.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..=255_u64,
        0xfffe..=0x1_0001_u64,
        0xffff_fffe..=0x1_0000_0001_u64,
        any::<u64>(),
        Just(u64::MAX),
    ]
}

fn time() -> impl Strategy<Value = Timestamp> {
    number().prop_map(Timestamp::from_millis)
}

fn times() -> impl Strategy<Value = Times> {
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

fn header() -> impl Strategy<Value = Header> {
    let id = vec(any::<u8>(), PublicId::MIN_LEN..=PublicId::MAX_LEN);
    let id = prop_oneof![any::<[u8; 16]>().prop_map(Vec::from), id];
    let id = id.prop_map(|bytes| PublicId::from_bytes(&bytes).unwrap());
    let version = number().prop_map(|number| number as u32);
    let context = option::of(vec(any::<u8>(), 0..300).prop_map(Arc::from));
    let parts = (version, any::<[u8; 16]>(), id, time(), times(), time(), context);
    parts.prop_map(
        |(version, fingerprint, id, issued, times, mark, context)| Header {
            schema: Schema {
                version,
                fingerprint: Fingerprint(fingerprint),
            },
            id,
            issued,
            times,
            mark,
            context,
        },
    )
}

fn written(header: &Header) -> Vec<u8> {
    let mut bytes = Vec::new();
    header.write(&mut bytes);
    bytes
}

/// What the serializer reads: a header, or one and the context after it.
fn read_by_bincode(bytes: &[u8]) -> Option<Header> {
    let without = <Bincode as SessionSerializer<Header>>::deserialize(bytes);
    without.ok().or_else(|| {
        let (header, context) =
            <Bincode as SessionSerializer<(Header, Arc<[u8]>)>>::deserialize(bytes).ok()?;
        Some(Header {
            context: Some(context),
            ..header
        })
    })
}

proptest! {
    #[test]
    fn a_header_is_written_as_the_serializer_would_and_read_again(header in header()) {
        let mut expected = Vec::new();
        <Bincode as SessionSerializer<Header>>::serialize(&header, &mut expected).unwrap();
        if let Some(context) = &header.context {
            <Bincode as SessionSerializer<Arc<[u8]>>>::serialize(context, &mut expected).unwrap();
        }
        let bytes = written(&header);
        prop_assert_eq!(&bytes, &expected);
        prop_assert_eq!(Header::read(&bytes), Some(header));
    }

    #[test]
    fn what_was_changed_cut_off_or_drawn_out_is_read_as_the_serializer_reads_it(
        header in header(),
        at in any::<prop::sample::Index>(),
        byte: u8,
        len in 0..400_usize,
    ) {
        let mut bytes = written(&header);
        // Of a session's version, which is first, bincode refuses the forms that no version needs.
        let at = 1 + at.index(bytes.len() - 1);
        bytes[at] = byte;
        prop_assert_eq!(Header::read(&bytes), read_by_bincode(&bytes));
        bytes.resize(len, byte);
        prop_assert_eq!(Header::read(&bytes), read_by_bincode(&bytes));
    }
}
