//! A storage that tells what was asked of it, and fails, hangs or panics where it is told to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use sessions_actix::{
    Record, StorageKey, Timestamp,
    storage::{
        Created, Expected, IndexKey, Member, MemoryStorage, Read, Replaced, Reservation, Reserved,
        SessionIndex, SessionStorage, StorageError, StorageFuture, Touch, Touched,
    },
};

/// What is wrong with an operation. It does nothing, but for the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Fails,
    Hangs,
    /// When it is awaited.
    Panics,
    /// When it has done its work.
    PanicsAfterwards,
}

/// A storage in memory that tells what was asked of it, and has trouble where it is told to. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Spy {
    inner: MemoryStorage,
    calls: Arc<Mutex<Vec<&'static str>>>,
    troubled: Arc<Mutex<Option<(&'static str, Trouble)>>>,
    /// So many more calls are answered, and no other one.
    answered: Arc<Mutex<Option<usize>>>,
    hesitates: Arc<AtomicBool>,
}

impl Spy {
    /// What was asked since the last time, in order.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// Lets this operation fail from now on.
    pub(crate) fn fail(&self, operation: &'static str) {
        self.trouble(operation, Trouble::Fails);
    }

    /// Lets this operation have this trouble from now on.
    pub(crate) fn trouble(&self, operation: &'static str, trouble: Trouble) {
        *self.troubled.lock().unwrap() = Some((operation, trouble));
    }

    /// Lets so many more calls pass. Whatever is asked after that hangs.
    pub(crate) fn hang_after(&self, calls: usize) {
        *self.answered.lock().unwrap() = Some(calls);
    }

    /// Lets every operation succeed from now on.
    pub(crate) fn mend(&self) {
        *self.answered.lock().unwrap() = None;
        *self.troubled.lock().unwrap() = None;
    }

    /// Lets every operation give others their turn, before and after it, from now on.
    pub(crate) fn hesitate(&self) {
        self.hesitates.store(true, Ordering::Relaxed);
    }

    fn pass<'a, T: Send + 'a>(
        &'a self,
        operation: &'static str,
        call: impl FnOnce(&'a MemoryStorage) -> StorageFuture<'a, T> + Send + 'a,
    ) -> StorageFuture<'a, T> {
        self.calls.lock().unwrap().push(operation);
        if let Some(answered) = &mut *self.answered.lock().unwrap() {
            let Some(fewer) = answered.checked_sub(1) else {
                return StorageFuture::boxed(std::future::pending());
            };
            *answered = fewer;
        }
        let troubled = *self.troubled.lock().unwrap();
        match troubled {
            Some((troubled, trouble)) if troubled == operation => match trouble {
                Trouble::Fails => StorageFuture::ready(Err(StorageError::unavailable("as it was told"))),
                Trouble::Hangs => StorageFuture::boxed(std::future::pending()),
                Trouble::Panics => StorageFuture::boxed(async { panic!("as it was told") }),
                Trouble::PanicsAfterwards => {
                    let done = call(&self.inner);
                    StorageFuture::boxed(async {
                        done.await?;
                        panic!("as it was told")
                    })
                }
            },
            _ if self.hesitates.load(Ordering::Relaxed) => StorageFuture::boxed(async move {
                tokio::task::yield_now().await;
                let answer = call(&self.inner).await;
                tokio::task::yield_now().await;
                answer
            }),
            _ => call(&self.inner),
        }
    }
}

impl SessionStorage for Spy {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        self.pass("create", move |inner| inner.create(key, record, now))
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        self.pass("load", move |inner| inner.load(key, read, now))
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        self.pass("replace", move |inner| inner.replace(key, record, expected, now))
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.pass("touch", move |inner| inner.touch(key, touch, now))
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.pass("delete", move |inner| inner.delete(key, now))
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.pass("purge_expired", move |inner| inner.purge_expired(limit, now))
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        self.pass("health", SessionStorage::health)
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        Some(self)
    }
}

impl Spy {
    fn pass_on<'a, T: Send + 'a>(
        &'a self,
        operation: &'static str,
        call: impl FnOnce(&'a dyn SessionIndex) -> StorageFuture<'a, T> + Send + 'a,
    ) -> StorageFuture<'a, T> {
        self.pass(operation, |inner| call(inner.index().unwrap()))
    }
}

impl SessionIndex for Spy {
    fn reserve(&self, index: IndexKey, place: Reservation, now: Timestamp) -> StorageFuture<'_, Reserved> {
        self.pass_on("reserve", move |inner| inner.reserve(index, place, now))
    }

    fn confirm(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.pass_on("confirm", move |inner| inner.confirm(index, session, now))
    }

    fn release(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, ()> {
        self.pass_on("release", move |inner| inner.release(index, session, now))
    }

    fn members(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        self.pass_on("members", move |inner| inner.members(index, now))
    }

    fn cut_off(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        self.pass_on("cut_off", move |inner| inner.cut_off(index, now))
    }

    fn count(&self, application: &str, name: &str, now: Timestamp) -> StorageFuture<'_, usize> {
        let (application, name) = (application.to_owned(), name.to_owned());
        self.pass_on("count", move |inner| inner.count(&application, &name, now))
    }

    fn delete_some(
        &self,
        application: &str,
        name: &str,
        limit: usize,
        now: Timestamp,
    ) -> StorageFuture<'_, usize> {
        let (application, name) = (application.to_owned(), name.to_owned());
        self.pass_on("delete_some", move |inner| {
            inner.delete_some(&application, &name, limit, now)
        })
    }
}
