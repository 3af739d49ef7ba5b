//! Written by hand, it is what the serializer makes of the same fields.

use std::sync::Arc;

use proptest::{collection::vec, option, prelude::*};

use super::Header;
use crate::{
    Fingerprint, Schema, SessionSerializer,
    by_hand::arbitrary::{id, number, time, times},
    serializer::Bincode,
};

fn header() -> impl Strategy<Value = Header> {
    let version = number().prop_map(|number| number as u32);
    let context = option::of(vec(any::<u8>(), 0..300).prop_map(Arc::from));
    let parts = (version, any::<[u8; 16]>(), id(), time(), times(), time(), context);
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
        let at = at.index(bytes.len());
        bytes[at] = byte;
        prop_assert_eq!(Header::read(&bytes), read_by_bincode(&bytes));
        bytes.resize(len, byte);
        prop_assert_eq!(Header::read(&bytes), read_by_bincode(&bytes));
    }
}
