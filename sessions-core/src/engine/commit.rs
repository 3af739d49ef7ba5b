//! What becomes of a session when the response head is ready: one decision, in one place.

use std::{mem, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Place, Slot,
    live::Latest,
    server::Server,
    state::{Anchor, Draft, Fate, Issue, Live, Opened, Owed, Phase, Write},
    token,
    update::back_off,
    writer::{Written, draft_or},
};
use crate::{
    Record, Revision, Session, SessionError, Times, Token,
    events::SessionEventKind as Kind,
    options::OnConflict,
    secret::Secret,
    secrets::Standing,
    storage::{Expected, Replaced, Touch, Touched},
};

/// How the request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a response that is no server error.
    Answered,
    /// With a 5xx: what was only set or started is dropped.
    ServerError,
}

/// What the client is to be told about its token.
#[derive(Clone, Debug)]
#[must_use]
pub enum TokenAction {
    /// Nothing.
    Keep,
    /// To keep this one.
    Send {
        /// The token.
        token: Token,
        /// How long, if longer than the browser runs.
        max_age: Option<Duration>,
    },
    /// To forget its own.
    Remove {
        /// And everything else that it knows of the site.
        clear_site_data: bool,
    },
}

/// How often a rotation is tried against other requests' writes.
const MAX_ROTATIONS: u32 = 16;

impl<T: Session> Slot<T> {
    /// Decides at once where nothing has to be written: the rule for a session that was only read.
    ///
    /// The session is committed if there is an answer.
    pub fn commit_if_settled(&self) -> Option<TokenAction> {
        let mut state = self.state();
        if !matches!((&state.write, state.fate), (Write::Nothing, Fate::Keep)) {
            return None;
        }
        if let Opened::Live(live) = &state.opened
            && !self.is_settled(live)
        {
            return None;
        }
        state.phase = Phase::Committed;
        let unspoken = match state.opened {
            Opened::Dead => TokenAction::Remove {
                clear_site_data: false,
            },
            _ => TokenAction::Keep,
        };
        Some(self.owed(mem::replace(&mut state.owed, Owed::Nothing), unspoken))
    }

    /// Whether there is nothing to be written, and nothing to be told but what is owed.
    fn is_settled(&self, live: &Live<T>) -> bool {
        let engine = self.engine();
        let (parts, now) = (&engine.0, engine.now());
        let due = match &live.anchor {
            Anchor::Stored { secret, record, .. } => {
                parts.lifetimes.touch_is_due(&record.times, now)
                    || engine.better_secret(record, secret, now).is_some()
            }
            Anchor::Sealed { header, .. } => parts.lifetimes.reseal_is_due(&header.times, now),
        };
        !(parts.always_send || due || engine.renewal_is_due(&live.anchor, false, now))
    }

    /// Writes what the handler has asked for, and decides what the client is told. After it the session can only be
    /// read.
    ///
    /// # Errors
    /// The storage failed ([`Unavailable`](SessionError::Unavailable),
    /// [`OutcomeUnknown`](SessionError::OutcomeUnknown)), or [`Conflict`](SessionError::Conflict). The response must
    /// then carry no token of this session.
    pub async fn commit(&self, outcome: Outcome) -> Result<TokenAction, SessionError> {
        if outcome == Outcome::ServerError {
            let dropped = mem::replace(&mut self.state().write, Write::Nothing);
            drop(dropped);
        }
        if let Some(action) = self.commit_if_settled() {
            return Ok(action);
        }
        let (opened, to_end, fate, write) = {
            let mut state = self.state();
            state.phase = Phase::Committed;
            // Handles that outlive the handler go on reading what is being written.
            let to_end = match (&state.write, state.fate) {
                (Write::Start(_), _) | (_, Fate::End) => state.to_end(),
                (Write::Nothing | Write::Set(_), Fate::Keep | Fate::Renew | Fate::Rotate) => Vec::new(),
            };
            (state.opened.clone(), to_end, state.fate, state.write.clone())
        };
        let decided = if self.engine().0.always_send {
            let decided = async {
                match self.decide(&opened, &to_end, fate, &write).await? {
                    Decided::Live(live) => self.resend(live).await,
                    decided => Ok(decided),
                }
            };
            Box::pin(decided).await
        } else {
            self.decide(&opened, &to_end, fate, &write).await
        };
        self.committed(decided)
    }

    /// What the client is told of what was decided, and what the handler sees from now on.
    fn committed(&self, decided: Result<Decided<T>, SessionError>) -> Result<TokenAction, SessionError> {
        let decided = self.told(decided);
        // Before the guard, so that what goes is dropped after it.
        let (_written, _before);
        let mut state = self.state();
        _written = mem::replace(&mut state.write, Write::Nothing);
        state.fate = Fate::Keep;
        let owed = mem::replace(&mut state.owed, Owed::Nothing);
        let (opened, action) = match decided? {
            Decided::Nothing => return Ok(self.owed(owed, TokenAction::Keep)),
            Decided::Live(live) => (Opened::Live(live), self.owed(owed, TokenAction::Keep)),
            Decided::Send(live, token) => {
                let action = self.send(token, live.anchor.times());
                (Opened::Live(live), action)
            }
            Decided::Started(live, token) => {
                state.created_here = true;
                let action = self.send(token, live.anchor.times());
                (Opened::Live(live), action)
            }
            Decided::Ended => {
                let action = TokenAction::Remove {
                    clear_site_data: self.engine().0.clear_site_data,
                };
                (Opened::Ended, action)
            }
        };
        _before = mem::replace(&mut state.opened, opened);
        Ok(action)
    }

    /// The decision, and the write that it takes.
    ///
    /// What few requests do is boxed, here and below: what all do is a future that is moved and has room for everything that
    /// it may wait for.
    async fn decide(
        &self,
        opened: &Opened<T>,
        to_end: &[Anchor],
        fate: Fate,
        write: &Write<T>,
    ) -> Result<Decided<T>, SessionError> {
        match (write, fate, opened) {
            (Write::Start(draft), ..) => {
                let (live, token) = self.begin(draft, to_end).await?;
                Ok(Decided::Started(live, token))
            }
            (_, Fate::End, Opened::None) => Ok(Decided::Nothing),
            (_, Fate::End, _) => {
                Box::pin(self.end_all(to_end)).await?;
                Ok(Decided::Ended)
            }
            (Write::Set(draft), Fate::Rotate, Opened::Live(live)) => {
                Box::pin(self.rotate(live, Some(draft.clone()))).await
            }
            (Write::Nothing, Fate::Rotate, Opened::Live(live)) => Box::pin(self.rotate(live, None)).await,
            (Write::Set(draft), Fate::Keep | Fate::Renew, Opened::Live(live)) => {
                self.keep(live, Some(draft), fate).await
            }
            (Write::Nothing, Fate::Keep | Fate::Renew, Opened::Live(live)) => {
                self.keep(live, None, fate).await
            }
            // There is nothing to set or to rotate: another task's handle has ended the session meanwhile.
            (Write::Set(_) | Write::Nothing, Fate::Keep | Fate::Renew | Fate::Rotate, _) => {
                Ok(Decided::Nothing)
            }
        }
    }

    /// The session goes on, under another token where that is due, with another value or only used.
    async fn keep(
        &self,
        live: &Live<T>,
        draft: Option<&Draft<T>>,
        fate: Fate,
    ) -> Result<Decided<T>, SessionError> {
        let engine = self.engine();
        let asked = fate == Fate::Renew;
        if engine.renewal_is_due(&live.anchor, asked, engine.now()) {
            match Box::pin(self.renew(live, draft)).await {
                Ok(Some(renewed)) => return Ok(renewed),
                // Another request was faster.
                Ok(None) => {}
                // Nobody has asked for it: the storage's failure is told to the log, and has been waited for long enough.
                Err(_) if !asked && draft.is_none() => return Ok(Decided::Nothing),
                Err(error) => return Err(error),
            }
        }
        match draft {
            Some(draft) => self.write(live, draft).await,
            None => Box::pin(self.touch(live)).await,
        }
    }

    /// A value that goes into the session that was opened.
    async fn write(&self, live: &Live<T>, draft: &Draft<T>) -> Result<Decided<T>, SessionError> {
        let (key, secret, mut record) = match (&live.anchor, &draft.issue) {
            (Anchor::Sealed { .. }, Issue::ByValue { header, token }) => {
                let anchor = Anchor::Sealed {
                    payload: draft.encoded.over(header.schema).payload.clone(),
                    header: Arc::clone(header),
                    principal: draft.principal.clone(),
                };
                return Ok(Decided::Send(
                    Live {
                        value: Arc::clone(&draft.value),
                        anchor,
                    },
                    token.clone(),
                ));
            }
            (Anchor::Stored { key, secret, record }, _) => (*key, secret, Arc::clone(record)),
            (Anchor::Sealed { .. }, _) => return Ok(Decided::Nothing),
        };
        let engine = self.engine();
        let Some(server) = engine.server() else {
            return Ok(Decided::Nothing);
        };
        loop {
            let now = engine.now();
            let expected = match server.on_conflict {
                OnConflict::Overwrite => Expected::Epoch(record.epoch),
                OnConflict::Reject => Expected::Revision(record.revision),
            };
            let Written { schema, payload } = draft.encoded.over(record.schema).clone();
            let new = Arc::new(Record {
                schema,
                revision: Revision::random()?,
                times: engine.0.lifetimes.used(&record.times, now),
                payload,
                ..Record::clone(&record)
            });
            match server.replace(key, Arc::clone(&new), expected, now).await? {
                Replaced::Done => {
                    let secret = secret.clone();
                    let anchor = Anchor::Stored {
                        key,
                        secret,
                        record: new,
                    };
                    let value = Arc::clone(&draft.value);
                    return self.answered(server, Live { value, anchor });
                }
                Replaced::Conflict if server.on_conflict == OnConflict::Reject => {
                    return Err(SessionError::Conflict);
                }
                // Nothing but a newer version stands in the way within an epoch.
                Replaced::Conflict => match Box::pin(self.latest(key, &record)).await? {
                    // One that this node knows, and has not written only for the sake of others.
                    Latest::Live(latest)
                        if schema.version < latest.schema.version
                            && latest.schema.version <= engine.0.schema.version =>
                    {
                        record = latest;
                    }
                    Latest::Live(_) => return Err(SessionError::Foreign),
                    Latest::Gone | Latest::Rotated => break,
                },
                Replaced::NotFound => break,
            }
        }
        self.lost::<()>(&record);
        Ok(Decided::Nothing)
    }

    /// A session that was only read: its activity is written down, where that is due.
    async fn touch(&self, live: &Live<T>) -> Result<Decided<T>, SessionError> {
        let engine = self.engine();
        let now = engine.now();
        let times = engine.0.lifetimes.used(live.anchor.times(), now);
        match (&live.anchor, engine.server()) {
            (Anchor::Stored { key, secret, record }, Some(server)) => {
                if engine.0.lifetimes.touch_is_due(&record.times, now) {
                    let touch = Touch {
                        epoch: record.epoch,
                        last_seen: times.last_seen,
                        idle_deadline: times.idle_deadline,
                    };
                    match server.touch(*key, touch, now).await {
                        Some(Touched::Touched) => {
                            let record = Arc::new(Record {
                                times,
                                ..Record::clone(record)
                            });
                            let anchor = Anchor::Stored {
                                key: *key,
                                secret: secret.clone(),
                                record,
                            };
                            return self.answered(
                                server,
                                Live {
                                    value: Arc::clone(&live.value),
                                    anchor,
                                },
                            );
                        }
                        Some(Touched::Superseded | Touched::Gone) => return Ok(Decided::Nothing),
                        // It has been waited for long enough: a better token needs no storage, another look would.
                        None => {
                            return Ok(match self.answered(server, live.clone())? {
                                Decided::Live(_) => Decided::Nothing,
                                told => told,
                            });
                        }
                    }
                }
                self.answered(server, live.clone())
            }
            // Nobody has asked for it: it may no longer fit, under another suite.
            _ => match self.reseal(live, None, times, now) {
                Err(SessionError::TooLargeForTransport { .. }) => Ok(Decided::Nothing),
                resealed => resealed,
            },
        }
    }

    /// A session on the server: a token is sent if the client should have another one.
    pub(super) fn answered(&self, server: &Server, live: Live<T>) -> Result<Decided<T>, SessionError> {
        let Anchor::Stored { secret, record, .. } = &live.anchor else {
            return Ok(Decided::Live(live));
        };
        let engine = self.engine();
        match engine.better_secret(record, secret, engine.now()) {
            Some(better) => {
                let token = token::by_id(&record.public_id, &better, server.signed.as_deref())?;
                Ok(Decided::Send(live, token))
            }
            None => Ok(Decided::Live(live)),
        }
    }

    /// The token once more, where every response is to carry one: as things are now, because the request may have been
    /// slow, and the client may have been given a newer one meanwhile.
    async fn resend(&self, live: Live<T>) -> Result<Decided<T>, SessionError> {
        let engine = self.engine();
        let (Anchor::Stored { key, secret, record }, Some(server)) = (&live.anchor, engine.server()) else {
            return Ok(Decided::Live(live));
        };
        // Nothing depends on it: where the storage fails, the client keeps what it has.
        let Ok(Some(latest)) = self.reload(*key, record).await else {
            return Ok(Decided::Live(live));
        };
        let now = engine.now();
        let better = engine.better_secret(&latest, secret, now);
        let kept = match latest.secrets.standing(secret, now) {
            Standing::Current | Standing::Successor => Some(secret),
            Standing::Predecessor | Standing::Stale | Standing::Forged => None,
        };
        match better.as_ref().or(kept) {
            Some(secret) => {
                let token = token::by_id(&record.public_id, secret, server.signed.as_deref())?;
                Ok(Decided::Send(live, token))
            }
            None => Ok(Decided::Live(live)),
        }
    }

    /// A new token in place of the old one.
    async fn rotate(&self, live: &Live<T>, draft: Option<Draft<T>>) -> Result<Decided<T>, SessionError> {
        let engine = self.engine();
        let (key, mut record) = match (&live.anchor, engine.server()) {
            (Anchor::Stored { key, record, .. }, Some(_)) => (*key, Arc::clone(record)),
            _ => return self.rotate_sealed(live, draft).await,
        };
        let Some(server) = engine.server() else {
            return Ok(Decided::Nothing);
        };
        let fresh = Secret::generate()?;
        let begun = Instant::now();
        for attempt in 0..MAX_ROTATIONS {
            if attempt > 0 {
                if begun.elapsed() > server.timeout {
                    return Err(SessionError::Contended);
                }
                back_off(attempt).await?;
                match self.reload(key, &record).await? {
                    // What a newer version has written meanwhile stays.
                    Some(latest) if draft.is_some() && latest.schema.version > engine.0.schema.version => {
                        return Err(SessionError::Foreign);
                    }
                    Some(latest) => record = latest,
                    None => break,
                }
            }
            let now = engine.now();
            let Written { schema, payload } = draft_or(draft.as_ref(), record.schema, &record.payload);
            let new = Arc::new(Record {
                schema,
                revision: Revision::random()?,
                epoch: record.epoch.saturating_add(1),
                secrets: record.secrets.rotated(fresh.hash(), now),
                times: engine.0.lifetimes.used(&record.times, now),
                payload,
                ..Record::clone(&record)
            });
            let expected = Expected::Revision(record.revision);
            match server.replace(key, Arc::clone(&new), expected, now).await? {
                Replaced::Done => {
                    self.tell(Kind::Rotated, Some(&new.public_id));
                    let token = token::by_id(&new.public_id, &fresh, server.signed.as_deref())?;
                    let value = match draft {
                        Some(draft) => draft.value,
                        // After a conflict it is another request's.
                        None => engine
                            .read(new.schema, &new.payload)
                            .unwrap_or_else(|_| Arc::clone(&live.value)),
                    };
                    let anchor = Anchor::Stored {
                        key,
                        secret: fresh,
                        record: new,
                    };
                    return Ok(Decided::Send(Live { value, anchor }, token));
                }
                Replaced::Conflict if draft.is_some() && server.on_conflict == OnConflict::Reject => {
                    return Err(SessionError::Conflict);
                }
                Replaced::Conflict if attempt + 1 == MAX_ROTATIONS => return Err(SessionError::Contended),
                Replaced::Conflict => {}
                Replaced::NotFound => break,
            }
        }
        self.lost::<()>(&record);
        Ok(Decided::Nothing)
    }

    fn owed(&self, owed: Owed, unspoken: TokenAction) -> TokenAction {
        match owed {
            Owed::Nothing => unspoken,
            Owed::Send(token, times) => self.send(token, &times),
            Owed::Remove => TokenAction::Remove {
                clear_site_data: false,
            },
        }
    }

    fn send(&self, token: Token, times: &Times) -> TokenAction {
        let engine = self.engine();
        let left = times.end().since(engine.now());
        let max_age = times.remembered.or(engine.0.spec.max_age);
        let max_age = max_age.map(|max_age| match engine.0.place {
            // Activity never sends the token again, so the browser keeps it for as long as it can ever be good.
            Place::Server(_) => left,
            Place::Client { .. } => max_age.min(left),
        });
        TokenAction::Send { token, max_age }
    }
}

/// What was decided.
pub(super) enum Decided<T> {
    /// Nothing, or another request has ended it.
    Nothing,
    /// The client has the right token.
    Live(Live<T>),
    /// The client gets another one.
    Send(Live<T>, Token),
    /// It is a new one.
    Started(Live<T>, Token),
    /// It has been ended.
    Ended,
}
