//! Which of the sessions that clients keep have been ended: one by its id, all of a principal's, or everyone's.
//!
//! Nothing is written of a session that nobody has ended. What is written is an ordinary record under a key of its own
//! mode: that an id is over, or a *cut-off*, which ends every session whose mark is not above its own. A session has its
//! mark from when its id began, and keeps it however often it is sealed anew: so no late response brings it back.

use std::{future::poll_fn, ops::Deref, pin::pin, sync::Arc, task::Poll, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    open::MAX_SKEW,
    sealed::Header,
    server::{Backend, Stored},
    update::back_off,
};
use crate::{
    Fingerprint, MAX_LIFETIME, Payload, Principal, PublicId, Record, RecordError, Revision, Schema, Secrets,
    SessionError, SessionSerializer, StorageError, StorageKey, Times, Timestamp,
    secret::Secret,
    serializer::Bincode,
    storage::{Created, Expected, Read, Replaced, Roster},
};

/// How often an entry is tried against others.
const MAX_ATTEMPTS: u32 = 32;

/// How many rotations are followed from an id to the one that its session has now.
const MAX_ROTATIONS: u32 = 1024;

/// The form of the entries.
const SCHEMA: Schema = Schema {
    version: 1,
    fingerprint: Fingerprint([0; 16]),
};

/// How an id ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Ended {
    /// With its session.
    Revoked,
    /// `rotate_id` has given its session this one: a client that shows it is behind, and keeps what it has. Whoever ends the
    /// session by its old id finds it.
    Replaced { by: PublicId },
}

/// Which sessions are over: a principal's, or everyone's.
#[derive(Debug, Serialize, Deserialize)]
struct CutOff {
    /// When they were ended. A login whose request began before that is refused.
    at: Timestamp,
    /// Those whose mark is not above this one.
    mark: Timestamp,
    except: Option<Kept>,
}

/// The one that stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    id: PublicId,
    /// Unless its mark is not above this one: then it was over before.
    above: Option<Timestamp>,
}

/// Whose sessions are ended.
#[derive(Clone, Copy)]
pub(super) enum Whose<'a> {
    /// A principal's, except perhaps for one.
    Principal(&'a Principal, Option<&'a PublicId>),
    Everyone,
}

/// What is written of one session, of its principal's and of everyone's.
pub(super) struct Known {
    id: Option<Arc<Ended>>,
    cut_offs: [Option<Arc<CutOff>>; 2],
}

/// Where it is written.
pub(super) struct Revocations {
    backend: Backend,
    /// The name of the records, which is no session's.
    kind: Arc<str>,
}

impl Deref for Revocations {
    type Target = Backend;

    fn deref(&self) -> &Backend {
        &self.backend
    }
}

impl Revocations {
    pub(super) fn new(backend: Backend) -> Self {
        Self {
            kind: format!("{}:revoked", backend.name).into(),
            backend,
        }
    }

    /// What is known of a session with this id and principal.
    pub(super) async fn known(
        &self,
        id: Option<&PublicId>,
        principal: Option<&Principal>,
        read: Read,
        now: Timestamp,
    ) -> Result<Known, SessionError> {
        let keys = [
            id.map(|id| self.of_id(id)),
            principal.map(|principal| self.of_principal(principal)),
            Some(self.of_everyone()),
        ];
        let [id, principal, everyone] = self.entries(keys, read, now).await?;
        Ok(Known {
            id: decoded(id.as_deref())?,
            cut_offs: [decoded(principal.as_deref())?, decoded(everyone.as_deref())?],
        })
    }

    /// Ends this id, and says how it had ended if this is not the call that did. `end` is when its session ends by itself,
    /// where that is known.
    pub(super) async fn end(
        &self,
        id: &PublicId,
        how: &Ended,
        end: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Ended>, SessionError> {
        // No session lives longer, whatever a token says that nobody has signed.
        let longest = now.after(MAX_LIFETIME);
        let end = end.map_or(longest, |end| end.clamp(now, longest));
        let key = self.of_id(id);
        for attempt in 0..MAX_ATTEMPTS {
            back_off(attempt).await?;
            if self.create(key, self.record(key, how, end, now)?, now).await? == Created::Created {
                return Ok(None);
            }
            let [before, ..] = self.entries([Some(key), None, None], Read::Latest, now).await?;
            // Otherwise it has been freed since.
            if let Some(before) = decoded::<Ended>(before.as_deref())? {
                return Ok(Some(Ended::clone(&before)));
            }
        }
        Err(SessionError::Contended)
    }

    /// Ends the session that has, or had, this id, and says under which id this call has ended it; `None` if it was over.
    ///
    /// A rotation may cross it any number of times: whichever of the two comes first at an id, nothing lives afterwards.
    pub(super) async fn end_session(
        &self,
        id: &PublicId,
        end: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<PublicId>, SessionError> {
        let mut id = id.clone();
        for _ in 0..MAX_ROTATIONS {
            match self.end(&id, &Ended::Revoked, end, now).await? {
                None => return Ok(Some(id)),
                Some(Ended::Revoked) => return Ok(None),
                Some(Ended::Replaced { by }) => id = by,
            }
        }
        Err(SessionError::Contended)
    }

    /// Ends all sessions that have begun until now.
    pub(super) async fn cut_off(&self, whose: Whose<'_>, now: Timestamp) -> Result<(), SessionError> {
        let everyone = self.of_everyone();
        let principal = match whose {
            Whose::Principal(principal, _) => Some(self.of_principal(principal)),
            Whose::Everyone => None,
        };
        let key = principal.unwrap_or(everyone);
        for attempt in 0..MAX_ATTEMPTS {
            back_off(attempt).await?;
            let [_, of_principal, of_everyone] = self
                .entries([None, principal, Some(everyone)], Read::Latest, now)
                .await?;
            let (before, above) = match whose {
                Whose::Principal(..) => (of_principal, decoded::<CutOff>(of_everyone.as_deref())?),
                Whose::Everyone => (of_everyone, None),
            };
            let last = decoded(before.as_deref())?;
            let cut_off = CutOff::new(whose, now, last.as_deref(), above.as_deref());
            let record = self.record(key, &cut_off, now.after(MAX_LIFETIME), now)?;
            let written = match before {
                None => self.create(key, record, now).await? == Created::Created,
                Some(before) => {
                    let expected = Expected::Revision(before.revision);
                    self.replace(key, record, expected, now).await? == Replaced::Done
                }
            };
            if written {
                return Ok(());
            }
        }
        Err(SessionError::Contended)
    }

    fn of_id(&self, id: &PublicId) -> StorageKey {
        self.key("revoked-id", id.as_bytes())
    }

    fn of_principal(&self, principal: &Principal) -> StorageKey {
        self.key("revoked-principal", principal.as_str().as_bytes())
    }

    fn of_everyone(&self) -> StorageKey {
        self.key("revoked-everyone", &[])
    }

    fn key(&self, mode: &str, subject: &[u8]) -> StorageKey {
        StorageKey::in_mode(mode, &self.application, &self.name, subject)
    }

    /// An entry that is kept until no session that it ends can be alive at any node.
    fn record<E: Serialize + DeserializeOwned>(
        &self,
        key: StorageKey,
        entry: &E,
        end: Timestamp,
        now: Timestamp,
    ) -> Result<Arc<Record>, SessionError> {
        let mut payload = Vec::new();
        <Bincode as SessionSerializer<E>>::serialize(entry, &mut payload)?;
        let end = end.after(2 * MAX_SKEW);
        Ok(Arc::new(Record {
            public_id: PublicId::from_bytes(key.as_bytes())?,
            application: Arc::clone(&self.application),
            name: Arc::clone(&self.kind),
            schema: SCHEMA,
            revision: Revision::random()?,
            epoch: 0,
            // Nobody ever has it.
            secrets: Secrets::new(Secret::generate()?.hash(), now),
            times: Times {
                created: now,
                authenticated: None,
                last_seen: now,
                idle_deadline: end,
                absolute_deadline: end,
                not_after: None,
                remembered: None,
            },
            principal: None,
            label: None,
            client_context: None,
            payload: Payload::new(payload),
        }))
    }

    /// What is stored under these keys, asked for at once, so that all take as long as one.
    async fn entries(
        &self,
        [one, two, three]: [Option<StorageKey>; 3],
        read: Read,
        now: Timestamp,
    ) -> Result<[Option<Arc<Record>>; 3], SessionError> {
        let load = |key: Option<StorageKey>| key.map(|key| self.entry(key, read, now));
        let mut loads = [pin!(load(one)), pin!(load(two)), pin!(load(three))];
        let mut found = [None, None, None];
        poll_fn(|context| {
            let mut all = Poll::Ready(Ok(()));
            for (load, found) in loads.iter_mut().zip(&mut found) {
                match load.as_mut().as_pin_mut().map(|load| load.poll(context)) {
                    None => {}
                    Some(Poll::Pending) => all = Poll::Pending,
                    Some(Poll::Ready(Ok(entry))) => {
                        *found = entry;
                        load.set(None);
                    }
                    Some(Poll::Ready(Err(failure))) => return Poll::Ready(Err(failure)),
                }
            }
            all
        })
        .await?;
        Ok(found)
    }

    /// What cannot be read may end the session, so it is a storage that cannot answer.
    async fn entry(
        &self,
        key: StorageKey,
        read: Read,
        now: Timestamp,
    ) -> Result<Option<Arc<Record>>, SessionError> {
        match self.find(key, read, now).await? {
            Stored::Nothing => Ok(None),
            Stored::Record(record) if self.is_entry(&record, key) => Ok(Some(record)),
            Stored::Record(_) | Stored::Unreadable => Err(unreadable(RecordError::Version)),
        }
    }

    fn is_entry(&self, record: &Record, key: StorageKey) -> bool {
        record.application == self.application
            && record.name == self.kind
            && record.public_id.as_bytes() == key.as_bytes()
            && record.schema == SCHEMA
    }
}

fn decoded<E>(record: Option<&Record>) -> Result<Option<Arc<E>>, SessionError>
where
    E: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let entry = record.map(|record| {
        record
            .payload
            .decoded(<Bincode as SessionSerializer<E>>::deserialize)
    });
    entry
        .transpose()
        .map_err(|failure| unreadable(RecordError::Damaged(failure)))
}

fn unreadable(failure: RecordError) -> SessionError {
    SessionError::reading(StorageError::Unreadable(failure))
}

impl Known {
    /// How the session with this header has ended, if it has.
    pub(super) fn ended(&self, header: &Header) -> Option<Ended> {
        if let Some(ended) = &self.id {
            return Some(Ended::clone(ended));
        }
        let mut cut_offs = self.cut_offs.iter().flatten();
        cut_offs
            .any(|cut_off| cut_off.ends(header))
            .then_some(Ended::Revoked)
    }

    /// The lowest mark that is above all cut-offs.
    pub(super) fn lowest_mark(&self) -> Timestamp {
        let marks = self.cut_offs.iter().flatten().map(|cut_off| next(cut_off.mark));
        marks.max().unwrap_or_default()
    }

    /// Whether a login is too late whose request began at this time.
    pub(super) fn refuses(&self, began: Timestamp, now: Timestamp) -> bool {
        let mut cut_offs = self.cut_offs.iter().flatten();
        cut_offs.any(|cut_off| began < cut_off.at && is_believed(cut_off.at, now))
    }
}

impl CutOff {
    /// One that ends whatever was begun until now, by nodes whose clocks are up to `MAX_SKEW` apart. `before` is the one in
    /// whose place it comes, and `above` everyone's, where this one is a principal's.
    fn new(whose: Whose<'_>, now: Timestamp, before: Option<&Self>, above: Option<&Self>) -> Self {
        let at = before.map(|before| before.at).filter(|at| is_believed(*at, now));
        let (mark, except) = match whose {
            Whose::Principal(_, keep) => {
                let known = before.into_iter().chain(above);
                let mark = known.map(|known| next(known.mark)).max().unwrap_or_default();
                (mark.max(now.after(MAX_SKEW)), keep)
            }
            // Nobody knows all principals', and marks are above those. They may be two skews ahead of this clock, and a
            // millisecond more for each that came in the same one: the third skew has room for thousands.
            Whose::Everyone => {
                let mark = before.map(|before| before.mark.after(MAX_SKEW));
                (mark.unwrap_or_default().max(now.after(3 * MAX_SKEW)), None)
            }
        };
        Self {
            at: at.unwrap_or_default().max(now),
            mark,
            except: except.map(|id| Kept::over(before, id)),
        }
    }

    fn ends(&self, header: &Header) -> bool {
        let is_kept = |kept: &Kept| kept.id == header.id && Some(header.mark) > kept.above;
        header.mark <= self.mark && !self.except.as_ref().is_some_and(is_kept)
    }
}

impl Kept {
    /// Whoever keeps a session does not bring it back.
    fn over(before: Option<&CutOff>, id: &PublicId) -> Self {
        match before {
            Some(CutOff {
                except: Some(kept), ..
            }) if kept.id == *id => kept.clone(),
            before => Self {
                id: id.clone(),
                above: before.map(|before| before.mark),
            },
        }
    }
}

/// One that is ahead was made by a clock that was wrong and has been set back: it would lock people out.
fn is_believed(at: Timestamp, now: Timestamp) -> bool {
    at.since(now) <= Roster::LEASE
}

fn next(mark: Timestamp) -> Timestamp {
    mark.after(Duration::from_millis(1))
}
