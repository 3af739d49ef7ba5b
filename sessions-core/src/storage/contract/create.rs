//! `create` and `health`.

use std::sync::Arc;

use super::subject::{MINUTE, NOW, Subject, answer, record};
use crate::storage::{Created, Read, SessionStorage};

/// What was created is loaded, as it was, by either kind of read.
pub async fn a_created_session_is_there(storage: Arc<dyn SessionStorage>) {
    let stored = record(*b"value");
    let subject = Subject::with(&storage, &stored).await;
    assert_eq!(*subject.live(NOW).await, stored, "load after create");
    let any = answer("load", storage.load(subject.key, Read::Any, NOW)).await;
    assert_eq!(any.as_deref(), Some(&stored), "load(Any) after create");
}

/// A key of a live session is `Exists`, and the session stays as it is.
pub async fn a_taken_key_is_not_created_again(storage: Arc<dyn SessionStorage>) {
    let stored = record(*b"first");
    let subject = Subject::with(&storage, &stored).await;
    let again = subject.create(&record(*b"second"), NOW.after(MINUTE)).await;
    assert_eq!(again, Created::Exists, "create under a taken key");
    assert_eq!(
        *subject.live(NOW.after(MINUTE)).await,
        stored,
        "load after a refused create"
    );
}

/// What is done under one key changes nothing under another.
pub async fn keys_do_not_meet(storage: Arc<dyn SessionStorage>) {
    let (first, second) = (record(*b"first"), record(*b"second"));
    let one = Subject::with(&storage, &first).await;
    // Alike but for one bit, at either end.
    for index in [0, 31] {
        let mut key = *one.key.as_bytes();
        key[index] ^= 1;
        let near = Subject {
            key: crate::StorageKey::from_bytes(key),
            ..one.clone()
        };
        near.assert_absent(NOW).await;
        assert_eq!(
            near.create(&second, NOW).await,
            Created::Created,
            "create beside another key"
        );
        assert_eq!(*near.live(NOW).await, second, "load of the second key");
        assert_eq!(*one.live(NOW).await, first, "load of the first key");
        assert!(near.delete(NOW).await, "delete of the second key");
        assert_eq!(
            *one.live(NOW).await,
            first,
            "load of the first key when the second is deleted"
        );
    }
}

/// A storage that works says so.
pub async fn it_is_healthy(storage: Arc<dyn SessionStorage>) {
    answer("health", storage.health()).await;
}
