//! Tokens that anybody can make up: by value, under no key.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sessions_core::{
    ManualClock, Session, SessionError, SessionSpec,
    engine::{Engine, Environment, Outcome, SessionStatus},
    options::Options,
    protection::Plain,
    serializer::{Bincode, Json},
};

use super::{commit, open, sent, text};
use crate::{at_once, bytes::Input};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Packed {
    note: String,
    visits: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Named {
    note: Option<String>,
    visits: u32,
}

impl Session for Packed {
    const SPEC: SessionSpec = SessionSpec::new("packed");
    type Serializer = Bincode;
}

impl Session for Named {
    const SPEC: SessionSpec = SessionSpec::new("named");
    type Serializer = Json;
}

/// A session in a format, and a token of it.
struct Kind<T> {
    engine: Engine<T>,
    valid: String,
}

pub(super) struct Plains {
    packed: Kind<Packed>,
    named: Kind<Named>,
}

impl Plains {
    pub(super) fn new() -> Self {
        let note = "hello".to_owned();
        Self {
            packed: Kind::new(Packed {
                note: note.clone(),
                visits: 1,
            }),
            named: Kind::new(Named {
                note: Some(note),
                visits: 1,
            }),
        }
    }

    pub(super) fn check(&self, packed: bool, input: Input<'_>) {
        if packed {
            let change = |value: &Packed| Packed {
                visits: value.visits ^ 1,
                ..value.clone()
            };
            self.packed.check(&text(input, &self.packed.valid), change);
        } else {
            let change = |value: &Named| Named {
                visits: value.visits ^ 1,
                ..value.clone()
            };
            self.named.check(&text(input, &self.named.valid), change);
        }
    }
}

impl<T: Session + PartialEq + std::fmt::Debug> Kind<T> {
    fn new(value: T) -> Self {
        let environment = Environment {
            clock: Arc::new(ManualClock::default()),
            ..Environment::default()
        };
        let engine = Engine::client_side(&environment, &Plain, &Options::of::<T>()).unwrap();
        let slot = open(&engine, None);
        slot.start(value).unwrap();
        let valid = sent(commit(&slot));
        Self { engine, valid }
    }

    fn check(&self, text: &[u8], change: impl Fn(&T) -> T) {
        let slot = open(&self.engine, Some(text));
        let Some(value) = slot.get() else {
            assert_ne!(slot.status(), SessionStatus::Live);
            return;
        };
        assert!(URL_SAFE_NO_PAD.decode(text).is_ok());
        match slot.set(change(&value)) {
            Ok(()) => {}
            Err(SessionError::TooLargeForTransport { .. }) if text.len() > 3800 => return,
            Err(error) => panic!("{error:?}"),
        }
        let written = sent(at_once(slot.commit(Outcome::Answered)).unwrap());
        let again = open(&self.engine, Some(written.as_bytes()));
        assert_eq!(again.get().as_deref(), Some(&change(&value)));
        assert_eq!(again.public_id(), slot.public_id());
        assert_eq!(again.created_at(), slot.created_at());
    }
}
