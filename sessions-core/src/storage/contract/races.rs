//! Many at once on one key.

use std::sync::Arc;

use super::{
    purge::{expiring, purge},
    subject::{NOW, SECOND, Subject, record, revision, together, touch_at},
};
use crate::{
    Payload, Record,
    storage::{Created, Expected, Replaced, SessionStorage},
};

/// Of many creates under one key exactly one succeeds, and it is its record that is there.
pub async fn of_parallel_creates_one_wins(storage: Arc<dyn SessionStorage>) {
    for _ in 0..20 {
        let subject = Subject::unused(&storage);
        let created = together((0..16_u8).map(|number| {
            let subject = subject.clone();
            async move { subject.create(&record([number]), NOW).await }
        }))
        .await;
        let winners: Vec<_> = (0..)
            .zip(created)
            .filter(|(_, one)| *one == Created::Created)
            .collect();
        assert_eq!(winners.len(), 1, "creates that succeeded under one key");
        assert_eq!(
            subject.live(NOW).await.payload.as_bytes(),
            &[winners[0].0],
            "the payload of the one that succeeded"
        );
    }
}

/// Of 32 deletes exactly one is true.
pub async fn of_parallel_deletes_one_wins(storage: Arc<dyn SessionStorage>) {
    for _ in 0..20 {
        let subject = Subject::with(&storage, &record(*b"value")).await;
        assert_eq!(deletes(&[subject], 32).await, 1, "deletes that were true");
    }
}

/// So many deletes, shared out among nodes: how many were true.
pub(super) async fn deletes(nodes: &[Subject], count: usize) -> usize {
    let deleted = together((0..count).map(|number| {
        let subject = nodes[number % nodes.len()].clone();
        async move { subject.delete(NOW).await }
    }))
    .await;
    deleted.into_iter().filter(|deleted| *deleted).count()
}

/// Of many replaces that expect the same revision exactly one succeeds, and it is its record that is there.
pub async fn of_parallel_replaces_at_a_revision_one_wins(storage: Arc<dyn SessionStorage>) {
    for _ in 0..20 {
        let stored = record(*b"value");
        let subject = Subject::with(&storage, &stored).await;
        let replaced = together((0..16_u8).map(|number| {
            let subject = subject.clone();
            async move {
                let expected = Expected::Revision(stored.revision);
                subject.replace(&record([number]), expected, NOW).await
            }
        }))
        .await;
        let winners: Vec<_> = (0..)
            .zip(replaced)
            .filter(|(_, one)| *one == Replaced::Done)
            .collect();
        assert_eq!(winners.len(), 1, "replaces that succeeded at one revision");
        assert_eq!(
            subject.live(NOW).await.payload.as_bytes(),
            &[winners[0].0],
            "the payload of the one that succeeded"
        );
    }
}

/// Eight tasks add one 25 times each, by a compare-and-swap that they repeat: 200 in the end.
pub async fn parallel_updates_lose_nothing(storage: Arc<dyn SessionStorage>) {
    let subject = Subject::with(&storage, &record(0_u64.to_be_bytes())).await;
    assert_eq!(
        count_up(&[subject], 8, 25).await,
        200,
        "the sum of 200 increments"
    );
}

/// So many tasks, shared out among nodes, each adding one so many times: the sum.
pub(super) async fn count_up(nodes: &[Subject], tasks: usize, rounds: usize) -> u64 {
    together((0..tasks).map(|number| {
        let subject = nodes[number % nodes.len()].clone();
        async move {
            for _ in 0..rounds {
                increment(&subject).await;
            }
        }
    }))
    .await;
    counter(&*nodes[0].live(NOW).await)
}

async fn increment(subject: &Subject) {
    loop {
        let stored = subject.live(NOW).await;
        let next = Record {
            revision: revision(),
            payload: Payload::new((counter(&stored) + 1).to_be_bytes()),
            ..(*stored).clone()
        };
        match subject
            .replace(&next, Expected::Revision(stored.revision), NOW)
            .await
        {
            Replaced::Done => return,
            Replaced::Conflict => tokio::task::yield_now().await,
            Replaced::NotFound => panic!("replace found no session where nobody deletes"),
        }
    }
}

fn counter(record: &Record) -> u64 {
    match record.payload.as_bytes().try_into() {
        Ok(bytes) => u64::from_be_bytes(bytes),
        Err(_) => panic!("load gave a payload that nobody wrote"),
    }
}

/// Whatever writes race with a delete, the session is gone once the delete is acknowledged.
pub async fn racing_writes_never_bring_a_deleted_session_back(storage: Arc<dyn SessionStorage>) {
    for _ in 0..100 {
        let stored = record(*b"value");
        let subject = Subject::with(&storage, &stored).await;
        race_a_delete(&[subject], &stored).await;
    }
}

/// Writers, shared out among nodes, against one delete.
pub(super) async fn race_a_delete(nodes: &[Subject], stored: &Record) {
    let gone = together((0..7).map(|number| {
        let subject = nodes[number % nodes.len()].clone();
        let new = record(*b"other");
        let revision = stored.revision;
        async move {
            match number {
                0 | 1 => {
                    let later = NOW.after(SECOND);
                    subject.touch(touch_at(later), later).await;
                }
                2 | 3 => {
                    subject.replace(&new, Expected::Epoch(0), NOW).await;
                }
                4 | 5 => {
                    subject.replace(&new, Expected::Revision(revision), NOW).await;
                }
                _ => {
                    assert!(subject.delete(NOW).await, "the one delete of a live session");
                    return subject.load(NOW).await.is_none();
                }
            }
            true
        }
    }))
    .await;
    assert!(
        gone.into_iter().all(|gone| gone),
        "a session was there after its delete"
    );
    for subject in nodes {
        assert_eq!(
            subject.load(NOW).await,
            None,
            "a write that raced with a delete brought the session back"
        );
    }
}

/// Of touches in any order, the times of the latest stay.
pub async fn racing_touches_leave_the_latest_times(storage: Arc<dyn SessionStorage>) {
    for _ in 0..20 {
        let subject = Subject::with(&storage, &record(*b"value")).await;
        let latest = NOW.after(16 * SECOND);
        together((1..=16).map(|number| {
            let subject = subject.clone();
            async move { subject.touch(touch_at(NOW.after(number * SECOND)), NOW).await }
        }))
        .await;
        let times = subject.live(NOW).await.times;
        let touch = touch_at(latest);
        assert_eq!(
            (times.last_seen, times.idle_deadline),
            (touch.last_seen, touch.idle_deadline),
            "the times after touches at once"
        );
    }
}

/// Purges at once do not count a session twice.
pub async fn racing_purges_count_each_session_once(storage: Arc<dyn SessionStorage>) {
    let end = expiring(&storage, 20).await;
    let freed = together((0..8).map(|_| {
        let storage = Arc::clone(&storage);
        async move { purge(&storage, 100, end).await }
    }))
    .await;
    let freed: usize = freed.into_iter().sum();
    assert!(
        freed == 20 || freed == 0,
        "purges at once freed {freed} of 20 expired sessions"
    );
}

/// A reader sees the record of one write, never parts of two.
pub async fn readers_see_whole_records(storage: Arc<dyn SessionStorage>) {
    let whole = |number: u8| Record {
        label: Some(number.to_string().into()),
        ..record(vec![number; 10_000])
    };
    let subject = Subject::with(&storage, &whole(0)).await;
    together((0..4).map(|task| {
        let subject = subject.clone();
        async move {
            for number in 0..50 {
                if task == 0 {
                    let revision = subject.live(NOW).await.revision;
                    let replaced = subject
                        .replace(&whole(number), Expected::Revision(revision), NOW)
                        .await;
                    assert_eq!(replaced, Replaced::Done, "replace by the one writer");
                } else {
                    let seen = subject.live(NOW).await;
                    let number = seen.payload.as_bytes()[0];
                    assert!(
                        seen.payload == whole(number).payload && seen.label == whole(number).label,
                        "load gave parts of two records"
                    );
                }
            }
        }
    }))
    .await;
}
