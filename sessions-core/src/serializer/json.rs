//! A serializer whose bytes people and other programs can read.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;

use super::{SerializerError, SessionSerializer, Shape, append, check_len};

/// JSON: larger than [`Bincode`](super::Bincode), but names its fields, so that a payload of a changed shape is
/// still tried.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl<T: Serialize + DeserializeOwned> SessionSerializer<T> for Json {
    const FORMAT: &'static str = "json";
    const SELF_DESCRIBING: bool = true;

    fn shape() -> Shape {
        Shape::of_human_readable::<T>()
    }

    fn serialize(value: &T, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        append(out, |out| serde_json::to_writer(out, value))
    }

    fn deserialize(bytes: &[u8]) -> Result<T, SerializerError> {
        check_len(bytes.len())?;
        serde_json::from_slice(bytes).map_err(|error| without_values(&error))
    }
}

/// The place of a mistake, without its message: that may quote the refused value, which may be a secret and would
/// end in a log.
fn without_values(error: &serde_json::Error) -> SerializerError {
    let what = match error.classify() {
        Category::Data => "a type refused its value",
        Category::Eof => "the JSON ends too early",
        Category::Syntax | Category::Io => "not JSON",
    };
    SerializerError::new(format!(
        "{what}, at line {} column {}",
        error.line(),
        error.column()
    ))
}
