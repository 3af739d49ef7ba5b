//! Numbers, in all forms that they can have, good and bad.

use serde::{Serialize, de::DeserializeOwned};

use super::Reader;
use crate::{SessionSerializer, serializer::Bincode};

/// All of the bytes, by hand.
fn whole<'b, T>(bytes: &'b [u8], read: impl FnOnce(&mut Reader<'b>) -> Option<T>) -> Option<T> {
    let mut reader = Reader(bytes);
    let value = read(&mut reader);
    value.filter(|_| reader.0.is_empty())
}

fn by_serializer<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    <Bincode as SessionSerializer<T>>::deserialize(bytes).ok()
}

#[test]
fn numbers_are_read_as_the_serializer_reads_them_in_every_form() {
    let mut read = 0;
    for first in [0, 1, 249, 250, 251, 252, 253, 254, 255] {
        // Those that a shorter form would do for, too.
        for value in [
            0,
            1,
            250,
            251,
            0xffff,
            0x1_0000,
            0xffff_ffff,
            0x1_0000_0000,
            u64::MAX,
        ] {
            for len in 0..=8 {
                let bytes = [&[first], &value.to_le_bytes()[..len]].concat();
                let (long, short) = (whole(&bytes, Reader::number), whole(&bytes, Reader::number_32));
                assert_eq!(long, by_serializer::<u64>(&bytes), "{bytes:?}");
                assert_eq!(short, by_serializer::<u32>(&bytes), "{bytes:?}");
                read += usize::from(long.is_some()) + usize::from(short.is_some());
            }
        }
    }
    assert!(read > 100, "{read}");
    assert_eq!(whole(&[], Reader::number), None);
    assert_eq!(whole(&[], Reader::number_32), None);
}
