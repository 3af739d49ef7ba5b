//! `purge_expired`. A backend that frees memory by itself may find nothing to do, but never more than there was.

use std::sync::Arc;

use super::subject::{HOUR, MINUTE, NOW, Subject, answer, record, touch_at};
use crate::{
    Timestamp,
    storage::{SessionStorage, Touched},
};

/// What is live when it is purged stays, with what has expired freed around it.
pub async fn a_purge_leaves_live_sessions(storage: Arc<dyn SessionStorage>) {
    let stored = record(*b"value");
    let end = stored.times.deadline();
    let mut longer = record(*b"longer");
    longer.times.idle_deadline = end.after(HOUR);
    let mut expired = Vec::new();
    let mut live = Vec::new();
    for _ in 0..20 {
        expired.push(Subject::with(&storage, &stored).await);
        live.push(Subject::with(&storage, &longer).await);
    }
    purge(&storage, usize::MAX, end).await;
    for subject in live {
        assert_eq!(
            *subject.live(end).await,
            longer,
            "load of a live session after a purge"
        );
    }
    for subject in expired {
        subject.assert_absent(end).await;
    }
}

/// One purge frees at most as many as it is told, none if told none, and further ones the rest.
pub async fn a_purge_frees_no_more_than_its_limit(storage: Arc<dyn SessionStorage>) {
    let end = expiring(&storage, 10).await;
    let mut freed = 0;
    for limit in [0, 1, 3, 3, 100] {
        let now_freed = purge(&storage, limit, end).await;
        assert!(
            now_freed <= limit,
            "purge freed {now_freed} at a limit of {limit}"
        );
        freed += now_freed;
    }
    assert!(
        freed == 10 || freed == 0,
        "purges freed {freed} of 10 expired sessions"
    );
}

/// A purge says how many it freed, and each only once.
pub async fn a_purge_counts_what_it_frees(storage: Arc<dyn SessionStorage>) {
    let end = expiring(&storage, 10).await;
    let early = purge(&storage, 100, NOW).await;
    assert_eq!(early, 0, "purge before the deadline");
    let freed = purge(&storage, 100, end).await;
    assert!(
        freed == 10 || freed == 0,
        "purge freed {freed} of 10 expired sessions"
    );
    assert_eq!(purge(&storage, 100, end).await, 0, "purge after a purge");
}

/// A session that was touched is purged at its new deadline, not at the old one.
pub async fn a_purge_spares_a_session_whose_deadline_moved(storage: Arc<dyn SessionStorage>) {
    let stored = record(*b"value");
    let subject = Subject::with(&storage, &stored).await;
    let later = NOW.after(20 * MINUTE);
    assert_eq!(
        subject.touch(touch_at(later), later).await,
        Touched::Touched,
        "touch of a live session"
    );
    let old_end = stored.times.deadline();
    assert_eq!(
        purge(&storage, 100, old_end).await,
        0,
        "purge at a deadline that has moved"
    );
    subject.live(old_end).await;
    let end = later.after(HOUR / 2);
    assert!(
        purge(&storage, 100, end).await <= 1,
        "purge of one expired session"
    );
    subject.assert_absent(end).await;
}

/// So many sessions, and when they have all expired.
pub(super) async fn expiring(storage: &Arc<dyn SessionStorage>, count: usize) -> Timestamp {
    let stored = record(*b"value");
    for _ in 0..count {
        Subject::with(storage, &stored).await;
    }
    stored.times.deadline()
}

pub(super) async fn purge(storage: &Arc<dyn SessionStorage>, limit: usize, now: Timestamp) -> usize {
    answer("purge_expired", storage.purge_expired(limit, now)).await
}
