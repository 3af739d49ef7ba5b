//! What a serializer writes and does not read back. The derive sees the session's own attributes; debug builds see those
//! of the types inside it, too, when such a value is written.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU8, Ordering},
};

use serde::{Deserialize, Deserializer, Serialize};
use sessions_core::{
    SerializerError, Session, SessionError, SessionSerializer, SessionSpec,
    serializer::{Bincode, Json, Shape},
};

use crate::support::World;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Holding<T>(T);

macro_rules! sessions {
    ($($type:ty: $serializer:ty),*) => {$(
        impl Session for Holding<$type> {
            const SPEC: SessionSpec = SessionSpec::new("holding");
            type Serializer = $serializer;
        }
    )*};
}

async fn set<T>(value: T) -> Result<(), SessionError>
where
    Holding<T>: Session,
{
    let world = World::new();
    let client = crate::support::Client::new(&world.server::<Holding<T>>());
    client.open().await.set(Holding(value))
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Right {
    #[serde(skip)]
    None,
    Read,
    Write,
    Admin,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Guest { n: u8 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sparse {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    a: Option<u8>,
    b: Option<u8>,
}

/// As [`Sparse`], with a field that makes up for the one that is missing.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Shifting {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    a: Option<u8>,
    b: u8,
    c: Vec<u8>,
}

sessions!(Right: Bincode, Tagged: Bincode, Sparse: Bincode, Shifting: Bincode);

#[tokio::test]
async fn bincode_mistakes_variants_after_a_skipped_one_for_others_and_is_told_so() {
    // The reason for it all: it reads more than was written.
    let mut bytes = Vec::new();
    Bincode::serialize(&Right::Read, &mut bytes).unwrap();
    let read: Result<Right, _> = Bincode::deserialize(&bytes);
    assert_eq!(read.unwrap(), Right::Write);
    assert!(set(Right::Read).await.is_err());
    assert!(set(Right::Write).await.is_err());
}

#[tokio::test]
async fn bincode_loses_what_depends_on_names_and_is_told_so() {
    assert!(set(Tagged::Guest { n: 1 }).await.is_err());
    assert!(set(Sparse { a: None, b: Some(1) }).await.is_err());
    assert!(set(Sparse { a: Some(1), b: None }).await.is_ok());
    let shifting = Shifting {
        a: None,
        b: 0,
        c: vec![0],
    };
    let mut bytes = Vec::new();
    Bincode::serialize(&shifting, &mut bytes).unwrap();
    let read: Shifting = Bincode::deserialize(&bytes).unwrap();
    assert_ne!(read, shifting);
    assert!(set(shifting).await.is_err());
}

mod named {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct Holds<T>(pub(super) T);

    sessions!(Holds<Right>: Json, Holds<Tagged>: Json, Holds<Sparse>: Json, Holds<Shifting>: Json);
}

#[tokio::test]
async fn json_reads_back_what_depends_on_names() {
    use named::Holds;
    assert!(set(Holds(Right::Read)).await.is_ok());
    assert!(set(Holds(Tagged::Guest { n: 1 })).await.is_ok());
    assert!(set(Holds(Sparse { a: None, b: Some(1) })).await.is_ok());
    let (a, b, c) = (None, 0, vec![0]);
    assert!(set(Holds(Shifting { a, b, c })).await.is_ok());
    assert!(
        set(Holds(Right::None)).await.is_err(),
        "a skipped variant cannot be written at all"
    );
}

/// Put in order when it is read.
#[derive(Debug, PartialEq, Serialize)]
struct Trimmed(String);

impl<'de> Deserialize<'de> for Trimmed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(String::deserialize(deserializer)?.trim().to_owned()))
    }
}

sessions!(Trimmed: Bincode, HashMap<u32, u32>: Bincode, u8: Salted);

/// Never writes the same twice.
struct Salted;

impl SessionSerializer<Holding<u8>> for Salted {
    const FORMAT: &'static str = "salted";

    fn shape() -> Shape {
        Shape::named("a salt and a byte")
    }

    fn serialize(value: &Holding<u8>, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        static SALT: AtomicU8 = AtomicU8::new(0);
        out.extend([SALT.fetch_add(1, Ordering::Relaxed), value.0]);
        Ok(())
    }

    fn deserialize(bytes: &[u8]) -> Result<Holding<u8>, SerializerError> {
        bytes
            .get(1)
            .map(|byte| Holding(*byte))
            .ok_or_else(|| SerializerError::new("too short"))
    }
}

#[tokio::test]
async fn what_is_put_in_order_or_never_written_the_same_twice_is_taken() {
    assert!(set(Trimmed("  a ".to_owned())).await.is_ok());
    assert!(
        set((0..100).map(|n| (n, n)).collect::<HashMap<u32, u32>>())
            .await
            .is_ok()
    );
    assert!(set(7).await.is_ok());
}
