//! One operation on one session as a value, so that a storage and the model can be asked for the same.

use std::sync::Arc;

use super::{
    model::Model,
    subject::{Subject, answer},
};
use crate::{
    Record, Timestamp,
    storage::{Created, Expected, Read, Replaced, SessionStorage as _, StorageFuture, Touch, Touched},
};

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Create(Arc<Record>),
    Load(Read),
    Replace(Arc<Record>, Expected),
    Touch(Touch),
    Delete,
    Purge(usize),
}

/// What the answer is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Created(Created),
    Loaded(Option<Arc<Record>>),
    Replaced(Replaced),
    Touched(Touched),
    Deleted(bool),
    Purged(usize),
}

impl Operation {
    /// Asks a storage, which may do its work before the answer is waited for.
    pub(super) fn ask<'a>(
        &self,
        Subject { storage, key }: &'a Subject,
        now: Timestamp,
    ) -> StorageFuture<'a, Answer> {
        let key = *key;
        match self {
            Self::Create(record) => {
                let created = storage.create(key, Arc::clone(record), now);
                wrap(created, Answer::Created)
            }
            Self::Load(read) => wrap(storage.load(key, *read, now), Answer::Loaded),
            Self::Replace(record, expected) => {
                let replaced = storage.replace(key, Arc::clone(record), *expected, now);
                wrap(replaced, Answer::Replaced)
            }
            Self::Touch(touch) => wrap(storage.touch(key, *touch, now), Answer::Touched),
            Self::Delete => wrap(storage.delete(key, now), Answer::Deleted),
            Self::Purge(limit) => wrap(storage.purge_expired(*limit, now), Answer::Purged),
        }
    }

    /// Asks a storage that has no reason to fail.
    pub(super) async fn on(&self, subject: &Subject, now: Timestamp) -> Answer {
        answer(self.name(), self.ask(subject, now)).await
    }

    /// Asks the model.
    pub(super) fn on_model(&self, model: &mut Model, now: Timestamp) -> Answer {
        match self {
            Self::Create(record) => Answer::Created(model.create(record, now)),
            Self::Load(_) => Answer::Loaded(model.load(now)),
            Self::Replace(record, expected) => Answer::Replaced(model.replace(record, *expected, now)),
            Self::Touch(touch) => Answer::Touched(model.touch(touch, now)),
            Self::Delete => Answer::Deleted(model.delete(now)),
            Self::Purge(limit) => Answer::Purged(if *limit > 0 { model.purge(now) } else { 0 }),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Load(_) => "load",
            Self::Replace(..) => "replace",
            Self::Touch(_) => "touch",
            Self::Delete => "delete",
            Self::Purge(_) => "purge_expired",
        }
    }
}

fn wrap<'a, T: Send + 'a>(given: StorageFuture<'a, T>, answer: fn(T) -> Answer) -> StorageFuture<'a, Answer> {
    StorageFuture::boxed(async move { Ok(answer(given.await?)) })
}
