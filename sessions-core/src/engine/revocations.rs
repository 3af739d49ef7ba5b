//! Which of the sessions that clients keep have been ended: one by its id, all of a principal's, or everyone's.
//!
//! Nothing is written of a session that nobody has ended. What is written is an ordinary record under a key of its own
//! mode: that an id is over, or a *cut-off*, which ends every session whose mark is not above its own. A session has its
//! mark from when its id began, and keeps it however often it is sealed anew: so no late response brings it back.

use std::{future::poll_fn, ops::Deref, pin::pin, sync::Arc, task::Poll};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    cut_off::{CutOff, Whose},
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
    storage::{Created, Expected, Read, Replaced},
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
            id: decoded(&id)?,
            cut_offs: [decoded(&principal)?, decoded(&everyone)?],
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
            if let Some(before) = decoded::<Ended>(&before)? {
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
    ///
    /// A cut-off that cannot be read gives way to one that keeps no session, as it would stand in the way of all until
    /// nobody remembers why. It is deleted first, because nothing else can be done with it.
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
                Whose::Principal(..) => (of_principal, decoded::<CutOff>(&of_everyone)?),
                Whose::Everyone => (of_everyone, None),
            };
            let last = decoded(&before);
            let cut_off = match &last {
                Ok(last) => CutOff::new(whose, now, last.as_deref(), above.as_deref()),
                Err(_) => CutOff::new(Whose::Everyone, now, above.as_deref(), None),
            };
            let record = self.record(key, &cut_off, now.after(MAX_LIFETIME), now)?;
            let written = match (before, last) {
                (Stored::Record(before), Ok(_)) => {
                    let expected = Expected::Revision(before.revision);
                    self.replace(key, record, expected, now).await? == Replaced::Done
                }
                (_, last) => {
                    if last.is_err() {
                        self.delete(key, now).await?;
                    }
                    self.create(key, record, now).await? == Created::Created
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
    ) -> Result<[Stored; 3], SessionError> {
        let load = |key: Option<StorageKey>| key.map(|key| self.entry(key, read, now));
        let mut loads = [pin!(load(one)), pin!(load(two)), pin!(load(three))];
        let mut found = [const { Stored::Nothing }; 3];
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

    async fn entry(&self, key: StorageKey, read: Read, now: Timestamp) -> Result<Stored, SessionError> {
        Ok(match self.find(key, read, now).await? {
            Stored::Record(record) if !self.is_entry(&record, key) => Stored::Unreadable,
            stored => stored,
        })
    }

    fn is_entry(&self, record: &Record, key: StorageKey) -> bool {
        record.application == self.application
            && record.name == self.kind
            && record.public_id.as_bytes() == key.as_bytes()
            && record.schema == SCHEMA
    }
}

/// What cannot be read may end the session, so it is a storage that cannot answer.
fn decoded<E>(stored: &Stored) -> Result<Option<Arc<E>>, SessionError>
where
    E: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let failure = match stored {
        Stored::Nothing => return Ok(None),
        Stored::Unreadable => RecordError::Version,
        Stored::Record(record) => {
            let entry = record
                .payload
                .decoded(<Bincode as SessionSerializer<E>>::deserialize);
            match entry {
                Ok(entry) => return Ok(Some(entry)),
                Err(failure) => RecordError::Damaged(failure),
            }
        }
    };
    Err(SessionError::reading(StorageError::Unreadable(failure)))
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
        let marks = self
            .cut_offs
            .iter()
            .flatten()
            .map(|cut_off| cut_off.lowest_mark());
        marks.max().unwrap_or_default()
    }

    /// Whether a login is too late whose request began at this time.
    pub(super) fn refuses(&self, began: Timestamp, now: Timestamp) -> bool {
        let mut cut_offs = self.cut_offs.iter().flatten();
        cut_offs.any(|cut_off| cut_off.refuses(began, now))
    }
}
