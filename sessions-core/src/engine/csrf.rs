//! Tokens for the forms and scripts of one's own pages, which no other site can have: each is good for one session, until
//! its id is rotated.

use std::fmt;

use super::{
    Engine, Slot,
    state::{Anchor, Fate, Live, Opened, View},
    token,
};
use crate::{
    ConfigError, KeyRing, PublicId, Session, SessionError, Token,
    lp::put,
    protection::{BoundProtection, Layer, Mode, Protection, Purpose, Signed},
    secret::random,
};

/// Makes and checks the tokens against cross-site request forgery of one session type: by [`Engine::csrf_tokens`].
pub struct CsrfTokens(Box<dyn BoundProtection>);

/// What a token is to the session of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsrfVerdict {
    /// It was made for it.
    Valid,
    /// It was not.
    Invalid,
    /// There is no session, so that nobody's can be misused.
    NoSession,
}

/// Makes each token another one, so that a compressed response tells nothing of it (BREACH).
const SALT_LEN: usize = 16;

impl<T: Session> Engine<T> {
    /// What makes and checks tokens of this type's sessions, under these keys.
    ///
    /// # Errors
    /// The keys are of no use.
    pub fn csrf_tokens(&self, keys: &KeyRing) -> Result<CsrfTokens, ConfigError> {
        let purpose = Purpose {
            mode: Mode::Csrf,
            application: &self.0.environment.application,
            name: self.name(),
        };
        Ok(CsrfTokens(Signed::new(keys).bind(&purpose)?))
    }
}

impl CsrfTokens {
    pub(super) fn layers(&self) -> Vec<Layer> {
        self.0.layers()
    }

    /// A token for the session as the request leaves it: of one that it has started, or whose id it has rotated, it is
    /// good from then on. Asks no storage and writes nothing.
    ///
    /// # Errors
    /// [`Missing`](SessionError::Missing) if there is no session, and [`Id`](SessionError::Id).
    pub fn issue<T: Session>(&self, slot: &Slot<T>) -> Result<Token, SessionError> {
        let mut bytes = slot.left_as()?.bytes();
        bytes.extend_from_slice(&random::<SALT_LEN>()?);
        self.0.protect(&mut bytes)?;
        Ok(token::encode(&bytes))
    }

    /// What a text, any octets at all, is to the session that the request came with, whatever waits to be done with it.
    #[must_use]
    pub fn verify<T: Session>(&self, slot: &Slot<T>, text: &[u8]) -> CsrfVerdict {
        let Some(expected) = slot.came_as() else {
            return CsrfVerdict::NoSession;
        };
        let salt_len = token::decoded(text, |bytes| {
            self.0.unprotect(bytes)?;
            Ok(bytes.strip_prefix(&expected.bytes()[..]).map(<[u8]>::len))
        });
        match salt_len {
            Ok(Some(SALT_LEN)) => CsrfVerdict::Valid,
            _ => CsrfVerdict::Invalid,
        }
    }
}

/// What a token is bound to: all that a renewal leaves as it is, and neither a login nor a rotation.
pub(super) struct Binding {
    id: PublicId,
    epoch: u64,
}

impl Binding {
    pub(super) fn of_opened<T>(opened: &Opened<T>) -> Option<Self> {
        match opened {
            Opened::Live(Live { anchor, .. }) | Opened::Foreign(anchor) => Some(Self::of(anchor)),
            _ => None,
        }
    }

    fn of(anchor: &Anchor) -> Self {
        Self {
            id: anchor.id().clone(),
            epoch: match anchor {
                Anchor::Stored { record, .. } => record.epoch,
                // Its rotation is another id.
                Anchor::Sealed { .. } => 0,
            },
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        put(&mut bytes, self.id.as_bytes());
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes
    }
}

impl<T: Session> Slot<T> {
    /// The session with which the client comes next.
    fn left_as(&self) -> Result<Binding, SessionError> {
        let state = self.state();
        match (state.view(), &state.opened) {
            (View::Live(live) | View::Set(live, _), _) => {
                let mut binding = Binding::of(&live.anchor);
                if state.fate == Fate::Rotate {
                    match &live.anchor {
                        Anchor::Stored { .. } => binding.epoch = binding.epoch.saturating_add(1),
                        Anchor::Sealed { .. } => binding.id = self.rotated_id()?,
                    }
                }
                Ok(binding)
            }
            (View::Nothing, Opened::Foreign(anchor)) if state.fate != Fate::End => Ok(Binding::of(anchor)),
            (view, _) => match view.id_and_times() {
                Some((id, _)) => Ok(Binding {
                    id: id.clone(),
                    epoch: 0,
                }),
                None => Err(SessionError::Missing {
                    name: self.name().to_owned(),
                }),
            },
        }
    }
}

impl fmt::Debug for CsrfTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfTokens(..)")
    }
}
