//! What the bytes of a type look like.

/// What the bytes of a type look like: two types of one shape read each other's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(Vec<u8>);

impl Shape {
    /// The shape of `T` in a format that is not human-readable.
    #[must_use]
    pub fn of<T: serde::de::DeserializeOwned>() -> Self {
        Self::named(std::any::type_name::<T>())
    }

    /// The shape of `T` in a human-readable format.
    #[must_use]
    pub fn of_human_readable<T: serde::de::DeserializeOwned>() -> Self {
        Self::of::<T>()
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
