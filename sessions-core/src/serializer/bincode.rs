//! Bincode.
use serde::{Serialize, de::DeserializeOwned};

use super::{SerializerError, SessionSerializer, Shape};

/// Bincode.
#[derive(Debug, Clone, Copy)]
pub struct Bincode;

impl<T: Serialize + DeserializeOwned> SessionSerializer<T> for Bincode {
    const FORMAT: &'static str = "bincode-2";

    fn shape() -> Shape {
        Shape::named("")
    }

    fn serialize(value: &T, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        let bytes = bincode::serde::encode_to_vec(value, bincode::config::standard())
            .map_err(SerializerError::new)?;
        out.extend(bytes);
        Ok(())
    }

    fn deserialize(bytes: &[u8]) -> Result<T, SerializerError> {
        let (value, n) = bincode::serde::decode_from_slice(bytes, bincode::config::standard())
            .map_err(SerializerError::new)?;
        if n != bytes.len() {
            return Err(SerializerError::new("left over"));
        }
        Ok(value)
    }
}
