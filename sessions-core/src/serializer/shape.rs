//! What the bytes of a type look like.

mod access;
mod calls;
mod encode;
mod node;
mod probe;
mod samples;
mod tracer;

use serde::de::DeserializeOwned;

use self::tracer::Tracer;

/// What the bytes of a type look like: two types of one shape read each other's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(Vec<u8>);

impl Shape {
    /// The shape of `T` in a format that is not human-readable, as serde understands the word.
    ///
    /// It is traced through `Deserialize`, by running it on made-up values: field names and their order, variant
    /// names and their order, and the types of all of them, at any depth. Rust's own type names are not part of it,
    /// with one exception. Where a type takes none of the made-up values, or asks for whatever comes
    /// (`deserialize_any`), its name stands for what cannot be seen: what such a type contains may change without
    /// changing the shape. What is `flatten`ed, `tag`ged or `untagged` is such a type, and a tuple in which something
    /// follows such a type. What concerns only how a type is written, as `skip_serializing_if`, is not seen either.
    ///
    /// Never panics unless `T::deserialize` does. The work is bounded: of a type with hundreds of thousands of
    /// combinations the rest goes by name.
    #[must_use]
    pub fn of<T: DeserializeOwned>() -> Self {
        Self(Tracer::trace::<T>(false))
    }

    /// The shape of `T` in a human-readable format: some types, as IP addresses, are text there. Otherwise as
    /// [`of`](Self::of).
    #[must_use]
    pub fn of_human_readable<T: DeserializeOwned>() -> Self {
        Self(Tracer::trace::<T>(true))
    }

    /// The shape that goes by this name, for a serializer that states its own.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(name.as_bytes().to_vec())
    }

    /// The bytes that go into the fingerprint.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
