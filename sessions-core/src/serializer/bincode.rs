//! The default serializer: compact, and the only place that knows bincode.

use std::marker::PhantomData;

use bincode::{
    config::{Configuration, Limit, LittleEndian, Varint},
    enc::write::Writer,
    error::{DecodeError, EncodeError},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    MAX_PAYLOAD_LEN, SerializerError, SessionSerializer, Shape, append,
    bounded::{Bounded, Bounds},
    check_len,
};

/// Bincode 2 in its standard configuration: small and fast, without field names.
///
/// Values are read by position, so a session type whose shape has changed needs a new `version`. What depends on
/// field names cannot be read back and does not belong into such a type: `skip_serializing_if`, `flatten`, `tag`
/// and `untagged`; use [`Json`](super::Json) for those. Nor does an enum in which a variant is skipped that others
/// follow: serde numbers them in one way when it writes and in another when it reads. The derive refuses what it sees,
/// which are the attributes of the session type itself; of types inside it, debug builds refuse such values when they
/// are written.
#[derive(Clone, Copy, Debug)]
pub struct Bincode;

/// Bincode counts a number by its size in memory, of which up to 16 bytes can come from 1 encoded one: with a
/// lower limit it would refuse to read what it has written.
const MAX_COUNTED: usize = 16 * MAX_PAYLOAD_LEN;

const CONFIG: Configuration<LittleEndian, Varint, Limit<MAX_COUNTED>> =
    bincode::config::standard().with_limit::<MAX_COUNTED>();

impl<T: Serialize + DeserializeOwned> SessionSerializer<T> for Bincode {
    const FORMAT: &'static str = "bincode-2/standard";

    fn shape() -> Shape {
        Shape::of::<T>()
    }

    fn serialize(value: &T, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        append(out, |out| {
            bincode::serde::encode_into_writer(value, Append(out), CONFIG)
        })
    }

    fn deserialize(bytes: &[u8]) -> Result<T, SerializerError> {
        check_len(bytes.len())?;
        let bounds = Bounds::new();
        let seed = Bounded {
            inner: PhantomData,
            bounds: &bounds,
        };
        let (value, read) =
            bincode::serde::seed_decode_from_slice(seed, bytes, CONFIG).map_err(without_values)?;
        if read == bytes.len() {
            Ok(value)
        } else {
            Err(SerializerError::new("bytes are left over"))
        }
    }
}

/// A type's own message may quote the refused value, which may be a secret and would end in a log.
fn without_values(error: DecodeError) -> SerializerError {
    match error {
        DecodeError::OtherString(_) => SerializerError::new("a type refused its value"),
        error => SerializerError::new(error),
    }
}

/// Writes straight into the caller's buffer.
struct Append<'a>(&'a mut Vec<u8>);

impl Writer for Append<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}
