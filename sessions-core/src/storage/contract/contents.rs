//! What a record may hold.

use std::sync::Arc;

use super::subject::{NOW, Subject, bytes, full_record, handle, record, revision};
use crate::{
    Payload, Principal, Record,
    storage::{Expected, Replaced, SessionStorage},
};

/// A record with something in every field comes back as it was, after a create and after a replace.
pub async fn every_field_comes_back(storage: Arc<dyn SessionStorage>) {
    comes_back(&storage, full_record()).await;
}

/// A payload of no bytes is a payload.
pub async fn a_payload_may_be_empty(storage: Arc<dyn SessionStorage>) {
    comes_back(&storage, record([])).await;
}

/// A payload of 1 MiB, of all kinds of bytes, comes back.
pub async fn a_payload_may_have_a_mebibyte(storage: Arc<dyn SessionStorage>) {
    let seed: [u8; 251] = bytes();
    let payload: Vec<u8> = seed.into_iter().cycle().take(1 << 20).collect();
    comes_back(&storage, record(payload)).await;
}

/// Handles of any bytes and length, texts with quotes, nulls, line breaks and the widest of characters, and long ones.
pub async fn any_handle_and_any_text_comes_back(storage: Arc<dyn SessionStorage>) {
    let texts = [
        "",
        "\0",
        "'; DROP TABLE sessions; --",
        "../../etc/passwd",
        "a\r\nb\tc",
        "\"{}$\\%*",
        "Zoë \u{1F469}\u{200D}\u{1F52C}\u{10FFFF}",
        &"x".repeat(4096),
    ];
    let handles: [&[u8]; 4] = [
        &[0xFF; 17],
        &[0; 64],
        b"../../../../etc/passwd\0",
        b"'; DROP TABLE x; --",
    ];
    for (text, id) in texts.into_iter().zip(handles.into_iter().cycle()) {
        let mut record = full_record();
        record.public_id = handle(id);
        record.name = text.into();
        record.principal = Some(Principal::new(text));
        record.label = Some(text.into());
        record.client_context = Some(text.as_bytes().into());
        record.payload = Payload::new(text.as_bytes());
        comes_back(&storage, record).await;
    }
}

async fn comes_back(storage: &Arc<dyn SessionStorage>, stored: Record) {
    let subject = Subject::with(storage, &stored).await;
    assert_eq!(*subject.live(NOW).await, stored, "load after create");
    let next = Record {
        revision: revision(),
        ..stored
    };
    let replaced = subject
        .replace(&next, Expected::Revision(stored.revision), NOW)
        .await;
    assert_eq!(replaced, Replaced::Done, "replace at the stored revision");
    assert_eq!(*subject.live(NOW).await, next, "load after replace");
}
