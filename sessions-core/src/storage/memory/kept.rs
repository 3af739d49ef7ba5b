//! A session as it is kept: of what most sessions have in common there is one copy in each shard.

use std::sync::Arc;

use super::{room::size, timed::Ends};
use crate::{
    Payload, Principal, PublicId, Record, Revision, SecretHash, Secrets, Times, Timestamp, storage::IndexKey,
};

/// A session as it is kept.
pub(super) enum Kept {
    /// One that is like many others but for what is said here. A record of a million is 200 bytes smaller so.
    Like(Box<Like>),
    /// One that was renewed, or labelled, or is special in another way.
    Whole(Arc<Record>),
}

pub(super) struct Like {
    /// For all else.
    pattern: Arc<Record>,
    id: [u8; PublicId::MIN_LEN],
    revision: Revision,
    secret: SecretHash,
    created: Timestamp,
    last_seen: Timestamp,
    idle_deadline: Timestamp,
    absolute_deadline: Timestamp,
    principal: Option<Principal>,
    payload: Payload,
}

/// Records that others are like, of one shard.
#[derive(Default)]
pub(super) struct Patterns(Vec<Arc<Record>>);

impl Patterns {
    /// There is one for each session type and version, and whether its user has proved who they are. What comes after so
    /// many is kept whole.
    const MAX: usize = 16;

    pub(super) fn keep(&mut self, record: &Arc<Record>) -> Kept {
        let alike = like_others(record).and_then(|id| Some((id, self.of(record)?)));
        let Some((id, pattern)) = alike else {
            return Kept::Whole(Arc::clone(record));
        };
        let Times {
            created,
            last_seen,
            idle_deadline,
            absolute_deadline,
            ..
        } = record.times;
        Kept::Like(Box::new(Like {
            pattern,
            id,
            revision: record.revision,
            secret: record.secrets.current,
            created,
            last_seen,
            idle_deadline,
            absolute_deadline,
            principal: record.principal.clone(),
            payload: record.payload.clone(),
        }))
    }

    /// The one that a record is like, if there is room for one.
    fn of(&mut self, record: &Record) -> Option<Arc<Record>> {
        let fits = |pattern: &&Arc<Record>| {
            pattern.schema == record.schema
                && pattern.name == record.name
                && pattern.application == record.application
                && pattern.times.authenticated.is_some() == record.times.authenticated.is_some()
        };
        if let Some(pattern) = self.0.iter().find(fits) {
            return Some(Arc::clone(pattern));
        }
        if self.0.len() == Self::MAX {
            return None;
        }
        // Without what is secret or somebody's, of a session that may end long before the pattern does.
        let pattern = Arc::new(Record {
            public_id: PublicId::of([0; PublicId::MIN_LEN]),
            revision: Revision([0; 16]),
            secrets: Secrets::new(SecretHash([0; 32]), record.times.created),
            principal: None,
            payload: Payload::new([]),
            ..record.clone()
        });
        self.0.push(Arc::clone(&pattern));
        Some(pattern)
    }
}

/// Its handle, if a record is like others but for what [`Like`] says of it. All fields are named, so that none is forgotten.
fn like_others(record: &Record) -> Option<[u8; PublicId::MIN_LEN]> {
    let Record {
        public_id,
        application: _,
        name: _,
        schema: _,
        revision: _,
        epoch: 0,
        secrets:
            Secrets {
                current: _,
                since,
                next: None,
                previous: None,
                past,
            },
        times:
            Times {
                created,
                authenticated,
                last_seen: _,
                idle_deadline: _,
                absolute_deadline: _,
                not_after: None,
                remembered: None,
            },
        principal: _,
        label: None,
        client_context: None,
        payload: _,
    } = record
    else {
        return None;
    };
    let from_the_start = since == created && authenticated.is_none_or(|at| at == *created);
    let handle = public_id.as_bytes().try_into().ok();
    handle.filter(|_| from_the_start && past.is_empty())
}

impl Kept {
    pub(super) fn record(&self) -> Arc<Record> {
        match self {
            Self::Whole(record) => Arc::clone(record),
            Self::Like(like) => Arc::new(like.record()),
        }
    }

    /// As [`record`](Self::record), for a moment.
    pub(super) fn seen<R>(&self, see: impl FnOnce(&Record) -> R) -> R {
        match self {
            Self::Whole(record) => see(record),
            Self::Like(like) => see(&like.record()),
        }
    }

    /// Whether it is a live session of this application and name.
    pub(super) fn is_of(&self, application: &str, name: &str, now: Timestamp) -> bool {
        let named = self.named();
        *named.application == *application && *named.name == *name && now < self.ends()
    }

    /// Where its principal has its place.
    pub(super) fn index(&self) -> Option<IndexKey> {
        match self {
            Self::Whole(record) => IndexKey::of(record),
            Self::Like(like) => {
                let Record {
                    application, name, ..
                } = &*like.pattern;
                Some(IndexKey::new(application, name, like.principal.as_ref()?))
            }
        }
    }

    /// As [`size`] of its record.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Whole(record) => size(record),
            Self::Like(like) => size(&like.pattern) + like.payload.as_bytes().len(),
        }
    }

    /// A record of its application and name.
    fn named(&self) -> &Record {
        match self {
            Self::Whole(record) => record,
            Self::Like(like) => &like.pattern,
        }
    }
}

impl Like {
    fn times(&self) -> Times {
        Times {
            created: self.created,
            authenticated: self.pattern.times.authenticated.map(|_| self.created),
            last_seen: self.last_seen,
            idle_deadline: self.idle_deadline,
            absolute_deadline: self.absolute_deadline,
            not_after: None,
            remembered: None,
        }
    }

    fn record(&self) -> Record {
        let pattern = &*self.pattern;
        Record {
            public_id: PublicId::of(self.id),
            application: Arc::clone(&pattern.application),
            name: Arc::clone(&pattern.name),
            schema: pattern.schema,
            revision: self.revision,
            epoch: 0,
            secrets: Secrets::new(self.secret, self.created),
            times: self.times(),
            principal: self.principal.clone(),
            label: None,
            client_context: None,
            payload: self.payload.clone(),
        }
    }
}

impl Ends for Kept {
    fn ends(&self) -> Timestamp {
        match self {
            Self::Whole(record) => record.times.deadline(),
            Self::Like(like) => like.times().deadline(),
        }
    }
}
