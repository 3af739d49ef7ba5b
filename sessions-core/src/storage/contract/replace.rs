//! `replace`.

use std::sync::Arc;

use super::subject::{HOUR, MINUTE, NOW, SECOND, Subject, full_record, record, revision};
use crate::{
    Fingerprint, Payload, Record, Schema,
    storage::{Expected, Replaced, SessionStorage, Touch, Touched},
};

/// At the revision that is stored, all of the record is written.
pub async fn a_replace_at_the_revision_writes_the_whole_record(storage: Arc<dyn SessionStorage>) {
    let stored = record(*b"before");
    let subject = Subject::with(&storage, &stored).await;
    let new = Record {
        public_id: stored.public_id.clone(),
        ..full_record()
    };
    let replaced = subject
        .replace(&new, Expected::Revision(stored.revision), NOW)
        .await;
    assert_eq!(replaced, Replaced::Done, "replace at the stored revision");
    assert_eq!(
        *subject.live(NOW).await,
        new,
        "load after a replace at the revision"
    );
    // And back: what was something may become nothing again.
    let back = Record {
        revision: revision(),
        ..stored
    };
    let replaced = subject
        .replace(&back, Expected::Revision(new.revision), NOW)
        .await;
    assert_eq!(replaced, Replaced::Done, "replace at the stored revision");
    assert_eq!(
        *subject.live(NOW).await,
        back,
        "load after a replace at the revision"
    );
}

/// A touch leaves the revision as it is; a replace that did not know of it does not undo it.
pub async fn a_replace_at_the_revision_keeps_a_touch(storage: Arc<dyn SessionStorage>) {
    let stored = record(*b"before");
    let subject = Subject::with(&storage, &stored).await;
    let times = stored.times;
    let (last_seen, idle_deadline) = (NOW.after(MINUTE), times.idle_deadline.after(SECOND));
    let touch = Touch {
        epoch: stored.epoch,
        last_seen,
        idle_deadline,
    };
    assert_eq!(subject.touch(touch, NOW).await, Touched::Touched, "touch");
    let new = Record {
        revision: revision(),
        payload: Payload::new(*b"after"),
        ..stored.clone()
    };
    let replaced = subject
        .replace(&new, Expected::Revision(stored.revision), NOW)
        .await;
    assert_eq!(replaced, Replaced::Done, "replace at the stored revision");
    let found = subject.live(NOW).await;
    assert_eq!(found.payload, new.payload, "the payload after a replace");
    assert_eq!(
        found.times.last_seen, last_seen,
        "when it was last seen, after a replace"
    );
    assert_eq!(
        found.times.idle_deadline, idle_deadline,
        "the idle deadline after a replace"
    );
}

/// At another revision nothing is written, at one that was stored before as little as at one that never was.
pub async fn a_replace_at_another_revision_conflicts(storage: Arc<dyn SessionStorage>) {
    let first = record(*b"first");
    let subject = Subject::with(&storage, &first).await;
    let second = Record {
        revision: revision(),
        payload: Payload::new(*b"second"),
        ..first.clone()
    };
    let replaced = subject
        .replace(&second, Expected::Revision(first.revision), NOW)
        .await;
    assert_eq!(replaced, Replaced::Done, "replace at the stored revision");
    let third = record(*b"third");
    for other in [first.revision, third.revision] {
        let replaced = subject.replace(&third, Expected::Revision(other), NOW).await;
        assert_eq!(replaced, Replaced::Conflict, "replace at another revision");
        assert_eq!(*subject.live(NOW).await, second, "load after a conflict");
    }
}

/// Within the epoch, payload, schema and revision are written; handle, name, secrets, principal, label and context
/// stay as they are stored.
pub async fn a_replace_within_the_epoch_keeps_the_secrets(storage: Arc<dyn SessionStorage>) {
    let stored = full_record();
    let subject = Subject::with(&storage, &stored).await;
    let mut new = record(*b"after");
    new.epoch = stored.epoch;
    new.schema = Schema {
        version: u32::MAX,
        fingerprint: Fingerprint([7; 16]),
    };
    new.name = "other".into();
    let replaced = subject.replace(&new, Expected::Epoch(stored.epoch), NOW).await;
    assert_eq!(replaced, Replaced::Done, "replace within the epoch");
    let expected = Record {
        schema: new.schema,
        revision: new.revision,
        payload: new.payload,
        ..stored
    };
    assert_eq!(
        *subject.live(NOW).await,
        expected,
        "load after a replace within the epoch"
    );
}

/// Within the epoch, a record of a newer version of the data class stays: two releases are at work during a deploy. An equal
/// or an older one is replaced.
pub async fn a_replace_within_the_epoch_leaves_a_newer_version(storage: Arc<dyn SessionStorage>) {
    let at = |version, payload: &[u8]| {
        let mut new = record(payload);
        new.schema.version = version;
        new
    };
    let subject = Subject::with(&storage, &at(3, b"first")).await;
    for (version, payload, expected) in [
        (3, b"equal", Replaced::Done),
        (2, b"older", Replaced::Conflict),
        (256, b"newer", Replaced::Done),
        (255, b"lower", Replaced::Conflict),
    ] {
        let before = subject.live(NOW).await;
        let new = at(version, payload);
        let replaced = subject.replace(&new, Expected::Epoch(0), NOW).await;
        assert_eq!(replaced, expected, "replace by version {version}");
        let stored = subject.live(NOW).await;
        let left = if replaced == Replaced::Done {
            &new
        } else {
            &*before
        };
        assert_eq!(
            (stored.schema, &stored.payload),
            (left.schema, &left.payload),
            "load after it"
        );
    }
}

/// Within the epoch, when it was last seen and the idle deadline take the later value, the idle deadline not beyond
/// the absolute one; no other time moves.
pub async fn a_replace_within_the_epoch_moves_times_forward_only(storage: Arc<dyn SessionStorage>) {
    let stored = full_record();
    let subject = Subject::with(&storage, &stored).await;
    let mut times = stored.times;
    let mut new = record(*b"after");
    new.epoch = stored.epoch;
    new.schema = stored.schema;
    new.times.created = NOW.after(SECOND);
    new.times.authenticated = None;
    new.times.absolute_deadline = NOW.after(100 * HOUR);
    new.times.not_after = None;
    for (last_seen, idle, idle_after) in [
        (NOW.after(MINUTE), NOW.after(HOUR), NOW.after(HOUR)),
        (NOW, NOW.after(SECOND), NOW.after(HOUR)),
        (
            NOW.after(2 * MINUTE),
            NOW.after(90 * HOUR),
            times.absolute_deadline,
        ),
    ] {
        new.revision = revision();
        new.times.last_seen = last_seen;
        new.times.idle_deadline = idle;
        let replaced = subject.replace(&new, Expected::Epoch(stored.epoch), NOW).await;
        assert_eq!(replaced, Replaced::Done, "replace within the epoch");
        times.last_seen = times.last_seen.max(last_seen);
        times.idle_deadline = idle_after;
        assert_eq!(
            subject.live(NOW).await.times,
            times,
            "the times after a replace within the epoch"
        );
    }
}

/// In another epoch, an earlier or a later one, nothing is written.
pub async fn a_replace_of_another_epoch_conflicts(storage: Arc<dyn SessionStorage>) {
    let mut stored = record(*b"before");
    stored.epoch = 3;
    let subject = Subject::with(&storage, &stored).await;
    for epoch in [0, 2, 4, u64::MAX] {
        let replaced = subject
            .replace(&record(*b"after"), Expected::Epoch(epoch), NOW)
            .await;
        assert_eq!(
            replaced,
            Replaced::Conflict,
            "replace in epoch {epoch} of a session in 3"
        );
        assert_eq!(*subject.live(NOW).await, stored, "load after a conflict");
    }
}

/// A replace under a key that is free, that was deleted, or whose session has expired, finds nothing and leaves
/// nothing, even if it expects what was there.
pub async fn a_replace_never_inserts(storage: Arc<dyn SessionStorage>) {
    let stored = record(*b"before");
    let deleted = Subject::with(&storage, &stored).await;
    assert!(deleted.delete(NOW).await, "delete of a live session");
    let expired = Subject::with(&storage, &stored).await;
    let end = stored.times.deadline();
    for (subject, now) in [(Subject::unused(&storage), NOW), (deleted, NOW), (expired, end)] {
        for expected in [Expected::Revision(stored.revision), Expected::Epoch(stored.epoch)] {
            let mut new = record(*b"after");
            new.times.idle_deadline = end.after(HOUR);
            let replaced = subject.replace(&new, expected, now).await;
            assert_eq!(
                replaced,
                Replaced::NotFound,
                "replace({expected:?}) where there is no session"
            );
            assert_eq!(
                subject.load(now).await,
                None,
                "load after a replace that found nothing"
            );
        }
    }
}
