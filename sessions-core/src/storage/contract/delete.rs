//! `delete`.

use std::sync::Arc;

use super::subject::{NOW, Subject, record, touch_at};
use crate::storage::{Created, Expected, Replaced, SessionStorage, Touched};

/// No operation finds a deleted session, even if it expects what was there.
pub async fn a_deleted_session_is_gone(storage: Arc<dyn SessionStorage>) {
    let stored = record(*b"value");
    let subject = Subject::with(&storage, &stored).await;
    assert!(subject.delete(NOW).await, "delete of a live session");
    subject.assert_absent(NOW).await;
    let replaced = subject
        .replace(&stored, Expected::Revision(stored.revision), NOW)
        .await;
    assert_eq!(
        replaced,
        Replaced::NotFound,
        "replace at the revision that was deleted"
    );
    assert_eq!(
        subject.touch(touch_at(NOW), NOW).await,
        Touched::Gone,
        "touch of a deleted session"
    );
    subject.assert_absent(NOW).await;
}

/// The first delete is true, every further one false.
pub async fn a_delete_is_true_once(storage: Arc<dyn SessionStorage>) {
    let subject = Subject::with(&storage, &record(*b"value")).await;
    assert!(subject.delete(NOW).await, "delete of a live session");
    for _ in 0..3 {
        assert!(!subject.delete(NOW).await, "delete of a deleted session");
    }
}

/// A key that was deleted is free.
pub async fn a_deleted_key_can_be_created_again(storage: Arc<dyn SessionStorage>) {
    let subject = Subject::with(&storage, &record(*b"first")).await;
    assert!(subject.delete(NOW).await, "delete of a live session");
    let second = record(*b"second");
    assert_eq!(
        subject.create(&second, NOW).await,
        Created::Created,
        "create under a key that was deleted"
    );
    assert_eq!(*subject.live(NOW).await, second, "load after a second create");
    assert!(subject.delete(NOW).await, "delete of a session created again");
}
