//! The index of the storage behind it: there are no copies of that.

use super::CachedStorage;
use crate::{
    StorageKey, Timestamp,
    storage::{
        IndexKey, Member, Reservation, Reserved, SessionIndex, SessionStorage, StorageError, StorageFuture,
    },
};

impl<S: SessionStorage> CachedStorage<S> {
    fn behind<'a, T>(
        &'a self,
        work: impl FnOnce(&'a dyn SessionIndex) -> StorageFuture<'a, T>,
    ) -> StorageFuture<'a, T> {
        match self.inner.index() {
            Some(index) => work(index),
            None => StorageFuture::ready(Err(StorageError::unavailable(
                "the storage behind the cache keeps no index",
            ))),
        }
    }
}

impl<S: SessionStorage> SessionIndex for CachedStorage<S> {
    fn reserve(&self, index: IndexKey, place: Reservation, now: Timestamp) -> StorageFuture<'_, Reserved> {
        self.behind(|behind| behind.reserve(index, place, now))
    }

    fn confirm(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.behind(|behind| behind.confirm(index, session, now))
    }

    fn release(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, ()> {
        self.behind(|behind| behind.release(index, session, now))
    }

    fn members(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        self.behind(|behind| behind.members(index, now))
    }

    fn cut_off(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        self.behind(|behind| behind.cut_off(index, now))
    }

    fn count(&self, application: &str, name: &str, now: Timestamp) -> StorageFuture<'_, usize> {
        self.behind(|behind| behind.count(application, name, now))
    }

    fn delete_some(
        &self,
        application: &str,
        name: &str,
        limit: usize,
        now: Timestamp,
    ) -> StorageFuture<'_, usize> {
        // To be made here and not when the future is first polled: the storage behind may have done it by then.
        let write = self.copies.begin_write_of_any();
        let deleted = self.behind(|behind| behind.delete_some(application, name, limit, now));
        StorageFuture::boxed(async move {
            let _write = write;
            deleted.await
        })
    }
}
