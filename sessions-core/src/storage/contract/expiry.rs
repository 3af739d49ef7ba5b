//! Deadlines, to the millisecond.

use std::sync::Arc;

use super::subject::{HOUR, MINUTE, NOW, SECOND, Subject, answer, record, revision, touch_at};
use crate::{
    Record, Timestamp,
    storage::{Created, Expected, Read, Replaced, SessionStorage, Touch, Touched},
};

/// At the idle deadline no operation finds it; a millisecond before every one does.
pub async fn a_session_ends_at_its_idle_deadline(storage: Arc<dyn SessionStorage>) {
    let mut stored = record(*b"value");
    stored.times.idle_deadline = NOW.after(MINUTE);
    ends_at(&storage, &stored, NOW.after(MINUTE)).await;
}

/// At the absolute deadline no operation finds it; a millisecond before every one does.
pub async fn a_session_ends_at_its_absolute_deadline(storage: Arc<dyn SessionStorage>) {
    let mut stored = record(*b"value");
    stored.times.absolute_deadline = NOW.after(MINUTE);
    ends_at(&storage, &stored, NOW.after(MINUTE)).await;
}

/// At its cap, `not_after`, no operation finds it; a millisecond before every one does.
pub async fn a_session_ends_at_its_own_cap(storage: Arc<dyn SessionStorage>) {
    let mut stored = record(*b"value");
    stored.times.not_after = Some(NOW.after(MINUTE));
    ends_at(&storage, &stored, NOW.after(MINUTE)).await;
}

async fn ends_at(storage: &Arc<dyn SessionStorage>, stored: &Record, end: Timestamp) {
    let last = Timestamp::from_millis(end.as_millis() - 1);

    let subject = Subject::with(storage, stored).await;
    assert_eq!(
        *subject.live(last).await,
        *stored,
        "load a millisecond before the deadline"
    );
    assert_eq!(
        subject.create(&record(*b"other"), last).await,
        Created::Exists,
        "create a millisecond before the deadline"
    );
    // A touch that moves nothing, as one that moves the idle deadline would move the end.
    let touch = Touch {
        epoch: 0,
        last_seen: NOW,
        idle_deadline: NOW,
    };
    assert_eq!(
        subject.touch(touch, last).await,
        Touched::Touched,
        "touch a millisecond before the deadline"
    );
    for expected in [Expected::Epoch(0), Expected::Revision(stored.revision)] {
        let replaced = subject.replace(stored, expected, last).await;
        assert_eq!(
            replaced,
            Replaced::Done,
            "replace({expected:?}) a millisecond before the deadline"
        );
    }
    assert!(
        subject.delete(last).await,
        "delete a millisecond before the deadline"
    );

    let subject = Subject::with(storage, stored).await;
    for read in [Read::Any, Read::Latest] {
        for (now, there) in [(last, true), (end, false)] {
            let loaded = answer("load", storage.load(subject.key, read, now)).await;
            assert_eq!(
                loaded.is_some(),
                there,
                "load({read:?}) of a session that ends at {end:?}, at {now:?}"
            );
        }
    }
    assert_eq!(
        Subject::with(storage, stored)
            .await
            .touch(touch_at(end), end)
            .await,
        Touched::Gone,
        "touch at the deadline"
    );
    for expected in [Expected::Epoch(0), Expected::Revision(stored.revision)] {
        let subject = Subject::with(storage, stored).await;
        assert_eq!(
            subject.replace(stored, expected, end).await,
            Replaced::NotFound,
            "replace({expected:?}) at the deadline"
        );
    }
    assert!(
        !Subject::with(storage, stored).await.delete(end).await,
        "delete at the deadline"
    );
    Subject::with(storage, stored).await.assert_absent(end).await;
}

/// The key of an expired session is free; what is created there is none of the old one.
pub async fn an_expired_session_makes_room(storage: Arc<dyn SessionStorage>) {
    let stored = record(*b"old");
    let subject = Subject::with(&storage, &stored).await;
    let end = stored.times.deadline();
    let mut new = record(*b"new");
    new.times.idle_deadline = end.after(HOUR);
    assert_eq!(
        subject.create(&new, end).await,
        Created::Created,
        "create where a session has expired"
    );
    assert_eq!(*subject.live(end).await, new, "load after it");
    assert!(subject.delete(end).await, "delete of it");
    subject.assert_absent(end).await;
}

/// A touched session lives to its new deadline, and not beyond.
pub async fn a_touched_session_lives_on(storage: Arc<dyn SessionStorage>) {
    let subject = Subject::with(&storage, &record(*b"value")).await;
    let mut now = NOW;
    for _ in 0..4 {
        now = now.after(20 * MINUTE);
        assert_eq!(
            subject.touch(touch_at(now), now).await,
            Touched::Touched,
            "touch within the idle timeout"
        );
        subject.live(now).await;
    }
    subject.assert_absent(now.after(HOUR / 2)).await;
}

/// A deadline may be `Timestamp::MAX`, with every operation.
pub async fn deadlines_may_be_at_the_end_of_time(storage: Arc<dyn SessionStorage>) {
    let mut stored = record(*b"value");
    stored.times.idle_deadline = Timestamp::MAX;
    stored.times.absolute_deadline = Timestamp::MAX;
    stored.times.not_after = Some(Timestamp::MAX);
    let subject = Subject::with(&storage, &stored).await;
    assert_eq!(*subject.live(NOW).await, stored, "load of an endless session");
    let touch = Touch {
        epoch: 0,
        last_seen: NOW.after(SECOND),
        idle_deadline: Timestamp::MAX,
    };
    assert_eq!(
        subject.touch(touch, NOW).await,
        Touched::Touched,
        "touch of an endless session"
    );
    stored.times.last_seen = NOW.after(SECOND);
    for expected in [Expected::Revision(stored.revision), Expected::Epoch(0)] {
        stored.revision = revision();
        assert_eq!(
            subject.replace(&stored, expected, NOW).await,
            Replaced::Done,
            "replace of an endless session"
        );
        assert_eq!(*subject.live(NOW).await, stored, "load of an endless session");
    }
    assert!(subject.delete(NOW).await, "delete of an endless session");
}

/// When `now` goes back, sessions stay, and no time moves back with it.
pub async fn a_clock_that_goes_back_undoes_nothing(storage: Arc<dyn SessionStorage>) {
    let later = NOW.after(10 * MINUTE);
    let mut stored = record(*b"value");
    stored.times.last_seen = later;
    stored.times.idle_deadline = later.after(HOUR / 2);
    let subject = Subject::with(&storage, &stored).await;
    subject.live(later).await;
    assert_eq!(*subject.live(NOW).await, stored, "load at an earlier time");
    assert_eq!(
        subject.touch(touch_at(NOW), NOW).await,
        Touched::Touched,
        "touch at an earlier time"
    );
    let mut new = Record {
        revision: revision(),
        ..stored.clone()
    };
    new.times.last_seen = NOW;
    new.times.idle_deadline = NOW.after(MINUTE);
    assert_eq!(
        subject.replace(&new, Expected::Epoch(0), NOW).await,
        Replaced::Done,
        "replace at an earlier time"
    );
    assert_eq!(
        subject.live(NOW).await.times,
        stored.times,
        "the times after writes at an earlier time"
    );
    assert_eq!(
        subject.create(&record(*b"other"), NOW).await,
        Created::Exists,
        "create at an earlier time"
    );
    assert!(subject.delete(NOW).await, "delete at an earlier time");
}
