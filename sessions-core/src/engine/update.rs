//! What is written when it is asked for, not when the response head is ready.

use std::{mem, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Slot,
    live::Latest,
    put::Target,
    reader::Unread,
    revocations::Ended,
    sealed::Header,
    state::{Anchor, Certainty, Draft, Fate, Live, Opened, Owed, View, Write},
    writer::Written,
};
use crate::{
    Record, Revision, SerializerError, Session, SessionError, StorageKey,
    events::SessionEventKind as Kind,
    secret::{Secret, random},
    session::decode,
    storage::{Expected, Replaced},
};

/// How often an update is tried before it is [`Contended`](SessionError::Contended).
const MAX_ATTEMPTS: u32 = 32;
/// The longest wait between two attempts, so that all waits together take less than a second and a half.
const MAX_BACKOFF: Duration = Duration::from_millis(50);

impl<T: Session> Slot<T> {
    /// Changes the session's value, atomically: no other request's change is lost, and none loses this one. `None` if
    /// there is no session, or it has ended meanwhile.
    ///
    /// `f` may run more than once, each time on a value that was read anew; it holds no lock. The change is written
    /// before this returns, and a response that fails later does not undo it. A value that waits to be written is
    /// changed in memory and shares its fate. Where the client keeps the session the change is not atomic.
    ///
    /// # Errors
    /// [`Unavailable`](SessionError::Unavailable) and [`Contended`](SessionError::Contended): nothing was written.
    /// [`OutcomeUnknown`](SessionError::OutcomeUnknown): perhaps it was.
    /// [`PrincipalChanged`](SessionError::PrincipalChanged), [`Serializer`](SessionError::Serializer),
    /// [`TooLargeForTransport`](SessionError::TooLargeForTransport), [`Foreign`](SessionError::Foreign),
    /// [`AlreadyCommitted`](SessionError::AlreadyCommitted).
    pub async fn update<R>(&self, f: impl FnMut(&mut T) -> R) -> Result<Option<R>, SessionError> {
        let _turn = self.turn().await;
        self.told(self.update_in_turn(f).await)
    }

    async fn update_in_turn<R>(&self, mut f: impl FnMut(&mut T) -> R) -> Result<Option<R>, SessionError> {
        // What there is to change is large, and not kept while the storage is waited for; but for the value that is seen, which
        // is dropped when nothing is locked.
        let (key, secret, record, _seen) = loop {
            let done = match self.base()? {
                Base::Nothing => return Ok(None),
                Base::Set(_, draft) | Base::Begun(draft) => self.update_draft(&draft, &mut f)?,
                Base::Live(Live {
                    value,
                    anchor: Anchor::Stored { key, secret, record },
                }) => break (key, secret, record, value),
                Base::Live(live) => self.update_sealed(&live, &mut f)?,
            };
            // Nothing if another task has changed the same handle's session meanwhile.
            if let Some(result) = done {
                return Ok(Some(result));
            }
        };
        self.update_stored(key, secret, record, f).await
    }

    /// As [`update`](Self::update); if there is no session, starts one with what `init` returns, changed by `f`. It is
    /// stored before this returns.
    ///
    /// # Errors
    /// As [`update`](Self::update), and [`Missing`](SessionError::Missing) if the session has ended since it was opened
    /// and the value is its principal's: whose session was revoked gets no other without a login.
    pub async fn update_or_insert_with<R>(
        &self,
        init: impl FnOnce() -> T,
        f: impl FnMut(&mut T) -> R,
    ) -> Result<R, SessionError> {
        let _turn = self.turn().await;
        self.told(self.update_or_insert_in_turn(init, f).await)
    }

    async fn update_or_insert_in_turn<R>(
        &self,
        init: impl FnOnce() -> T,
        mut f: impl FnMut(&mut T) -> R,
    ) -> Result<R, SessionError> {
        if let Some(result) = self.update_in_turn(&mut f).await? {
            return Ok(result);
        }
        let mut value = init();
        let result = f(&mut value);
        let encoded = self.engine().encode(&value)?;
        let principal = value.principal();
        let target = Target::New {
            authenticated: principal.is_some(),
        };
        let wishes = self.state().wishes;
        let issue = self.issue(target, &wishes, &encoded)?;
        let draft = Draft {
            value: Arc::new(value),
            encoded,
            principal,
            issue,
        };
        let (old, fate) = {
            let mut state = self.open_state()?;
            if state.fate != Fate::End {
                self.may_follow(&state.opened, draft.principal.as_ref())?;
            }
            // It is about what was before: what other tasks ask for from now on is about the new session.
            (state.to_end(), mem::replace(&mut state.fate, Fate::Keep))
        };
        let (live, token) = match self.begin(&draft, &old).await {
            Ok(begun) => begun,
            Err(error) => {
                let mut state = self.state();
                if state.fate == Fate::Keep {
                    state.fate = fate;
                }
                return Err(error);
            }
        };
        if let Ok(mut state) = self.open_state() {
            state.owed = Owed::Send(token, *live.anchor.times());
            let gone = mem::replace(&mut state.opened, Opened::Live(live));
            state.others.clear();
            state.created_here = true;
            state.certainty = Certainty::Known;
            drop(state);
            drop(gone);
            return Ok(result);
        }
        // The head was sent meanwhile, so no client will ever know of this session.
        self.end_all(&[live.anchor]).await?;
        Err(SessionError::AlreadyCommitted)
    }

    /// Reads the session and ends it, for exactly one caller: flash messages, or the state of an OAuth exchange. The
    /// session has ended when this returns.
    ///
    /// Where the client keeps the session nothing can be had exactly once, unless it is
    /// [`revocable`](crate::options::Options::revocable): a copy stays good until it expires.
    ///
    /// # Errors
    /// [`Unavailable`](SessionError::Unavailable), [`OutcomeUnknown`](SessionError::OutcomeUnknown),
    /// [`Foreign`](SessionError::Foreign), [`AlreadyCommitted`](SessionError::AlreadyCommitted).
    pub async fn take(&self) -> Result<Option<Arc<T>>, SessionError> {
        let _turn = self.turn().await;
        let (value, live) = match self.base()? {
            Base::Nothing => return Ok(None),
            Base::Begun(draft) => {
                // Nobody else has seen it. What it was to take the place of ends all the same.
                let mut state = self.open_state()?;
                state.write = Write::Nothing;
                state.fate = Fate::End;
                return Ok(Some(draft.value));
            }
            Base::Set(live, draft) => (Some(draft.value), live),
            Base::Live(live) => (None, live),
        };
        let taken = match &live.anchor {
            Anchor::Sealed {
                header, principal, ..
            } => match self.take_sealed(header, principal.as_ref()).await? {
                None => {
                    self.tell(Kind::Cleared, Some(&header.id));
                    Some(value.unwrap_or_else(|| Arc::clone(&live.value)))
                }
                Some(Ended::Revoked) => None,
                Some(Ended::Replaced { .. }) => {
                    self.has_ended(&header.id, principal.as_ref());
                    return Ok(None);
                }
            },
            Anchor::Stored { key, record, .. } => {
                // What another request has written since this one read it would be lost otherwise.
                match self.latest(*key, record).await? {
                    Latest::Live(latest) => self.take_stored(*key, &latest, value).await?,
                    Latest::Gone => None,
                    Latest::Rotated => return Ok(self.lost(record)),
                }
            }
        };
        let mut state = self.state();
        let opened = mem::replace(&mut state.opened, Opened::Ended);
        let write = mem::replace(&mut state.write, Write::Nothing);
        state.fate = Fate::Keep;
        state.owed = Owed::Remove;
        drop(state);
        drop((opened, write));
        Ok(taken)
    }

    /// The session's value, or the one that was to be written over it, for the caller that deletes it.
    async fn take_stored(
        &self,
        key: StorageKey,
        record: &Record,
        value: Option<Arc<T>>,
    ) -> Result<Option<Arc<T>>, SessionError> {
        let engine = self.engine();
        let Some(server) = engine.server() else {
            return Err(SessionError::NotServerSide);
        };
        let value = match (value, engine.read(record.schema, &record.payload)) {
            (Some(value), _) | (None, Ok(value)) => Some(value),
            (None, Err(Unread::Foreign)) => return Err(SessionError::Foreign),
            (None, Err(Unread::Schema | Unread::Damaged)) => None,
        };
        if !server.delete(key, engine.now()).await? {
            return Ok(None);
        }
        server.forget(record, engine.now()).await;
        self.tell(Kind::Cleared, Some(&record.public_id));
        Ok(value)
    }

    /// What there is to change.
    fn base(&self) -> Result<Base<T>, SessionError> {
        let state = self.open_state()?;
        Ok(match (state.view(), &state.opened) {
            (View::Nothing, Opened::Foreign(_)) if state.fate != Fate::End => {
                return Err(SessionError::Foreign);
            }
            (View::Nothing, _) => Base::Nothing,
            (View::Live(live), _) => Base::Live(live.clone()),
            (View::Set(live, draft), _) => Base::Set(live.clone(), draft.clone()),
            (View::Start(draft), _) => Base::Begun(draft.clone()),
        })
    }

    fn update_draft<R>(
        &self,
        draft: &Draft<T>,
        f: &mut impl FnMut(&mut T) -> R,
    ) -> Result<Option<R>, SessionError> {
        let mut value = decode::<T>(draft.encoded.own().as_bytes())?;
        let result = change(&mut value, f)?;
        let encoded = self.engine().encode(&value)?;
        let mut state = self.open_state()?;
        let target = match state.view() {
            View::Set(live, current) if Arc::ptr_eq(&current.value, &draft.value) => {
                Target::Session(&live.anchor)
            }
            View::Start(current) if Arc::ptr_eq(&current.value, &draft.value) => {
                Target::Begun(&current.issue)
            }
            _ => return Ok(None),
        };
        let issue = self.issue(target, &state.wishes, &encoded)?;
        if let Write::Set(current) | Write::Start(current) = &mut state.write {
            *current = Draft {
                value: Arc::new(value),
                encoded,
                principal: draft.principal.clone(),
                issue,
            };
        }
        Ok(Some(result))
    }

    fn update_sealed<R>(
        &self,
        live: &Live<T>,
        f: &mut impl FnMut(&mut T) -> R,
    ) -> Result<Option<R>, SessionError> {
        let engine = self.engine();
        let anchor = &live.anchor;
        // It was read when it was opened, or written since: if that cannot be read, trying again is of no use.
        let mut value = engine
            .read_fresh(anchor.schema(), anchor.payload())
            .map_err(|_| SerializerError::new("the session cannot be read back"))?;
        let result = change(&mut value, f)?;
        let written = engine.encode(&value)?.over(anchor.schema()).clone();
        if anchor.holds(&written) {
            return Ok(Some(result));
        }
        let Anchor::Sealed { header, .. } = anchor else {
            return Err(SessionError::NotServerSide);
        };
        let now = engine.now();
        let times = engine.0.lifetimes.used(anchor.times(), now);
        let header = Header {
            schema: written.schema,
            issued: now,
            times,
            ..Header::clone(header)
        };
        let token = engine.seal(&header, &written.payload)?;
        let mut state = self.open_state()?;
        if !matches!(state.view(), View::Live(current) if Arc::ptr_eq(&current.value, &live.value)) {
            return Ok(None);
        }
        let anchor = Anchor::Sealed {
            header: header.into(),
            payload: written.payload,
            principal: anchor.principal().cloned(),
        };
        state.opened = Opened::Live(Live {
            value: Arc::new(value),
            anchor,
        });
        state.owed = Owed::Send(token, times);
        Ok(Some(result))
    }

    async fn update_stored<R>(
        &self,
        key: StorageKey,
        secret: Secret,
        mut record: Arc<Record>,
        mut f: impl FnMut(&mut T) -> R,
    ) -> Result<Option<R>, SessionError> {
        let engine = self.engine();
        let Some(server) = engine.server() else {
            return Err(SessionError::NotServerSide);
        };
        let begun = Instant::now();
        for attempt in 0..MAX_ATTEMPTS {
            if attempt > 0 {
                // A storage that is slow besides must not make all attempts last for minutes.
                if begun.elapsed() > server.timeout {
                    break;
                }
                Box::pin(back_off(attempt)).await?;
                match Box::pin(self.reload(key, &record)).await? {
                    Some(latest) => record = latest,
                    None => return Ok(self.lost(&record)),
                }
            }
            let now = engine.now();
            if record.times.is_expired(now) {
                // Since it was opened; others may have used it.
                continue;
            }
            let mut value = match engine.read_fresh(record.schema, &record.payload) {
                Ok(value) => value,
                Err(Unread::Foreign) => return Err(SessionError::Foreign),
                Err(Unread::Schema | Unread::Damaged) => return Ok(self.lost(&record)),
            };
            let result = change(&mut value, &mut f)?;
            let Written { schema, payload } = engine.encode(&value)?.over(record.schema).clone();
            let unchanged = payload == record.payload && schema == record.schema;
            let written = if unchanged && attempt == 0 {
                // What was opened may be older than another request's write, and then it would not be left unchanged.
                Replaced::Conflict
            } else if unchanged {
                Replaced::Done
            } else {
                self.state().certainty = Certainty::Unsure;
                let expected = Expected::Revision(record.revision);
                let new = Arc::new(Record {
                    schema,
                    revision: Revision::random()?,
                    times: engine.0.lifetimes.used(&record.times, now),
                    payload,
                    ..Record::clone(&record)
                });
                let written = server.replace(key, Arc::clone(&new), expected, now).await?;
                if written == Replaced::Done {
                    record = new;
                }
                written
            };
            match written {
                Replaced::Conflict => {}
                Replaced::NotFound => return Ok(self.lost(&record)),
                Replaced::Done => {
                    let anchor = Anchor::Stored { key, secret, record };
                    let value = Arc::new(value);
                    let mut state = self.state();
                    let gone = mem::replace(&mut state.opened, Opened::Live(Live { value, anchor }));
                    state.certainty = Certainty::Known;
                    drop(state);
                    drop(gone);
                    return Ok(Some(result));
                }
            }
        }
        Err(SessionError::Contended)
    }
}

/// Applies a change, which may not be one of principal.
fn change<T: Session, R>(value: &mut T, f: &mut impl FnMut(&mut T) -> R) -> Result<R, SessionError> {
    let before = value.principal();
    let result = f(value);
    if value.principal() == before {
        Ok(result)
    } else {
        Err(SessionError::PrincipalChanged)
    }
}

/// What there is to change.
enum Base<T> {
    Nothing,
    Live(Live<T>),
    /// A session with another value, not written yet.
    Set(Live<T>, Draft<T>),
    /// A session that is not written yet.
    Begun(Draft<T>),
}

/// Waits a random while, the longer the more attempts there were; after the first conflict not at all.
pub(super) async fn back_off(attempt: u32) -> Result<(), SessionError> {
    if attempt > 1 {
        let longest = Duration::from_millis(1 << attempt.min(10)).min(MAX_BACKOFF);
        let [random] = random::<1>()?;
        tokio::time::sleep(longest * u32::from(random) / 256).await;
    }
    Ok(())
}
