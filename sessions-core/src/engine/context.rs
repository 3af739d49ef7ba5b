//! What the application thinks of the client that shows a session's token.

use super::{
    Engine, Slot,
    state::{Live, Opened, View},
};
use crate::{
    ContextVerdict, Session, SessionError,
    context::Caller,
    events::{Revocation, SessionEventKind as Kind},
};

/// How far the client of a request is believed to be the session's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    Full,
    /// Until its user logs in again.
    StepUp,
}

impl<T: Session> Engine<T> {
    pub(super) fn judged(&self, found: &Opened<T>, caller: &Caller) -> ContextVerdict {
        match found {
            Opened::Live(live) => caller.judged(live.anchor.context(), self.0.context.as_ref()),
            _ => ContextVerdict::Allow,
        }
    }

    /// Ends a session that the client of this request should not have.
    pub(super) async fn end_for_context(&self, live: &Live<T>, caller: &Caller) -> Result<(), SessionError> {
        if let Some(id) = self.end_anchor(&live.anchor).await? {
            self.tell(Kind::Revoked(Revocation::Context), Some(&id), caller.peer);
        }
        Ok(())
    }
}

impl ContextVerdict {
    /// How far the client is trusted with a session that it may use.
    pub(super) fn trust(self) -> Trust {
        match self {
            Self::Allow => Trust::Full,
            Self::StepUp | Self::Revoke => Trust::StepUp,
        }
    }
}

impl<T: Session> Slot<T> {
    /// Whether the session's [`ClientContext`](crate::ClientContext) asks for another login: it is used, and is not fresh
    /// until this request or a later one [starts](Slot::start) another.
    #[must_use]
    pub fn needs_step_up(&self) -> bool {
        let state = self.state();
        let opened_before = matches!(state.view(), View::Live(_) | View::Set(..)) && !state.created_here;
        opened_before && self.trust() == Trust::StepUp
    }
}
