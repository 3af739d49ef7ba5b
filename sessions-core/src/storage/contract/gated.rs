//! A storage whose calls can be held up, fail, and lose their replies.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::subject::in_time;
use crate::{
    Record, StorageKey, Timestamp,
    storage::{
        Created, Expected, IndexKey, Member, MemoryStorage, Read, Replaced, Reservation, Reserved,
        SessionIndex, SessionStorage, StorageError, StorageFuture, Touch, Touched,
    },
};

/// Sessions in memory behind calls that do as they are told, to put a storage around that is under test. Clones are one.
///
/// What is told of a call holds for the next one of its kind, whatever key it is for.
#[derive(Clone, Default)]
pub struct Gated(Arc<Inner>);

#[derive(Default)]
struct Inner {
    sessions: MemoryStorage,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    plans: Vec<(Call, Plan)>,
    outage: Option<Failure>,
    calls: HashMap<Call, usize>,
}

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Call {
    /// [`SessionStorage::create`].
    Create,
    /// [`SessionStorage::load`], however current it has to be.
    Load,
    /// [`SessionStorage::replace`].
    Replace,
    /// [`SessionStorage::touch`].
    Touch,
    /// [`SessionStorage::delete`].
    Delete,
    /// [`SessionStorage::purge_expired`].
    PurgeExpired,
    /// [`SessionStorage::health`].
    Health,
    /// [`SessionIndex::reserve`].
    Reserve,
    /// [`SessionIndex::confirm`].
    Confirm,
    /// [`SessionIndex::release`].
    Release,
    /// [`SessionIndex::members`].
    Members,
    /// [`SessionIndex::cut_off`].
    CutOff,
    /// [`SessionIndex::count`].
    Count,
    /// [`SessionIndex::delete_some`].
    DeleteSome,
}

/// Where a call is held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before it does its work.
    BeforeItsWork,
    /// After it has done its work, and before it answers.
    AfterItsWork,
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// It does nothing and says so: [`StorageError::Unavailable`].
    Refuses,
    /// It does nothing and does not say so: [`StorageError::OutcomeUnknown`].
    LosesTheRequest,
    /// It does its work and does not say so: [`StorageError::OutcomeUnknown`].
    LosesTheReply,
    /// It does nothing and never answers.
    Hangs,
}

#[derive(Clone)]
enum Plan {
    Hold(Moment, Arc<Door>),
    Fail(Failure),
}

#[derive(Default)]
struct Door {
    reached: Notify,
    opened: Notify,
}

impl Door {
    async fn wait(&self) {
        self.reached.notify_one();
        self.opened.notified().await;
    }
}

fn lost() -> StorageError {
    StorageError::outcome_unknown("lost, as told")
}

/// Where a call waits until it is let go. It stays shut if nobody opens it.
#[must_use = "the call waits until it is opened"]
pub struct Gate(Arc<Door>);

impl Gate {
    /// Waits until a call is there.
    ///
    /// # Panics
    /// None comes within 5 s.
    pub async fn reached(&self) {
        in_time("a call to the storage behind", self.0.reached.notified()).await;
    }

    /// Waits until a call is there, or for so long.
    pub(super) async fn reached_within(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.0.reached.notified()).await;
    }

    /// Lets the call go.
    pub fn open(self) {
        self.0.opened.notify_one();
    }
}

impl Gated {
    /// No sessions, and calls that do their work.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds up the next call of this kind.
    pub fn hold(&self, call: Call, moment: Moment) -> Gate {
        let door = Arc::new(Door::default());
        self.state()
            .plans
            .push((call, Plan::Hold(moment, Arc::clone(&door))));
        Gate(door)
    }

    /// Lets the next call of this kind go wrong.
    pub fn fail(&self, call: Call, failure: Failure) {
        self.state().plans.push((call, Plan::Fail(failure)));
    }

    /// Lets all calls go wrong from now on.
    pub fn break_down(&self, failure: Failure) {
        self.state().outage = Some(failure);
    }

    /// Lets all calls do their work again.
    pub fn mend(&self) {
        self.state().outage = None;
    }

    /// How often there was a call of this kind.
    #[must_use]
    pub fn calls(&self, call: Call) -> usize {
        self.state().calls.get(&call).copied().unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plan(&self, call: Call) -> Option<Plan> {
        let mut state = self.state();
        *state.calls.entry(call).or_default() += 1;
        match state.plans.iter().position(|(of, _)| *of == call) {
            Some(next) => Some(state.plans.remove(next).1),
            None => state.outage.map(Plan::Fail),
        }
    }

    fn through<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        work: impl FnOnce(&'a MemoryStorage) -> StorageFuture<'a, T> + Send + 'a,
    ) -> StorageFuture<'a, T> {
        StorageFuture::boxed(async move {
            let sessions = &self.0.sessions;
            match self.plan(call) {
                None => work(sessions).await,
                Some(Plan::Hold(Moment::BeforeItsWork, door)) => {
                    door.wait().await;
                    work(sessions).await
                }
                Some(Plan::Hold(Moment::AfterItsWork, door)) => {
                    let answer = work(sessions).await;
                    door.wait().await;
                    answer
                }
                Some(Plan::Fail(Failure::Refuses)) => Err(StorageError::unavailable("refused, as told")),
                Some(Plan::Fail(Failure::LosesTheRequest)) => Err(lost()),
                Some(Plan::Fail(Failure::LosesTheReply)) => {
                    work(sessions).await?;
                    Err(lost())
                }
                Some(Plan::Fail(Failure::Hangs)) => std::future::pending().await,
            }
        })
    }
}

impl SessionStorage for Gated {
    fn create(&self, key: StorageKey, record: Arc<Record>, now: Timestamp) -> StorageFuture<'_, Created> {
        self.through(Call::Create, move |sessions| sessions.create(key, record, now))
    }

    fn load(&self, key: StorageKey, read: Read, now: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
        self.through(Call::Load, move |sessions| sessions.load(key, read, now))
    }

    fn replace(
        &self,
        key: StorageKey,
        record: Arc<Record>,
        expected: Expected,
        now: Timestamp,
    ) -> StorageFuture<'_, Replaced> {
        self.through(Call::Replace, move |sessions| {
            sessions.replace(key, record, expected, now)
        })
    }

    fn touch(&self, key: StorageKey, touch: Touch, now: Timestamp) -> StorageFuture<'_, Touched> {
        self.through(Call::Touch, move |sessions| sessions.touch(key, touch, now))
    }

    fn delete(&self, key: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.through(Call::Delete, move |sessions| sessions.delete(key, now))
    }

    fn purge_expired(&self, limit: usize, now: Timestamp) -> StorageFuture<'_, usize> {
        self.through(Call::PurgeExpired, move |sessions| {
            sessions.purge_expired(limit, now)
        })
    }

    fn health(&self) -> StorageFuture<'_, ()> {
        self.through(Call::Health, SessionStorage::health)
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        Some(self)
    }
}

impl SessionIndex for Gated {
    fn reserve(&self, index: IndexKey, place: Reservation, now: Timestamp) -> StorageFuture<'_, Reserved> {
        self.through(Call::Reserve, move |sessions| sessions.reserve(index, place, now))
    }

    fn confirm(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, bool> {
        self.through(Call::Confirm, move |sessions| {
            sessions.confirm(index, session, now)
        })
    }

    fn release(&self, index: IndexKey, session: StorageKey, now: Timestamp) -> StorageFuture<'_, ()> {
        self.through(Call::Release, move |sessions| {
            sessions.release(index, session, now)
        })
    }

    fn members(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        self.through(Call::Members, move |sessions| sessions.members(index, now))
    }

    fn cut_off(&self, index: IndexKey, now: Timestamp) -> StorageFuture<'_, Vec<Member>> {
        self.through(Call::CutOff, move |sessions| sessions.cut_off(index, now))
    }

    fn count(&self, application: &str, name: &str, now: Timestamp) -> StorageFuture<'_, usize> {
        let (application, name) = (application.to_owned(), name.to_owned());
        self.through(Call::Count, move |sessions| {
            sessions.count(&application, &name, now)
        })
    }

    fn delete_some(
        &self,
        application: &str,
        name: &str,
        limit: usize,
        now: Timestamp,
    ) -> StorageFuture<'_, usize> {
        let (application, name) = (application.to_owned(), name.to_owned());
        self.through(Call::DeleteSome, move |sessions| {
            sessions.delete_some(&application, &name, limit, now)
        })
    }
}

impl fmt::Debug for Gated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(inner) = self;
        f.debug_struct("Gated")
            .field("sessions", &inner.sessions)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}
