//! What the derive's output names beside the public items.

use crate::{Downgrade, SerializerError, SessionSerializer, serializer::Shape};

/// The trait alone: at the root the name may stand for the derive too.
pub use crate::{schema::MadeFrom, session::Session};

/// The serializer of a type whose derive reported an error: it fits every type, so that no second error follows.
#[derive(Debug)]
pub enum Refused {}

impl Refused {
    /// How a type becomes its previous version that has no other errors to add.
    #[must_use]
    pub fn downgrade<T>() -> Downgrade<T> {
        Downgrade::refused()
    }
}

impl<T> SessionSerializer<T> for Refused {
    const FORMAT: &'static str = "refused";

    fn shape() -> Shape {
        Shape::named("refused")
    }

    fn serialize(_: &T, _: &mut Vec<u8>) -> Result<(), SerializerError> {
        Err(SerializerError::new("the session type does not compile"))
    }

    fn deserialize(_: &[u8]) -> Result<T, SerializerError> {
        Err(SerializerError::new("the session type does not compile"))
    }
}
