//! What has to hold for each step: the state machine of `docs/rotation.md`, and what a request may be told.

use std::sync::Arc;

use sessions_core::{
    Record, Revision, Secrets, SessionSerializer, SessionStorage as _, StorageKey, Timestamp,
    serializer::Bincode, storage::Read,
};

use crate::stepped::{Answer, Done, Operation};
use crate::support::{Login, Said, at_once};
use crate::{
    names::key_and_hash,
    order::Order,
    requests::{Answered, Does, Refused, value},
    scene::{GRACE, STALENESS, Variant},
};

/// What a request has found under the token that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    NotYet,
    /// What opens the session, in this epoch.
    Good(u64),
    /// What did once.
    Stale(Reuse),
    Nothing,
}

/// What it means that a token is shown that was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// It may have been under way when it was replaced: the current one is not older than the grace.
    Unsuspicious,
    Suspicious,
}

/// Since when a token has no power, and which node has taken it: none if nobody has heard of it.
pub(crate) type Over = (Timestamp, Option<usize>);

/// What the checks know of a request: nothing that it was not answered itself.
pub(crate) struct Seen {
    does: Does,
    hash: [u8; 32],
    opened: Opened,
    /// If it was answered from a copy: when, and whether what it shows had no power any more.
    copied: Option<(Timestamp, Option<Over>)>,
    /// The last write that it knows of.
    revision: Option<Revision>,
    /// What its last call has left.
    left: Option<Arc<Record>>,
    /// How often it has changed the value.
    changes: usize,
}

impl Seen {
    pub(crate) fn new(does: Does, hash: [u8; 32]) -> Self {
        Self {
            does,
            hash,
            opened: Opened::NotYet,
            copied: None,
            revision: None,
            left: None,
            changes: 0,
        }
    }

    /// Its node has shown it a copy.
    fn copied(&mut self, copy: Arc<Record>, now: Timestamp, over: Option<Over>) {
        self.opened = opened(Some(&copy), &self.hash, now);
        self.copied = Some((now, over));
        self.revision = Some(copy.revision);
        self.left = Some(copy);
    }

    /// Its call was answered.
    pub(crate) fn heard(&mut self, key: StorageKey, done: &Done) {
        if done.call.operation.key() != Some(key) {
            return;
        }
        if let (Answer::Loaded(record), false) = (&done.answer, matches!(self.opened, Opened::Good(_))) {
            self.opened = opened(record.as_deref(), &self.hash, done.call.now);
            self.copied = None;
        }
        if let (Some(before), Some(after)) = (&done.before, &done.after) {
            self.changes += usize::from(before.payload != after.payload);
            if matches!(done.answer, Answer::Loaded(_)) || before != after {
                self.revision = Some(after.revision);
            }
        }
        // A revocation goes by the public id: what the request is told goes by what it had opened.
        if self.does != Does::Revoke || !matches!(done.answer, Answer::Deleted(_)) {
            self.left.clone_from(&done.after);
        }
    }
}

fn opened(record: Option<&Record>, hash: &[u8; 32], now: Timestamp) -> Opened {
    let Some(record) = record else {
        return Opened::Nothing;
    };
    let secrets = &record.secrets;
    if is_good(Some(record), hash, now) {
        Opened::Good(record.epoch)
    } else if all(secrets).any(|known| known == hash) {
        Opened::Stale(if now.since(secrets.since) >= GRACE {
            Reuse::Suspicious
        } else {
            Reuse::Unsuspicious
        })
    } else {
        Opened::Nothing
    }
}

/// Whether a secret opens what is stored.
pub(crate) fn is_good(record: Option<&Record>, hash: &[u8; 32], now: Timestamp) -> bool {
    record
        .filter(|record| !record.times.is_expired(now))
        .is_some_and(|record| {
            let previous = record.secrets.previous.as_ref();
            is_wanted(record, hash) || previous.is_some_and(|it| it.hash.0 == *hash && now < it.until)
        })
}

/// Whether it is the secret that a client should have, or its successor.
fn is_wanted(record: &Record, hash: &[u8; 32]) -> bool {
    let next = record.secrets.next.as_ref();
    record.secrets.current.0 == *hash || next.is_some_and(|next| next.hash.0 == *hash)
}

fn all(secrets: &Secrets) -> impl Iterator<Item = &[u8; 32]> {
    let next = secrets.next.iter().map(|next| &next.hash.0);
    let previous = secrets.previous.iter().map(|previous| &previous.hash.0);
    let past = secrets.past.iter().map(|past| &past.0);
    next.chain(previous).chain(past).chain([&secrets.current.0])
}

pub(crate) fn read(record: &Record) -> Login {
    <Bincode as SessionSerializer<Login>>::deserialize(record.payload.as_bytes()).unwrap()
}

/// Notes what its node shows to a request that comes now.
pub(crate) fn arrives(order: &mut Order<'_>, index: usize) {
    let waits = order.scene.storage.waiting(index);
    let waits = waits.is_some_and(|call| matches!(call.operation, Operation::Wait));
    let now = order.now();
    if let (true, false, Some(cache)) = (waits, order.does[index].is_time(), &order.node(index).cache) {
        let copy = cache.load(order.scene.key, Read::Any, now);
        if copy.is_ready()
            && let Some(copy) = at_once(copy).unwrap()
        {
            let over = order.over.get(&order.seen[index].hash).copied();
            order.seen[index].copied(copy, now, over);
        }
    }
}

/// A node's copy is never older than what the node itself has written; of others' writes it may know nothing.
pub(crate) fn copies(order: &Order<'_>) {
    for (node, written) in order.nodes.iter().zip(&order.written) {
        let Some(cache) = &node.cache else {
            continue;
        };
        let copy = cache.load(order.scene.key, Read::Any, order.now());
        if copy.is_ready()
            && let Some(copy) = at_once(copy).unwrap()
        {
            let mut since = order.versions[*written..].iter().flatten();
            assert!(
                since.any(|version| version.revision == copy.revision),
                "an old copy"
            );
        }
    }
}

/// A call has happened.
pub(crate) fn happened(order: &Order<'_>, index: usize, done: &Done) {
    let Some(key) = done.call.operation.key() else {
        return;
    };
    let does = order.does[index];
    if key != order.scene.key {
        // Nobody else knows of a session that was begun just now.
        assert_eq!(
            done.before.is_none() && done.after.is_some(),
            matches!(done.call.operation, Operation::Create(..)) && done.after.is_some()
        );
        assert!(
            done.before.is_none() || done.before == done.after,
            "{does:?} changed another session"
        );
        return;
    }
    match (&done.before, &done.after) {
        (None, None) => {}
        (None, Some(_)) => panic!("{does:?} revived it"),
        (Some(_), None) => deleted(order, index, done),
        (Some(before), Some(after)) if before == after => {}
        (Some(before), Some(after)) => changed(order, index, done, before, after),
    }
}

fn deleted(order: &Order<'_>, index: usize, done: &Done) {
    let (does, seen) = (order.does[index], &order.seen[index]);
    assert!(matches!(done.answer, Answer::Deleted(true)));
    let may = match seen.opened {
        // What was rotated away cannot be had any more; a logout ends it all the same.
        Opened::Good(epoch) if does == Does::Take => {
            seen.left.as_ref().is_some_and(|left| left.epoch == epoch)
        }
        Opened::Good(_) => does.deletes(),
        Opened::Stale(Reuse::Suspicious) => order.scene.variant == Variant::RevokingReuse,
        Opened::Stale(Reuse::Unsuspicious) | Opened::NotYet | Opened::Nothing => false,
    };
    assert!(may, "{does:?} ended what it had found {:?}", seen.opened);
}

fn changed(order: &Order<'_>, index: usize, done: &Done, before: &Record, after: &Record) {
    let (does, seen, now) = (order.does[index], &order.seen[index], done.call.now);
    // What never changes.
    for same in [
        before.public_id == after.public_id,
        before.application == after.application,
        before.name == after.name,
        before.schema == after.schema,
        before.principal == after.principal,
        before.label == after.label,
        before.times.created == after.times.created,
        before.times.authenticated == after.times.authenticated,
        before.times.absolute_deadline == after.times.absolute_deadline,
        before.times.not_after == after.times.not_after,
    ] {
        assert!(same, "{does:?} changed what never changes: {before:?}, {after:?}");
    }
    let (earlier, later) = (&before.times, &after.times);
    assert!(earlier.last_seen <= later.last_seen && earlier.idle_deadline <= later.idle_deadline);
    assert!(later.last_seen == earlier.last_seen || later.last_seen <= now);
    // Who writes has opened it in this epoch.
    assert_eq!(seen.opened, Opened::Good(before.epoch), "{does:?} wrote");

    if before.revision == after.revision {
        assert!(matches!(done.answer, Answer::Touched(_)));
        let Record { times, .. } = after.clone();
        assert_eq!(
            Record {
                times,
                ..before.clone()
            },
            *after,
            "a touch changed more than times"
        );
        return;
    }
    if let Operation::Replace(_, record, _) = &done.call.operation {
        assert_eq!(record.revision, after.revision);
    }

    if after.epoch != before.epoch {
        assert!(does.rotates(), "{does:?} rotated");
        assert_eq!(after.epoch, before.epoch + 1);
        assert!(after.secrets.next.is_none() && after.secrets.previous.is_none());
        assert_eq!(after.secrets.since, now);
        let fresh = after.secrets.current.0;
        assert!(all(&before.secrets).all(|old| *old != fresh));
        for old in all(&before.secrets) {
            assert!(after.secrets.past.iter().any(|past| past.0 == *old));
        }
    } else if before.secrets != after.secrets {
        if before.secrets.next.is_none() {
            renewed(order, index, now, &before.secrets, &after.secrets);
        } else {
            confirmed(order, index, now, &before.secrets, &after.secrets);
        }
    }

    if before.payload != after.payload {
        let (was, is) = (read(before), read(after));
        match does {
            Does::Update => assert_eq!(is.visits, was.visits + 1, "an update was lost"),
            Does::Set => assert_eq!(is, value(index)),
            Does::SetAndRotate => {
                assert_eq!(is, value(index));
                assert_eq!(after.epoch, before.epoch + 1, "a value without its rotation");
            }
            _ => panic!("{does:?} wrote a value"),
        }
        if does.sets() && order.scene.variant == Variant::Rejecting {
            assert_eq!(
                seen.revision,
                Some(before.revision),
                "written over what it had not seen"
            );
        }
    }
}

fn renewed(order: &Order<'_>, index: usize, now: Timestamp, before: &Secrets, after: &Secrets) {
    let does = order.does[index];
    let by_itself = order.scene.variant == Variant::Renewing && !does.rotates() && !does.deletes();
    assert!(does == Does::Renew || by_itself, "{does:?} renewed");
    let next = after.next.clone();
    assert!(next.is_some(), "no renewal: {before:?}, {after:?}");
    assert_eq!(
        Secrets {
            next,
            ..before.clone()
        },
        *after
    );
    assert_eq!(
        before.current.0, order.seen[index].hash,
        "renewed for another one"
    );
    let grace = before.previous.as_ref().map(|previous| previous.until);
    assert!(grace.is_none_or(|until| now >= until), "three would be good");
}

fn confirmed(order: &Order<'_>, index: usize, now: Timestamp, before: &Secrets, after: &Secrets) {
    let (next, previous) = (before.next.as_ref().unwrap(), after.previous.as_ref().unwrap());
    assert!(after.next.is_none());
    assert_eq!(after.current, next.hash, "a fork");
    assert_eq!(next.hash.0, order.seen[index].hash, "confirmed by another one");
    assert_eq!(
        (previous.hash, previous.until),
        (before.current, now.after(GRACE))
    );
    assert_eq!(after.since, now);
    let past = before.past.iter().copied();
    let past = past.chain(before.previous.iter().map(|previous| previous.hash));
    assert_eq!(past.collect::<Vec<_>>(), after.past);
}

/// A request was answered, at the moment of its last call.
pub(crate) fn answered(order: &Order<'_>, index: usize, answer: &Answered) {
    let (seen, does, variant) = (&order.seen[index], answer.does, order.scene.variant);
    if does.is_time() {
        return;
    }
    let stored = order.scene.storage.records(order.now());
    let stored = stored.get(&order.scene.key).map(|record| &**record);
    let good = is_good(stored, &seen.hash, order.now());
    if answer.found {
        assert!(
            matches!(seen.opened, Opened::Good(_)),
            "{does:?} accepted what it found {:?}",
            seen.opened
        );
    } else {
        assert!(!good, "{does:?} did not find what is there");
    }
    if let (true, Some((came, Some((over, by))))) = (answer.found, seen.copied) {
        assert_ne!(by, Some(order.node_of(index)), "its own node knew");
        assert!(came.since(over) < STALENESS, "a copy that is too old");
    }
    let unconfirmed = stored.and_then(|stored| stored.secrets.next.as_ref());
    assert!(
        unconfirmed.is_none_or(|next| next.hash.0 != seen.hash),
        "{does:?} has not confirmed it"
    );
    if seen.opened == Opened::Stale(Reuse::Suspicious) && variant == Variant::RevokingReuse {
        assert!(stored.is_none(), "{does:?} has not ended it");
    }

    match &answer.end {
        Ok(Said::Sent) => {
            let (key, hash) = key_and_hash(&answer.client);
            if key == order.scene.key {
                let wanted = seen.left.as_ref().is_some_and(|left| is_wanted(left, &hash));
                assert!(wanted, "{does:?} sent what is not good any more");
                assert!(
                    hash != seen.hash || variant == Variant::AlwaysSending,
                    "{does:?} sent it again"
                );
            } else {
                assert!(does.begins());
                assert!(
                    order.scene.storage.created().contains(&key),
                    "sent before it was written"
                );
            }
        }
        Ok(Said::Removed) => {
            let mut left = seen.left.iter();
            let lives = left.any(|left| !left.times.is_expired(order.now()));
            assert!(!lives, "{does:?} removed what lives");
        }
        Ok(Said::Nothing) => {
            // Always, where that was asked for, unless there is nothing better than what was shown.
            let kept = seen.left.as_ref().is_some_and(|left| is_wanted(left, &seen.hash));
            assert!(
                variant != Variant::AlwaysSending || !answer.found || !kept,
                "{does:?} sent nothing"
            );
        }
        Ok(other) => panic!("{does:?} was told {other:?}"),
        Err(Refused) => {
            assert!(
                variant == Variant::Rejecting && does.sets(),
                "{does:?} was refused"
            );
            assert!(
                seen.left
                    .as_ref()
                    .is_some_and(|left| Some(left.revision) != seen.revision)
            );
        }
    }

    // What is acknowledged is written, once, and nothing else is.
    let lost = match (seen.opened, &seen.left) {
        (Opened::Good(epoch), Some(left)) => left.epoch != epoch,
        _ => true,
    };
    match does {
        Does::Update => assert_eq!(seen.changes, usize::from(answer.done)),
        Does::Set | Does::SetAndRotate if !answer.found || answer.end.is_err() => assert_eq!(seen.changes, 0),
        Does::Set => assert!(
            seen.changes == 1 || seen.changes == 0 && lost,
            "{does:?} was lost"
        ),
        Does::SetAndRotate if answer.said(&Said::Sent) => assert_eq!(seen.changes, 1),
        Does::SetAndRotate => assert!(seen.changes == 0 && lost, "{does:?} was lost"),
        _ => assert_eq!(seen.changes, 0),
    }
}
