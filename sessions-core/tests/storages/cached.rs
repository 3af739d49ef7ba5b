//! What a cached storage does beyond the contract.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use sessions_core::{
    Payload, Record, Revision, StorageKey, Timestamp,
    storage::{
        CachedStorage, Created, Expected, MemoryStorage, Read, Replaced, SessionStorage, Touch, Touched,
        contract::{NOW, record},
    },
};

use crate::around::Around;

type Cached = CachedStorage<Around<MemoryStorage>>;

const KEY: StorageKey = StorageKey::from_bytes([7; 32]);
const SECOND: Duration = Duration::from_secs(1);

/// A cache of a session, what is behind it, and the way past it.
struct Nodes {
    cached: Cached,
    behind: Around<MemoryStorage>,
    other: MemoryStorage,
}

fn nodes(change: impl FnOnce(&mut Around<MemoryStorage>)) -> Nodes {
    let other = MemoryStorage::new();
    let mut behind = Around::new(other.clone());
    change(&mut behind);
    Nodes {
        cached: CachedStorage::new(behind.clone()),
        behind,
        other,
    }
}

async fn any(storage: &impl SessionStorage, now: Timestamp) -> Option<Arc<Record>> {
    storage.load(KEY, Read::Any, now).await.unwrap()
}

fn later(record: &Record, payload: &[u8]) -> Record {
    Record {
        public_id: record.public_id.clone(),
        ..self::record(payload)
    }
}

fn touch(now: Timestamp) -> Touch {
    Touch {
        epoch: 0,
        last_seen: now,
        idle_deadline: now.after(1800 * SECOND),
    }
}

#[tokio::test]
async fn a_hit_is_there_at_once_and_asks_nobody() {
    let Nodes {
        cached,
        behind,
        other,
    } = nodes(|_| ());
    other.create(KEY, record([]).into(), NOW).await.unwrap();
    let first = any(&cached, NOW).await.unwrap();
    assert_eq!(behind.calls(), 1);
    let hit = cached.load(KEY, Read::Any, NOW);
    assert!(hit.is_ready());
    assert!(Arc::ptr_eq(&hit.await.unwrap().unwrap(), &first));
    assert_eq!(behind.calls(), 0);
}

#[tokio::test]
async fn the_latest_is_always_asked_for_and_kept() {
    let Nodes {
        cached,
        behind,
        other,
    } = nodes(|_| ());
    let first = record(*b"first");
    cached.create(KEY, first.clone().into(), NOW).await.unwrap();
    let second = later(&first, b"second");
    other
        .replace(KEY, second.clone().into(), Expected::Epoch(0), NOW)
        .await
        .unwrap();
    behind.calls();
    let latest = cached.load(KEY, Read::Latest, NOW).await.unwrap().unwrap();
    assert_eq!(latest.payload, second.payload);
    assert_eq!(behind.calls(), 1);
    assert_eq!(any(&cached, NOW).await.unwrap().payload, second.payload);
    assert_eq!(behind.calls(), 0);
}

#[tokio::test]
async fn another_nodes_write_is_seen_within_the_staleness() {
    let Nodes {
        cached,
        behind,
        other,
    } = nodes(|_| ());
    let cached = cached.staleness(3 * SECOND);
    cached.create(KEY, record([]).into(), NOW).await.unwrap();
    behind.calls();
    other.delete(KEY, NOW).await.unwrap();
    let last = NOW.after(3 * SECOND - Duration::from_millis(1));
    assert!(any(&cached, last).await.is_some());
    assert_eq!(behind.calls(), 0);
    assert_eq!(any(&cached, NOW.after(3 * SECOND)).await, None);
}

#[tokio::test]
async fn no_copy_is_used_at_a_staleness_of_zero() {
    let Nodes { cached, behind, .. } = nodes(|_| ());
    let cached = cached.staleness(Duration::ZERO);
    cached.create(KEY, record([]).into(), NOW).await.unwrap();
    behind.calls();
    any(&cached, NOW).await.unwrap();
    assert_eq!(behind.calls(), 1);
}

#[tokio::test]
async fn a_copy_of_the_future_is_not_used() {
    let Nodes {
        cached,
        behind,
        other,
    } = nodes(|_| ());
    let hour = NOW.after(3600 * SECOND);
    let mut stored = record([]);
    stored.times.idle_deadline = hour.after(3600 * SECOND);
    cached.create(KEY, stored.into(), hour).await.unwrap();
    behind.calls();
    other.delete(KEY, NOW).await.unwrap();
    assert_eq!(any(&cached, NOW).await, None);
}

#[tokio::test]
async fn an_expired_copy_is_not_shown() {
    let Nodes { cached, .. } = nodes(|_| ());
    let mut stored = record([]);
    stored.times.idle_deadline = NOW.after(SECOND);
    cached.create(KEY, stored.into(), NOW).await.unwrap();
    assert!(any(&cached, NOW).await.is_some());
    assert_eq!(any(&cached, NOW.after(SECOND)).await, None);
}

#[tokio::test]
async fn no_copy_is_kept_at_a_capacity_of_zero() {
    let Nodes { cached, behind, .. } = nodes(|_| ());
    let cached = cached.capacity(0);
    cached.create(KEY, record([]).into(), NOW).await.unwrap();
    behind.calls();
    any(&cached, NOW).await.unwrap();
    any(&cached, NOW).await.unwrap();
    assert_eq!(behind.calls(), 2);
}

#[tokio::test]
async fn no_more_copies_are_kept_than_it_has_room_for_and_no_session_is_lost_for_it() {
    let Nodes { cached, other, .. } = nodes(|_| ());
    let cached = cached.capacity(100);
    let keys: Vec<_> = (0..10_000_u16)
        .map(|number| {
            let mut key = [7; 32];
            // Spread over the parts of the cache.
            key[..2].copy_from_slice(&number.to_be_bytes());
            key[30..].copy_from_slice(&number.to_be_bytes());
            StorageKey::from_bytes(key)
        })
        .collect();
    for &key in &keys {
        other.create(key, record([]).into(), NOW).await.unwrap();
    }
    for &key in &keys {
        assert!(cached.load(key, Read::Any, NOW).await.unwrap().is_some());
    }
    // Nobody waits for those that are not ready: they ask for nothing, and put nothing in.
    let copies = keys
        .iter()
        .filter(|&&key| cached.load(key, Read::Any, NOW).is_ready())
        .count();
    assert!((1..=100).contains(&copies), "{copies} copies");
    for &key in &keys {
        assert!(cached.load(key, Read::Any, NOW).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_write_through_it_needs_no_load() {
    let Nodes { cached, behind, .. } = nodes(|_| ());
    let first = record(*b"first");
    cached.create(KEY, first.clone().into(), NOW).await.unwrap();
    assert_eq!(*any(&cached, NOW).await.unwrap(), first);
    let second = later(&first, b"second");
    let expected = Expected::Revision(first.revision);
    cached
        .replace(KEY, second.clone().into(), expected, NOW)
        .await
        .unwrap();
    assert_eq!(*any(&cached, NOW).await.unwrap(), second);
    let now = NOW.after(SECOND);
    assert_eq!(
        cached.touch(KEY, touch(now), now).await.unwrap(),
        Touched::Touched
    );
    assert_eq!(any(&cached, now).await.unwrap().times.last_seen, now);
    assert_eq!(behind.calls(), 3);
}

#[tokio::test]
async fn a_touch_makes_a_copy_no_younger() {
    let Nodes { cached, other, .. } = nodes(|_| ());
    let first = record(*b"first");
    cached.create(KEY, first.clone().into(), NOW).await.unwrap();
    let second = later(&first, b"second");
    other
        .replace(KEY, second.clone().into(), Expected::Epoch(0), NOW)
        .await
        .unwrap();
    let now = NOW.after(4 * SECOND);
    cached.touch(KEY, touch(now), now).await.unwrap();
    assert_eq!(
        any(&cached, NOW.after(5 * SECOND)).await.unwrap().payload,
        second.payload
    );
}

#[tokio::test]
async fn a_replace_within_the_epoch_shows_what_is_stored() {
    let Nodes {
        cached,
        behind,
        other,
    } = nodes(|_| ());
    let first = record(*b"first");
    cached.create(KEY, first.clone().into(), NOW).await.unwrap();
    let second = later(&first, b"second");
    cached
        .replace(KEY, second.clone().into(), Expected::Epoch(0), NOW)
        .await
        .unwrap();
    behind.calls();
    assert_eq!(any(&cached, NOW).await, any(&other, NOW).await);
    assert_eq!(behind.calls(), 1);
}

#[tokio::test]
async fn a_refused_write_takes_the_copy_out() {
    let Nodes { cached, other, .. } = nodes(|_| ());
    let mut first = record(*b"first");
    let wrong = Revision([0; 16]);
    for step in 0..4 {
        first.epoch = 0;
        cached.create(KEY, first.clone().into(), NOW).await.unwrap();
        let mut second = later(&first, b"second");
        second.epoch = 1;
        let expected = Expected::Revision(first.revision);
        other
            .replace(KEY, second.clone().into(), expected, NOW)
            .await
            .unwrap();
        assert_eq!(any(&cached, NOW).await.as_deref(), Some(&first), "a copy, still");
        match step {
            0 => {
                let created = cached.create(KEY, first.clone().into(), NOW).await.unwrap();
                assert_eq!(created, Created::Exists);
            }
            1 => {
                let expected = Expected::Revision(wrong);
                let replaced = cached
                    .replace(KEY, first.clone().into(), expected, NOW)
                    .await
                    .unwrap();
                assert_eq!(replaced, Replaced::Conflict);
            }
            2 => {
                let expected = Expected::Epoch(0);
                let replaced = cached
                    .replace(KEY, first.clone().into(), expected, NOW)
                    .await
                    .unwrap();
                assert_eq!(replaced, Replaced::Conflict);
            }
            _ => {
                let touched = cached.touch(KEY, touch(NOW), NOW).await.unwrap();
                assert_eq!(touched, Touched::Superseded);
            }
        }
        assert_eq!(any(&cached, NOW).await.as_deref(), Some(&second), "step {step}");
        assert!(cached.delete(KEY, NOW).await.unwrap());
        assert_eq!(any(&cached, NOW).await, None);
    }
}

#[test]
fn a_load_that_found_a_session_does_not_outlast_one_that_found_it_gone() {
    let Nodes { cached, other, .. } = nodes(|behind| behind.slow = true);
    finish(other.create(KEY, record([]).into(), NOW)).unwrap();
    let mut early = Box::pin(any(&cached, NOW));
    let mut context = Context::from_waker(Waker::noop());
    assert!(early.as_mut().poll(&mut context).is_pending());
    assert!(early.as_mut().poll(&mut context).is_pending());
    finish(other.delete(KEY, NOW)).unwrap();
    assert_eq!(finish(any(&cached, NOW)), None);
    assert!(finish(early).is_some(), "it had read the session before");
    assert_eq!(finish(any(&cached, NOW)), None);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    LoadAny,
    LoadLatest,
    Create,
    ReplaceAtTheRevision,
    ReplaceWithinTheEpoch,
    Touch,
    Delete,
}

const STEPS: [Step; 7] = [
    Step::LoadAny,
    Step::LoadLatest,
    Step::Create,
    Step::ReplaceAtTheRevision,
    Step::ReplaceWithinTheEpoch,
    Step::Touch,
    Step::Delete,
];

async fn take(step: Step, cached: Cached, stored: Arc<Record>) {
    let new = Arc::new(Record {
        revision: Revision([step as u8; 16]),
        payload: Payload::new([step as u8]),
        ..Record::clone(&stored)
    });
    let now = NOW.after(SECOND);
    match step {
        Step::LoadAny => drop(cached.load(KEY, Read::Any, now).await.unwrap()),
        Step::LoadLatest => drop(cached.load(KEY, Read::Latest, now).await.unwrap()),
        Step::Create => drop(cached.create(KEY, new, now).await.unwrap()),
        Step::ReplaceAtTheRevision => {
            let expected = Expected::Revision(stored.revision);
            cached.replace(KEY, new, expected, now).await.unwrap();
        }
        Step::ReplaceWithinTheEpoch => {
            cached.replace(KEY, new, Expected::Epoch(0), now).await.unwrap();
        }
        Step::Touch => drop(cached.touch(KEY, touch(now), now).await.unwrap()),
        Step::Delete => drop(cached.delete(KEY, now).await.unwrap()),
    }
}

/// Every order of so many polls of the first, the second and the third.
fn orders(polls: [usize; 3]) -> Vec<Vec<usize>> {
    if polls == [0; 3] {
        return vec![Vec::new()];
    }
    let mut orders = Vec::new();
    for first in 0..3 {
        let mut rest = polls;
        let Some(fewer) = rest[first].checked_sub(1) else {
            continue;
        };
        rest[first] = fewer;
        for order in self::orders(rest) {
            orders.push([vec![first], order].concat());
        }
    }
    orders
}

/// Polls a future to its end; nothing in these tests waits for anything but its next poll.
fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return answer;
        }
    }
}

/// A session, in the cache or not yet; then three steps are polled in this order, each to its end or as often as it
/// is in there, and dropped.
fn interleave(
    nodes: &Nodes,
    stored: &Arc<Record>,
    steps: [Step; 3],
    polls: [usize; 3],
    order: &[usize],
    warm: bool,
) {
    let Nodes { cached, other, .. } = nodes;
    finish(cached.delete(KEY, NOW)).unwrap();
    finish(other.create(KEY, stored.clone(), NOW)).unwrap();
    if warm {
        finish(any(cached, NOW));
    }
    let mut running = steps.map(|step| Some(Box::pin(take(step, cached.clone(), stored.clone()))));
    let mut left = polls;
    let mut context = Context::from_waker(Waker::noop());
    for &index in order {
        left[index] -= 1;
        let Some(step) = &mut running[index] else {
            continue;
        };
        if step.as_mut().poll(&mut context).is_ready() || left[index] == 0 {
            running[index] = None;
        }
    }
    let now = NOW.after(SECOND);
    let shown = finish(any(cached, now));
    let kept = finish(any(other, now));
    assert_eq!(shown, kept, "{steps:?} polled {order:?}, warm: {warm}");
}

#[test]
fn after_any_order_of_loads_and_writes_it_shows_what_is_stored() {
    let nodes = nodes(|behind| behind.slow = true);
    let stored = Arc::new(record(*b"stored"));
    let orders = orders([3; 3]);
    for (index, first) in STEPS.into_iter().enumerate() {
        for second in STEPS.into_iter().skip(index) {
            for order in &orders {
                for warm in [false, true] {
                    interleave(
                        &nodes,
                        &stored,
                        [Step::LoadAny, first, second],
                        [3; 3],
                        order,
                        warm,
                    );
                }
            }
        }
    }
}

#[test]
fn a_write_that_nobody_waits_for_leaves_no_copy() {
    let nodes = nodes(|behind| behind.slow = true);
    let stored = Arc::new(record(*b"stored"));
    for dropped in STEPS {
        for second in STEPS {
            for polls in [[3, 1, 3], [3, 2, 3]] {
                for order in orders(polls) {
                    interleave(
                        &nodes,
                        &stored,
                        [Step::LoadLatest, dropped, second],
                        polls,
                        &order,
                        true,
                    );
                }
            }
        }
    }
}
