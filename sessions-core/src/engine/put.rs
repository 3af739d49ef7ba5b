//! A value that the handler has given: what it is to be written into, and what the client will get for it.

use std::{mem, sync::Arc};

use super::{
    Slot,
    sealed::Header,
    state::{Anchor, Certainty, Draft, Fate, Issue, Opened, View, Write},
    writer::Encoded,
};
use crate::{
    Principal, Session, SessionError, events::SessionEventKind as Kind, lifetime::Wishes, secret::Secret,
};

impl<T: Session> Slot<T> {
    /// `set` and `start`: what the value is to be written into, and at once its bytes and what the client will get.
    pub(super) fn put(&self, value: T, intent: Intent) -> Result<Arc<T>, SessionError> {
        let encoded = self.engine().encode(&value)?;
        let principal = value.principal();
        let value = Arc::new(value);
        let start = intent == Intent::Start;
        let mut state = self.open_state()?;
        let target = match (&state.opened, state.view()) {
            (Opened::Foreign(_), View::Nothing) if !start && state.fate != Fate::End => {
                return Err(SessionError::Foreign);
            }
            (Opened::Lost(whose), View::Nothing)
                if intent == Intent::Set && state.fate != Fate::End && *whose == principal =>
            {
                drop(state);
                self.tell(Kind::LostWrite, None);
                return Ok(value);
            }
            (Opened::Lost(_), View::Nothing) if !start && state.fate != Fate::End => {
                self.may_follow(&state.opened, principal.as_ref())?;
                Target::New {
                    authenticated: principal.is_some(),
                }
            }
            (_, View::Live(live) | View::Set(live, _))
                if !start && live.anchor.principal() == principal.as_ref() =>
            {
                Target::Session(&live.anchor)
            }
            (_, View::Start(draft)) if !start && draft.principal == principal => Target::Begun(&draft.issue),
            _ => Target::New {
                authenticated: start || principal.is_some(),
            },
        };
        let write = match target {
            Target::Session(anchor)
                if state.certainty == Certainty::Known && anchor.holds(encoded.over(anchor.schema())) =>
            {
                Write::Nothing
            }
            target => {
                let issue = self.issue(target, &state.wishes, &encoded)?;
                let draft = Draft {
                    value: Arc::clone(&value),
                    encoded,
                    principal,
                    issue,
                };
                if matches!(target, Target::Session(_)) {
                    Write::Set(draft)
                } else {
                    Write::Start(draft)
                }
            }
        };
        let gone = mem::replace(&mut state.write, write);
        drop(state);
        drop(gone);
        Ok(value)
    }

    /// Whether a session of this principal may begin without a login where this one was: not if that was ended by
    /// somebody else and is this principal's.
    pub(super) fn may_follow(
        &self,
        opened: &Opened<T>,
        principal: Option<&Principal>,
    ) -> Result<(), SessionError> {
        match opened {
            Opened::Lost(Some(whose)) if Some(whose) == principal => Err(SessionError::Missing {
                name: self.name().to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// What the client is given for a value.
    pub(super) fn issue(
        &self,
        target: Target<'_>,
        wishes: &Wishes,
        encoded: &Encoded,
    ) -> Result<Issue, SessionError> {
        let engine = self.engine();
        let lifetimes = &engine.0.lifetimes;
        let now = engine.now();
        let by_id = engine.server().is_some();
        let (id, times) = match target {
            Target::Session(_) if by_id => return Ok(Issue::Nothing),
            Target::Session(anchor) => (anchor.id().clone(), lifetimes.used(anchor.times(), now)),
            Target::Begun(Issue::ByValue { header, .. }) => (header.id.clone(), header.times),
            Target::Begun(issue) => return Ok(issue.clone()),
            Target::New { authenticated } => {
                (self.next_handle()?, lifetimes.start(now, authenticated, wishes))
            }
        };
        if by_id {
            return Ok(Issue::ById {
                id,
                secret: Secret::generate()?,
                times,
            });
        }
        let written = match target {
            Target::Session(anchor) => encoded.over(anchor.schema()),
            Target::Begun(_) | Target::New { .. } => encoded.begun(),
        };
        let (mark, context) = match target {
            // The same session, though it has ended meanwhile.
            Target::Session(Anchor::Sealed { header, .. }) | Target::Begun(Issue::ByValue { header, .. }) => {
                (header.mark, header.context.clone())
            }
            Target::Session(_) | Target::Begun(_) | Target::New { .. } => (now, self.context().cloned()),
        };
        let header = Header {
            schema: written.schema,
            id,
            issued: now,
            times,
            mark,
            context,
        };
        let token = engine.seal(&header, &written.payload)?;
        Ok(Issue::ByValue {
            header: header.into(),
            token,
        })
    }
}

/// What a value is put for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Set,
    Start,
    /// Into a session that begins, because there is none.
    Insert,
}

/// What a payload is for.
#[derive(Clone, Copy)]
pub(super) enum Target<'a> {
    /// The session that was opened.
    Session(&'a Anchor),
    /// A session that this request has begun and not yet written.
    Begun(&'a Issue),
    /// A session that begins now.
    New { authenticated: bool },
}
