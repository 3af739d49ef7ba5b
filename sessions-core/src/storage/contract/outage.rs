//! A backend that is down, and back again.

use std::{sync::Arc, time::Duration};

use super::{
    model::Model,
    operation::{Answer, Operation},
    places::{Places, member, place},
    subject::{LATER, NOW, Subject, bytes, full_record, record, revision, touch_at},
};
use crate::{
    Payload, Record,
    storage::{
        Created, Expected, Member, Read, Replaced, Reserved, SessionStorage, StorageError, StorageFuture,
        Touch, Touched,
    },
};

/// Who ends the wait for a backend that does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// The storage, within this time: its answer has to be there by then.
    Own(Duration),
    /// Whoever asks it, after this time, as the engine does: the operation is dropped then, and counts as
    /// [`StorageError::Timeout`].
    Callers(Duration),
}

/// How long a storage may take to notice that its backend is back.
const RECOVERY: Duration = Duration::from_secs(10);

/// Breaks the backend of a storage, asks for everything, mends it, and looks what is there.
///
/// While it is broken every write, and [`health`](SessionStorage::health), has to be an error, and everything that reads
/// an error or the truth, within its time: that there is no session is said of none that there is. When it is mended all
/// that was acknowledged before has to be there, unchanged, but for writes that said they may have happened; and new
/// writes have to be done.
///
/// ```
/// use std::time::Duration;
/// use sessions_core::storage::contract::{self, Failure, Gated, Patience};
///
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
/// let storage = Gated::new();
/// let patience = Patience::Own(Duration::from_secs(1));
/// let break_it = async || storage.break_down(Failure::Refuses);
/// contract::check_outage(storage.clone(), patience, break_it, async || storage.mend()).await;
/// # });
/// ```
///
/// # Panics
/// The storage breaks its promise, or it does all that it is asked for while it is to be broken.
pub async fn check_outage(
    storage: impl SessionStorage,
    patience: Patience,
    break_it: impl AsyncFnOnce(),
    mend_it: impl AsyncFnOnce(),
) {
    let storage: Arc<dyn SessionStorage> = Arc::new(storage);
    let mut sessions = Sessions::prepare(&storage).await;
    let mut logins = Logins::prepare(&storage).await;
    break_it().await;
    let health = patience.bound(storage.health()).await;
    is_an_error("health", &health);
    sessions.are_asked_for(patience).await;
    if let Some(logins) = &mut logins {
        logins.are_asked_for(patience).await;
    }
    mend_it().await;
    recover(&*storage).await;
    sessions.are_there().await;
    if let Some(logins) = &logins {
        logins.are_there().await;
    }
    new_ones_can_be_written(&storage).await;
}

impl Patience {
    async fn bound<T>(self, asked: StorageFuture<'_, T>) -> Result<T, StorageError> {
        let (Self::Own(time) | Self::Callers(time)) = self;
        match (tokio::time::timeout(time, asked).await, self) {
            (Ok(answer), _) => answer,
            (Err(_), Self::Callers(time)) => Err(StorageError::Timeout(time)),
            (Err(_), Self::Own(time)) => {
                panic!("an operation did not answer within {time:?} when the backend was broken")
            }
        }
    }
}

/// What was asked for fails, and not as if the session were at fault.
fn is_an_error<T: std::fmt::Debug>(what: &str, answer: &Result<T, StorageError>) {
    match answer {
        // To the engine that is no session.
        Err(StorageError::Unreadable(_)) | Ok(_) => {
            panic!("{what} gave {answer:?} when the backend was broken")
        }
        Err(_) => {}
    }
}

/// It fails, or says what is true.
fn is_an_error_or<T: std::fmt::Debug>(
    what: &str,
    answer: &Result<T, StorageError>,
    truth: impl FnOnce(&T) -> bool,
) {
    match answer {
        Ok(answer) if truth(answer) => {}
        answer => is_an_error(what, answer),
    }
}

async fn recover(storage: &dyn SessionStorage) {
    let recovered = tokio::time::timeout(RECOVERY, async {
        while storage.health().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(
        recovered.await.is_ok(),
        "the storage was not healthy {RECOVERY:?} after its backend was mended"
    );
}

/// One session for each operation.
struct Sessions(Vec<Case>);

struct Case {
    operation: Operation,
    subject: Subject,
    before: Option<Record>,
    /// What may be there when it is over.
    after: Vec<Option<Arc<Record>>>,
}

impl Sessions {
    async fn prepare(storage: &Arc<dyn SessionStorage>) -> Self {
        let mut cases = Vec::new();
        for number in 0..7 {
            let stored = full_record();
            let new = Arc::new(Record {
                revision: revision(),
                payload: Payload::new(*b"new"),
                ..stored.clone()
            });
            let operation = match number {
                0 => Operation::Load(Read::Any),
                1 => Operation::Load(Read::Latest),
                2 => Operation::Replace(new, Expected::Revision(stored.revision)),
                3 => Operation::Replace(new, Expected::Epoch(stored.epoch)),
                4 => Operation::Touch(Touch {
                    epoch: stored.epoch,
                    ..touch_at(LATER)
                }),
                5 => Operation::Delete,
                _ => Operation::Create(new),
            };
            let (subject, before) = match operation {
                Operation::Create(_) => (Subject::unused(storage), None),
                _ => (Subject::with(storage, &stored).await, Some(stored)),
            };
            cases.push(Case {
                operation,
                subject,
                after: vec![before.clone().map(Arc::new)],
                before,
            });
        }
        Self(cases)
    }

    async fn are_asked_for(&mut self, patience: Patience) {
        for case in &mut self.0 {
            let what = case.operation.name();
            let answer = patience.bound(case.operation.ask(&case.subject, NOW)).await;
            let mut model = case.before.as_ref().map_or_else(Model::default, Model::with);
            let truth = case.operation.on_model(&mut model, NOW);
            match case.operation {
                Operation::Load(_) => is_an_error_or(what, &answer, |answer| *answer == truth),
                _ => is_an_error(what, &answer),
            }
            if answer.is_err_and(|error| error.may_have_written()) {
                case.after.push(model.load(NOW));
            }
        }
        let purged = Operation::Purge(10).ask(&self.0[0].subject, NOW);
        let purged = patience.bound(purged).await;
        is_an_error_or("purge_expired", &purged, |freed| *freed == Answer::Purged(0));
    }

    async fn are_there(&self) {
        for case in &self.0 {
            let found = case.subject.load(NOW).await;
            assert!(
                case.after.contains(&found),
                "after an outage in which it was asked for a {}, there is {found:?} instead of one of {:?}",
                case.operation.name(),
                case.after,
            );
        }
    }
}

/// One principal for each step of a login and of its end, and a session of each.
struct Logins(Vec<Login>);

struct Login {
    step: Step,
    places: Places,
    session: Member,
    /// Whether it may have happened.
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Members,
    Reserve,
    Confirm,
    Release,
    CutOff,
}

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    NothingHappened,
    Unknown,
}

impl Logins {
    async fn prepare(storage: &Arc<dyn SessionStorage>) -> Option<Self> {
        let mut logins = Vec::new();
        for step in [
            Step::Members,
            Step::Reserve,
            Step::Confirm,
            Step::Release,
            Step::CutOff,
        ] {
            let places = Places::of_somebody(storage)?;
            let session = member(NOW);
            match step {
                Step::Reserve => {}
                Step::Confirm => drop(places.reserve(place(&session), NOW).await),
                Step::Members | Step::Release | Step::CutOff => places.settle(&session, NOW).await,
            }
            logins.push(Login {
                step,
                places,
                session,
                outcome: Outcome::NothingHappened,
            });
        }
        Some(Self(logins))
    }

    async fn are_asked_for(&mut self, patience: Patience) {
        for login in &mut self.0 {
            let (index, key) = login.places.parts();
            let session = &login.session;
            let failed = match login.step {
                Step::Members => {
                    let members = patience.bound(index.members(key, NOW)).await;
                    is_an_error_or("members", &members, |members| *members == [session.clone()]);
                    continue;
                }
                Step::Reserve => fails(
                    "reserve",
                    patience.bound(index.reserve(key, place(session), NOW)).await,
                ),
                Step::Confirm => fails(
                    "confirm",
                    patience.bound(index.confirm(key, session.key, NOW)).await,
                ),
                Step::Release => fails(
                    "release",
                    patience.bound(index.release(key, session.key, NOW)).await,
                ),
                Step::CutOff => fails("cut_off", patience.bound(index.cut_off(key, LATER)).await),
            };
            if failed.may_have_written() {
                login.outcome = Outcome::Unknown;
            }
        }
        let (index, _) = self.0[0].places.parts();
        let name = format!("name{}", u64::from_ne_bytes(bytes()));
        let count = patience.bound(index.count("", &name, NOW)).await;
        is_an_error_or("count", &count, |count| *count == 0);
        let deleted = patience.bound(index.delete_some("", &name, 10, NOW)).await;
        is_an_error_or("delete_some", &deleted, |deleted| *deleted == 0);
    }

    async fn are_there(&self) {
        for login in &self.0 {
            let (places, session) = (&login.places, &login.session);
            let unknown = login.outcome == Outcome::Unknown;
            let members = places.members(NOW).await;
            let known = members == [session.clone()];
            let right = match login.step {
                Step::Members | Step::CutOff => known,
                Step::Reserve => members.is_empty(),
                Step::Confirm => members.is_empty() || unknown && known,
                Step::Release => known || unknown && members.is_empty(),
            };
            assert!(
                right,
                "members after an outage in which it was asked for {:?}: {members:?}",
                login.step
            );
            match login.step {
                Step::Confirm => assert!(
                    places.confirm(session, NOW).await,
                    "confirm, after an outage, of a place that was reserved before"
                ),
                Step::CutOff if !unknown => assert_eq!(
                    places.reserve(place(&member(NOW)), NOW).await,
                    Reserved::Reserved,
                    "reserve after a cut-off that failed"
                ),
                _ => {}
            }
        }
    }
}

fn fails<T: std::fmt::Debug>(what: &str, answer: Result<T, StorageError>) -> StorageError {
    is_an_error(what, &answer);
    match answer {
        Err(error) => error,
        Ok(_) => panic!("{what} is an error"),
    }
}

async fn new_ones_can_be_written(storage: &Arc<dyn SessionStorage>) {
    let stored = record(*b"stored");
    let subject = Subject::with(storage, &stored).await;
    let new = record(*b"new");
    let replaced = subject
        .replace(&new, Expected::Revision(stored.revision), NOW)
        .await;
    assert_eq!(replaced, Replaced::Done, "replace after an outage");
    let touched = subject.touch(touch_at(LATER), NOW).await;
    assert_eq!(touched, Touched::Touched, "touch after an outage");
    assert_eq!(
        subject.live(NOW).await.payload,
        new.payload,
        "load after an outage"
    );
    assert!(subject.delete(NOW).await, "delete after an outage");
    let created = subject.create(&stored, NOW).await;
    assert_eq!(created, Created::Created, "create after an outage");
    if let Some(places) = Places::of_somebody(storage) {
        let session = member(NOW);
        places.settle(&session, NOW).await;
        assert_eq!(places.members(NOW).await, [session], "members after an outage");
    }
}
