//! `touch`.

use std::sync::Arc;

use super::subject::{HOUR, MINUTE, NOW, SECOND, Subject, full_record, record, touch_at};
use crate::{
    Record, Times,
    storage::{SessionStorage, Touch, Touched},
};

/// A touch takes when the session was last seen and its idle deadline to the given ones.
pub async fn a_touch_moves_times_forward(storage: Arc<dyn SessionStorage>) {
    let stored = record(*b"value");
    let subject = Subject::with(&storage, &stored).await;
    let later = NOW.after(10 * MINUTE);
    let touch = touch_at(later);
    assert_eq!(
        subject.touch(touch, later).await,
        Touched::Touched,
        "touch of a live session"
    );
    let times = Times {
        last_seen: touch.last_seen,
        idle_deadline: touch.idle_deadline,
        ..stored.times
    };
    assert_eq!(subject.live(later).await.times, times, "the times after a touch");
}

/// An earlier touch that comes later moves nothing back, and each of the two times for itself.
pub async fn a_touch_never_moves_times_back(storage: Arc<dyn SessionStorage>) {
    let subject = Subject::with(&storage, &record(*b"value")).await;
    let later = NOW.after(10 * MINUTE);
    subject.touch(touch_at(later), later).await;
    let before = subject.live(later).await;
    let earlier = NOW.after(MINUTE);
    assert_eq!(
        subject.touch(touch_at(earlier), later).await,
        Touched::Touched,
        "touch with times that have passed"
    );
    assert_eq!(subject.live(later).await, before, "load after an earlier touch");
    let seen = Touch {
        last_seen: later.after(SECOND),
        ..touch_at(earlier)
    };
    subject.touch(seen, later).await;
    let idle = Touch {
        idle_deadline: later.after(HOUR),
        ..touch_at(earlier)
    };
    subject.touch(idle, later).await;
    let times = Times {
        last_seen: seen.last_seen,
        idle_deadline: idle.idle_deadline,
        ..before.times
    };
    assert_eq!(
        subject.live(later).await.times,
        times,
        "the times after two touches"
    );
}

/// No touch takes the idle deadline past the absolute one.
pub async fn a_touch_stops_at_the_absolute_deadline(storage: Arc<dyn SessionStorage>) {
    let mut stored = record(*b"value");
    stored.times.absolute_deadline = NOW.after(HOUR);
    let subject = Subject::with(&storage, &stored).await;
    let touch = Touch {
        idle_deadline: NOW.after(100 * HOUR),
        ..touch_at(NOW)
    };
    assert_eq!(
        subject.touch(touch, NOW).await,
        Touched::Touched,
        "touch of a live session"
    );
    assert_eq!(
        subject.live(NOW).await.times.idle_deadline,
        stored.times.absolute_deadline,
        "the idle deadline after a touch beyond the absolute one"
    );
}

/// Nothing but the two times changes: not the revision, so that a touch never makes a conflict.
pub async fn a_touch_changes_nothing_but_times(storage: Arc<dyn SessionStorage>) {
    let stored = full_record();
    let subject = Subject::with(&storage, &stored).await;
    let later = NOW.after(10 * MINUTE);
    let touch = Touch {
        epoch: stored.epoch,
        ..touch_at(later)
    };
    assert_eq!(
        subject.touch(touch, later).await,
        Touched::Touched,
        "touch of a live session"
    );
    let mut expected: Record = stored;
    expected.times.last_seen = touch.last_seen;
    expected.times.idle_deadline = touch.idle_deadline;
    assert_eq!(*subject.live(later).await, expected, "load after a touch");
}

/// In another epoch a touch is superseded and changes nothing.
pub async fn a_touch_of_another_epoch_is_superseded(storage: Arc<dyn SessionStorage>) {
    let mut stored = record(*b"value");
    stored.epoch = 3;
    let subject = Subject::with(&storage, &stored).await;
    let later = NOW.after(MINUTE);
    for epoch in [0, 2, 4, u64::MAX] {
        let touch = Touch {
            epoch,
            ..touch_at(later)
        };
        assert_eq!(
            subject.touch(touch, later).await,
            Touched::Superseded,
            "touch in epoch {epoch} of a session in 3"
        );
        assert_eq!(
            *subject.live(later).await,
            stored,
            "load after a superseded touch"
        );
    }
}
