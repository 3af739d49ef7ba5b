//! `load`.

use std::sync::Arc;

use super::subject::{NOW, Subject, record};
use crate::storage::{Expected, Replaced, SessionStorage};

/// No operation finds a session under a key that was never used, and none makes one.
pub async fn an_unknown_key_has_no_session(storage: Arc<dyn SessionStorage>) {
    Subject::unused(&storage).assert_absent(NOW).await;
}

/// `Latest` shows each acknowledged write.
pub async fn the_record_that_was_replaced_is_forgotten(storage: Arc<dyn SessionStorage>) {
    let mut stored = record([0]);
    let subject = Subject::with(&storage, &stored).await;
    for step in 1..=20 {
        let next = crate::Record {
            public_id: stored.public_id.clone(),
            ..record([step])
        };
        let replaced = subject
            .replace(&next, Expected::Revision(stored.revision), NOW)
            .await;
        assert_eq!(replaced, Replaced::Done, "replace at the stored revision");
        assert_eq!(*subject.live(NOW).await, next, "load after a replace");
        stored = next;
    }
}
