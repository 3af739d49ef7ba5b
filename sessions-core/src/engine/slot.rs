//! A session during one request, as the handler sees it.

use std::{
    fmt, mem,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    Engine, SessionStatus,
    context::Trust,
    csrf::Binding,
    put::Intent,
    sealed::Header,
    state::{Fate, Found, Issue, Opened, Phase, State, View, Write},
};
use crate::{
    IdError, MAX_LIFETIME, PublicId, Session, SessionError, Timestamp, context::Caller,
    events::SessionEventKind as Kind, id::Handles, lifetime::Wishes,
};

/// It may come from a client, and is stored with every session.
const MAX_LABEL: usize = 256;

/// A session during one request. Clones are the same session.
///
/// What is asked of it is written when the response head is ready, except where a method says otherwise.
pub struct Slot<T>(Arc<Inner<T>>);

struct Inner<T> {
    engine: Engine<T>,
    /// Held for moments; meanwhile an id generator, a protection or a clock may run, but no handler, and no value of the
    /// application's is dropped.
    state: Mutex<State<T>>,
    handles: Mutex<Handles>,
    /// Who sent the request.
    caller: Caller,
    trust: Trust,
    /// What tokens against forgery have to be bound to that come with the request.
    came_as: Option<Binding>,
    /// See [`Slot::rotated_id`].
    rotated_id: Mutex<Option<PublicId>>,
    /// Who writes at the await takes turns: of this request's own updates each sees what the one before has left.
    turn: tokio::sync::Mutex<()>,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Session> Slot<T> {
    pub(super) fn new(
        engine: Engine<T>,
        found: Found<T>,
        handles: Handles,
        caller: Caller,
        trust: Trust,
        began: Timestamp,
    ) -> Self {
        Self(Arc::new(Inner {
            engine,
            came_as: Binding::of_opened(&found.opened),
            state: Mutex::new(State::new(found, began)),
            handles: Mutex::new(handles),
            caller,
            trust,
            rotated_id: Mutex::default(),
            turn: tokio::sync::Mutex::new(()),
        }))
    }

    pub(super) fn engine(&self) -> &Engine<T> {
        &self.0.engine
    }

    pub(super) fn peer(&self) -> Option<IpAddr> {
        self.0.caller.peer
    }

    /// What is known of the client.
    pub(super) fn context(&self) -> Option<&Arc<[u8]>> {
        self.0.caller.context.as_ref()
    }

    /// The session that the request came with, one of a newer version included: it can be ended. Of several none, as no
    /// handler sees any.
    pub(super) fn came_as(&self) -> Option<&Binding> {
        self.0.came_as.as_ref()
    }

    pub(super) fn trust(&self) -> Trust {
        self.0.trust
    }

    /// Tells what its request has done. Nothing of the state is locked meanwhile.
    pub(super) fn tell(&self, kind: Kind, id: Option<&PublicId>) {
        self.engine().tell(kind, id, self.peer());
    }

    /// Tells of a value that is refused for its size, where nothing is locked any more.
    pub(super) fn told<R>(&self, result: Result<R, SessionError>) -> Result<R, SessionError> {
        if let Err(SessionError::TooLargeForTransport { size, .. }) = &result {
            self.tell(Kind::TooLarge { size: *size }, None);
        }
        result
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, unless the response head has been decided.
    pub(super) fn open_state(&self) -> Result<MutexGuard<'_, State<T>>, SessionError> {
        let state = self.state();
        match state.phase {
            Phase::Open => Ok(state),
            Phase::Committed => Err(SessionError::AlreadyCommitted),
        }
    }

    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        match self.0.turn.try_lock() {
            Ok(turn) => turn,
            Err(_) => Box::pin(self.0.turn.lock()).await,
        }
    }

    pub(super) fn next_handle(&self) -> Result<PublicId, IdError> {
        self.0
            .handles
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    }

    /// The id that a rotation gives to a session which the client keeps: chosen once, as it may be told before.
    pub(super) fn rotated_id(&self) -> Result<PublicId, IdError> {
        let mut chosen = self.0.rotated_id.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = &*chosen {
            return Ok(id.clone());
        }
        Ok(chosen.insert(self.next_handle()?).clone())
    }

    /// The session's value as it is now; `None` if there is no session.
    ///
    /// A snapshot: holding it blocks nobody, and nobody changes it.
    #[must_use]
    pub fn get(&self) -> Option<Arc<T>> {
        self.state().view().value().cloned()
    }

    /// Replaces the value, or starts a session if there is none. With another principal it is a
    /// [`start`](Self::start).
    ///
    /// # Errors
    /// [`Serializer`](SessionError::Serializer), [`TooLargeForTransport`](SessionError::TooLargeForTransport),
    /// [`Foreign`](SessionError::Foreign), [`AlreadyCommitted`](SessionError::AlreadyCommitted).
    pub fn set(&self, value: T) -> Result<(), SessionError> {
        self.told(self.put(value, Intent::Set)).map(drop)
    }

    /// Starts a new session with a new id and fresh deadlines, and ends the one that there was: a login.
    ///
    /// # Errors
    /// As [`set`](Self::set), except `Foreign`.
    pub fn start(&self, value: T) -> Result<(), SessionError> {
        self.told(self.put(value, Intent::Start)).map(drop)
    }

    /// The session's value, or, if there is no session, that of one which is started with what `init` returns.
    ///
    /// # Errors
    /// As [`set`](Self::set), and [`Missing`](SessionError::Missing) if the session has ended since it was opened and
    /// the value is its principal's: whose session was revoked gets no other without a login.
    pub fn get_or_set_with(&self, init: impl FnOnce() -> T) -> Result<Arc<T>, SessionError> {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        self.told(self.put(init(), Intent::Insert))
    }

    /// Gives the session that this request starts a label for lists of one's devices, such as "Firefox on Linux". An
    /// earlier session keeps the one that it was started with. Of a longer text the first 256 bytes are kept.
    ///
    /// # Errors
    /// [`AlreadyCommitted`](SessionError::AlreadyCommitted).
    pub fn label(&self, text: &str) -> Result<(), SessionError> {
        let longest = text.len().min(MAX_LABEL);
        let end = (0..=longest).rev().find(|end| text.is_char_boundary(*end));
        self.open_state()?.label = Some(text[..end.unwrap_or_default()].into());
        Ok(())
    }

    /// Lets the session that this request starts live for `time` from now, used or not, and its cookie outlast the
    /// browser: "remember me". At most 400 days, as long as browsers keep a cookie. An earlier session stays as it was
    /// started.
    ///
    /// # Errors
    /// [`AlreadyCommitted`](SessionError::AlreadyCommitted), and what sealing a session that is to be started reports.
    pub fn remember(&self, time: Duration) -> Result<(), SessionError> {
        self.told(self.wish(|wishes| wishes.remember = Some(time.min(MAX_LIFETIME))))
    }

    /// Lets the session that this request starts end at this time at the latest: when an identity provider's does, say.
    /// An earlier session stays as it was started.
    ///
    /// # Errors
    /// As [`remember`](Self::remember).
    pub fn not_after(&self, time: Timestamp) -> Result<(), SessionError> {
        self.told(self.wish(|wishes| wishes.not_after = Some(time)))
    }

    fn wish(&self, change: impl FnOnce(&mut Wishes)) -> Result<(), SessionError> {
        let mut state = self.open_state()?;
        change(&mut state.wishes);
        let wishes = state.wishes;
        // What was started already is issued anew.
        if let Write::Start(draft) = &mut state.write {
            let engine = self.engine();
            let lifetimes = &engine.0.lifetimes;
            match &mut draft.issue {
                Issue::Nothing => {}
                Issue::ById { times, .. } => {
                    *times = lifetimes.start(times.created, times.authenticated.is_some(), &wishes);
                }
                Issue::ByValue { header, token } => {
                    let old = &header.times;
                    let times = lifetimes.start(old.created, old.authenticated.is_some(), &wishes);
                    let new = Header {
                        times,
                        ..Header::clone(header)
                    };
                    *token = engine.seal(&new, &draft.encoded.begun().payload)?;
                    *header = new.into();
                }
            }
        }
        Ok(())
    }

    /// Lets the request count as one that began at this time: it has itself ended its principal's sessions then, and
    /// its own login comes after.
    pub fn begin_anew(&self, at: Timestamp) {
        let mut state = self.state();
        state.began = state.began.max(at);
    }

    /// Ends the session.
    ///
    /// # Errors
    /// [`AlreadyCommitted`](SessionError::AlreadyCommitted).
    pub fn clear(&self) -> Result<(), SessionError> {
        let mut state = self.open_state()?;
        state.fate = Fate::End;
        let gone = mem::replace(&mut state.write, Write::Nothing);
        drop(state);
        drop(gone);
        Ok(())
    }

    /// Gives the session a new token, and takes the old one's power away at once: for a change of privilege without
    /// a login. Data and deadlines stay. Nothing happens if there is no session.
    ///
    /// A response that gets lost costs its client the session. Where the client keeps the session it gets another
    /// [`public_id`](Self::public_id), too.
    ///
    /// # Errors
    /// [`AlreadyCommitted`](SessionError::AlreadyCommitted).
    pub fn rotate_id(&self) -> Result<(), SessionError> {
        let mut state = self.open_state()?;
        if matches!(state.opened, Opened::Live(_)) && state.fate != Fate::End {
            state.fate = Fate::Rotate;
        }
        Ok(())
    }

    /// Gives the session a new token, and lets the old one be good for a while still, as
    /// [`renew_every`](crate::options::Options::renew_every) does by itself. Data and deadlines stay. Nothing happens if
    /// there is no session, or if a renewal is under way.
    ///
    /// # Errors
    /// [`AlreadyCommitted`](SessionError::AlreadyCommitted).
    pub fn renew_id(&self) -> Result<(), SessionError> {
        let mut state = self.open_state()?;
        if matches!(state.opened, Opened::Live(_)) && state.fate == Fate::Keep {
            state.fate = Fate::Renew;
        }
        Ok(())
    }

    /// Lets nothing be changed from now on: the request is over, however it ended.
    pub fn close(&self) {
        self.state().phase = Phase::Committed;
    }

    /// Names the session; safe to show and to log, and no credential.
    #[must_use]
    pub fn public_id(&self) -> Option<PublicId> {
        self.state().view().id_and_times().map(|(id, _)| id.clone())
    }

    /// When the session was started.
    #[must_use]
    pub fn created_at(&self) -> Option<Timestamp> {
        self.state().view().id_and_times().map(|(_, times)| times.created)
    }

    /// When the session ends unless it is used before.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.state()
            .view()
            .id_and_times()
            .map(|(_, times)| times.deadline())
    }

    /// Whether this request has started the session.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.status() == SessionStatus::New
    }

    /// Why there is a session, or none.
    #[must_use]
    pub fn status(&self) -> SessionStatus {
        let state = self.state();
        match (state.view(), &state.opened) {
            (View::Start(_), _) => SessionStatus::New,
            (View::Live(_) | View::Set(..), _) if state.created_here => SessionStatus::New,
            (View::Live(_) | View::Set(..), _) => SessionStatus::Live,
            (View::Nothing, Opened::Live(_) | Opened::Ended | Opened::Lost(_)) => SessionStatus::Ended,
            (View::Nothing, Opened::None) => SessionStatus::Absent,
            (View::Nothing, Opened::Dead) => SessionStatus::Invalid,
            (View::Nothing, Opened::Stale) => SessionStatus::Stale,
            (View::Nothing, Opened::Foreign(_)) => SessionStatus::Foreign,
            (View::Nothing, Opened::Ambiguous(_)) => SessionStatus::Ambiguous,
        }
    }

    /// The session's name, on the wire and in storages.
    #[must_use]
    pub fn name(&self) -> &str {
        self.engine().name()
    }
}

impl<T: Session> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("session", &self.engine().name())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
