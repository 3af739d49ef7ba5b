//! Operations that nobody waits for any more, as when a request ends early or is out of time: their replies are lost,
//! and a load has to tell what has become of them.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use super::{
    model::Model,
    operation::{Answer, Operation},
    places::{Places, member, place},
    subject::{LATER, NOW, Subject, answer, full_record, in_time, record, revision, touch_at},
};
use crate::{
    Payload, Record,
    storage::{Created, Expected, Read, Reservation, Reserved, SessionStorage, Touch},
};

/// How far an operation comes before it is dropped.
#[derive(Clone, Copy, Debug)]
enum DroppedAfter {
    /// So many polls, each when it has something to do.
    Polls(usize),
    /// One poll, and so many turns of others.
    Turns(usize),
    /// One poll, and some time.
    AWhile,
}

const DROPPED: [DroppedAfter; 8] = [
    DroppedAfter::Polls(0),
    DroppedAfter::Polls(1),
    DroppedAfter::Polls(2),
    DroppedAfter::Polls(3),
    DroppedAfter::Polls(6),
    DroppedAfter::Turns(1),
    DroppedAfter::Turns(10),
    DroppedAfter::AWhile,
];

/// Of a create that is dropped there comes the whole session or none, now or a little later, and it holds up nobody.
pub async fn a_create_that_nobody_waits_for_is_whole_or_nothing(storage: Arc<dyn SessionStorage>) {
    for dropped in DROPPED {
        let subject = Subject::unused(&storage);
        let new = full_record();
        let create = storage.create(subject.key, new.clone().into(), NOW);
        give_up(create, dropped).await;
        others_go_on(&subject).await;
        becomes(&subject, None, Some(&new)).await;
        let again = record(*b"again");
        let created = in_time("create", subject.create(&again, NOW)).await;
        let expected = match created {
            Created::Created => again,
            Created::Exists => new,
        };
        assert_eq!(
            *subject.live(NOW).await,
            expected,
            "load after a create that said {created:?}, after one that nobody waited for"
        );
    }
}

/// Of a replace or a touch that is dropped there comes the whole new record or the old one stays, and once the new one
/// was seen, it stays. After a delete it comes to nothing.
pub async fn a_write_that_nobody_waits_for_is_whole_or_nothing(storage: Arc<dyn SessionStorage>) {
    for dropped in DROPPED {
        let stored = full_record();
        for operation in writes(&stored) {
            let subject = Subject::with(&storage, &stored).await;
            let mut model = Model::with(&stored);
            operation.on_model(&mut model, NOW);
            give_up(operation.ask(&subject, NOW), dropped).await;
            others_go_on(&subject).await;
            becomes(&subject, Some(&stored), model.load(NOW).as_deref()).await;
            assert!(
                in_time("delete", subject.delete(NOW)).await,
                "delete of a live session, after a write that nobody waited for"
            );
            becomes(&subject, None, None).await;
        }
    }
}

/// Of a delete that is dropped there is the whole session left or none, and after another one that is acknowledged,
/// none.
pub async fn a_delete_that_nobody_waits_for_is_done_or_not(storage: Arc<dyn SessionStorage>) {
    for dropped in DROPPED {
        let stored = full_record();
        let subject = Subject::with(&storage, &stored).await;
        give_up(Operation::Delete.ask(&subject, NOW), dropped).await;
        others_go_on(&subject).await;
        becomes(&subject, Some(&stored), None).await;
        in_time("delete", subject.delete(NOW)).await;
        becomes(&subject, None, None).await;
    }
}

/// A load or a purge that is dropped changes nothing that is live.
pub async fn a_read_or_a_purge_that_nobody_waits_for_changes_nothing(storage: Arc<dyn SessionStorage>) {
    for dropped in DROPPED {
        let (stored, short) = (full_record(), record(*b"short"));
        let live = Subject::with(&storage, &stored).await;
        let expired = Subject::with(&storage, &short).await;
        let end = short.times.deadline();
        let touch = Operation::Touch(Touch {
            epoch: stored.epoch,
            ..touch_at(end)
        });
        touch.on(&live, NOW).await;
        let touched = live.live(end).await;
        for operation in [Operation::Load(Read::Latest), Operation::Purge(100)] {
            give_up(operation.ask(&live, end), dropped).await;
            others_go_on(&live).await;
            becomes(&live, Some(&touched), Some(&touched)).await;
        }
        let freed = in_time("purge_expired", Operation::Purge(100).on(&live, end)).await;
        assert!(
            matches!(freed, Answer::Purged(0 | 1)),
            "purge gave {freed:?} where one session had expired, after one that nobody waited for"
        );
        assert_eq!(expired.load(end).await, None, "load of an expired session");
        live.delete(NOW).await;
    }
}

/// Steps of a login and of its end that are dropped are done or not, and what is acknowledged after them holds: a
/// cut-off takes back the place, a confirm makes it last, a release gives it back.
pub async fn a_login_that_nobody_waits_for_is_cut_off_like_any(storage: Arc<dyn SessionStorage>) {
    for dropped in DROPPED {
        let Some(places) = Places::of_somebody(&storage) else {
            return;
        };
        let (session, next) = (member(NOW), member(LATER));
        let bystander = places.session(&next);
        give_up(places.reserve(place(&session), NOW), dropped).await;
        others_go_on(&bystander).await;
        assert_eq!(places.members(NOW).await, [], "members after a reserve");
        in_time("reserve", places.reserve(place(&session), NOW)).await;

        give_up(places.confirm(&session, NOW), dropped).await;
        others_go_on(&bystander).await;
        let members = places.members(NOW).await;
        assert!(
            members.is_empty() || members == [session.clone()],
            "members after a confirm that nobody waited for"
        );
        assert!(
            in_time("confirm", places.confirm(&session, NOW)).await,
            "confirm of a reserved place, after one that nobody waited for"
        );

        give_up(places.reserve(place(&next), NOW), dropped).await;
        give_up(places.cut_off(LATER), dropped).await;
        others_go_on(&bystander).await;
        assert_eq!(
            in_time("cut_off", places.cut_off(LATER)).await,
            std::slice::from_ref(&session),
            "cut_off, after one that nobody waited for"
        );
        assert!(
            !places.confirm(&next, LATER).await,
            "confirm of a place that a cut-off took back"
        );
        assert_eq!(
            places.reserve(place(&next), LATER).await,
            Reserved::CutOff,
            "reserve of what began before a cut-off"
        );
        let later = Reservation {
            began: LATER,
            ..place(&next)
        };
        assert_eq!(
            places.reserve(later, LATER).await,
            Reserved::Reserved,
            "reserve of what began at a cut-off"
        );

        give_up(places.release(&session, LATER), dropped).await;
        others_go_on(&bystander).await;
        in_time("release", places.release(&session, LATER)).await;
        assert_eq!(places.members(LATER).await, [], "members after a release");
    }
}

/// The writes of a session that is there.
fn writes(stored: &Record) -> [Operation; 3] {
    let new = Arc::new(Record {
        revision: revision(),
        payload: Payload::new(vec![7; 20_000]),
        ..stored.clone()
    });
    let touch = Touch {
        epoch: stored.epoch,
        ..touch_at(LATER)
    };
    [
        Operation::Replace(Arc::clone(&new), Expected::Revision(stored.revision)),
        Operation::Replace(new, Expected::Epoch(stored.epoch)),
        Operation::Touch(touch),
    ]
}

async fn give_up<T>(operation: impl Future<Output = T>, dropped: DroppedAfter) {
    let mut operation = Box::pin(operation);
    let (polls, turns) = match dropped {
        DroppedAfter::Polls(polls) => (polls, 0),
        DroppedAfter::Turns(turns) => (1, turns),
        DroppedAfter::AWhile => (1, 0),
    };
    let mut left = polls;
    let polled = poll_fn(|context| {
        if left == 0 || operation.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    });
    in_time("an operation", polled).await;
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    if let DroppedAfter::AWhile = dropped {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The record is the old one until it is the new one, and nothing else at any time.
async fn becomes(subject: &Subject, old: Option<&Record>, new: Option<&Record>) {
    let mut done = false;
    for look in 0..6 {
        let found = in_time("load", subject.load(NOW)).await;
        if found.as_deref() == new {
            done = true;
        } else {
            assert_eq!(
                found.as_deref(),
                old,
                "what is there after an operation that nobody waited for"
            );
            assert!(!done, "what nobody waited for was done, and undone");
        }
        if look > 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Whoever wants something of another session gets it, and readers of this one.
async fn others_go_on(subject: &Subject) {
    let other = Subject::unused(&subject.storage);
    let stored = record(*b"other");
    in_time("load", subject.load(NOW)).await;
    in_time("create", other.create(&stored, NOW)).await;
    let expected = Expected::Revision(stored.revision);
    in_time("replace", other.replace(&record(*b"value"), expected, NOW)).await;
    in_time("touch", other.touch(touch_at(NOW), NOW)).await;
    in_time("delete", other.delete(NOW)).await;
    let health = answer("health", subject.storage.health());
    in_time("health", health).await;
}
