//! Another token for the same session, with an overlap: given out by one request, confirmed by a later one.

use std::{net::IpAddr, sync::Arc};

use super::{
    Engine, Slot,
    commit::Decided,
    open::Verdict,
    server::Server,
    state::{Anchor, Draft, Live},
    writer::{Written, draft_or},
};
use crate::{
    Record, Revision, Session, SessionError, StorageKey, Timestamp,
    events::SessionEventKind as Kind,
    secret::Secret,
    secrets::{MaskOwner, Standing},
    storage::{Expected, Read, Replaced},
};

/// How often a confirmation is tried against other requests' writes. After that the session is used as it is: the next
/// request confirms it.
const MAX_CONFIRMATIONS: u32 = 8;

impl<T: Session> Engine<T> {
    /// The successor has come back: it is the current secret from now on. Gives the record as it is then; `None` if it has
    /// ended meanwhile.
    pub(super) async fn confirm(
        &self,
        server: &Server,
        key: StorageKey,
        secret: &Secret,
        mut record: Arc<Record>,
        peer: Option<IpAddr>,
    ) -> Result<Option<Arc<Record>>, SessionError> {
        for _ in 0..MAX_CONFIRMATIONS {
            let now = self.now();
            let Some(secrets) = record.secrets.confirmed(now, server.grace) else {
                break;
            };
            let new = Arc::new(Record {
                revision: Revision::random()?,
                secrets,
                times: self.0.lifetimes.used(&record.times, now),
                ..Record::clone(&record)
            });
            let expected = Expected::Revision(record.revision);
            match server.replace(key, Arc::clone(&new), expected, now).await {
                Ok(Replaced::Done) => {
                    self.tell(Kind::Renewed, Some(&new.public_id), peer);
                    return Ok(Some(new));
                }
                Ok(Replaced::NotFound) => return Ok(None),
                Ok(Replaced::Conflict) => {}
                // It was told, and the secret is good: nothing else depends on it.
                Err(_) => return Ok(Some(record)),
            }
            match server.load(key, Read::Latest, now).await? {
                Some(latest) => record = latest,
                None => return Ok(None),
            }
            // Another request has confirmed it, or taken its power away.
            let verdict = self.judge(Some(&record), &record.public_id, secret, now);
            if !matches!(verdict, Verdict::Live(Standing::Successor)) {
                break;
            }
        }
        Ok(Some(record))
    }

    /// Whether the session gets another token now: it has had this one for long enough, or somebody asks for it.
    pub(super) fn renewal_is_due(&self, anchor: &Anchor, asked: bool, now: Timestamp) -> bool {
        let since = match anchor {
            Anchor::Stored { record, .. } => record.secrets.since,
            Anchor::Sealed { header, .. } => header.issued,
        };
        let due = asked || self.0.renew_every.is_some_and(|every| now.since(since) >= every);
        due && match anchor {
            Anchor::Stored { secret, record, .. } => {
                record.secrets.may_renew(now) && record.secrets.standing(secret, now) == Standing::Current
            }
            Anchor::Sealed { .. } => true,
        }
    }

    /// The secret that the client should have in place of the one it has shown.
    pub(super) fn better_secret(&self, record: &Record, secret: &Secret, now: Timestamp) -> Option<Secret> {
        record.secrets.better(secret, &self.owner(record), now)
    }

    fn owner<'a>(&'a self, record: &'a Record) -> MaskOwner<'a> {
        MaskOwner {
            application: &self.0.environment.application,
            name: self.name(),
            id: &record.public_id,
        }
    }
}

impl<T: Session> Slot<T> {
    /// Writes a successor, together with the value, if that was set. `None` if another request was faster: then it is as
    /// if no renewal were due.
    pub(super) async fn renew(
        &self,
        live: &Live<T>,
        draft: Option<&Draft<T>>,
    ) -> Result<Option<Decided<T>>, SessionError> {
        let engine = self.engine();
        let (Anchor::Stored { key, secret, record }, Some(server)) = (&live.anchor, engine.server()) else {
            let now = engine.now();
            let times = engine.0.lifetimes.used(live.anchor.times(), now);
            let renewed = self.reseal(live, draft.cloned(), times, now)?;
            self.tell(Kind::Renewed, Some(live.anchor.id()));
            return Ok(Some(renewed));
        };
        let now = engine.now();
        let Written { schema, payload } = draft_or(draft, record.schema, &record.payload);
        let value = draft.map_or(&live.value, |draft| &draft.value);
        let new = Arc::new(Record {
            schema,
            payload,
            revision: Revision::random()?,
            secrets: record.secrets.renewed(secret, &engine.owner(record))?,
            times: engine.0.lifetimes.used(&record.times, now),
            ..Record::clone(record)
        });
        let expected = Expected::Revision(record.revision);
        match server.replace(*key, Arc::clone(&new), expected, now).await? {
            Replaced::Done => {
                let anchor = Anchor::Stored {
                    key: *key,
                    secret: secret.clone(),
                    record: new,
                };
                let value = Arc::clone(value);
                self.answered(server, Live { value, anchor }).map(Some)
            }
            Replaced::Conflict | Replaced::NotFound => Ok(None),
        }
    }
}
