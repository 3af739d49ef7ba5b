//! The data classes of the tests.

use serde::{Deserialize, Serialize};
use sessions_core::{Principal, Session, SessionSpec, ToPrincipal, serializer::Bincode};

/// A session that may be somebody's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) visits: u32,
}

impl Session for Login {
    const SPEC: SessionSpec = SessionSpec::new("login");
    type Serializer = Bincode;

    fn principal(&self) -> Option<Principal> {
        self.user.to_principal()
    }
}

pub(crate) fn login(user: &str, visits: u32) -> Login {
    Login {
        user: Some(user.to_owned()),
        visits,
    }
}

pub(crate) fn nobody(visits: u32) -> Login {
    Login { user: None, visits }
}

/// A session of nobody, with text of any length.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) text: String,
}

impl Session for Note {
    const SPEC: SessionSpec = SessionSpec::new("note");
    type Serializer = Bincode;
}

impl Note {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}
