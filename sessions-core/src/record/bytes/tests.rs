//! Written by hand, it is what the serializer makes of the same fields.

use std::sync::Arc;

use proptest::{collection::vec, option, prelude::*};

use crate::{
    Fingerprint, Payload, Principal, PublicId, Record, RecordError, Revision, Schema, SecretHash, Secrets,
    SessionSerializer, Times, Timestamp,
    by_hand::arbitrary::{id, number, time, times},
    secrets::{Predecessor, Successor},
    serializer::Bincode,
};

fn hash() -> impl Strategy<Value = SecretHash> {
    any::<[u8; 32]>().prop_map(SecretHash)
}

fn secrets() -> impl Strategy<Value = Secrets> {
    let next = (hash(), any::<[u8; 16]>(), any::<[u8; 32]>());
    let next = next.prop_map(|(hash, salt, mask)| Box::new(Successor { hash, salt, mask }));
    let previous = (hash(), time(), any::<[u8; 16]>(), any::<[u8; 32]>());
    let previous = previous.prop_map(|(hash, until, salt, mask)| {
        Box::new(Predecessor {
            hash,
            until,
            salt,
            mask,
        })
    });
    let parts = (
        hash(),
        time(),
        option::of(next),
        option::of(previous),
        vec(hash(), 0..10),
    );
    parts.prop_map(|(current, since, next, previous, past)| Secrets {
        current,
        since,
        next,
        previous,
        past,
    })
}

fn text() -> impl Strategy<Value = Arc<str>> {
    ".{0,300}".prop_map(Arc::from)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..300)
}

fn record() -> impl Strategy<Value = Record> {
    let version = number().prop_map(|number| number as u32);
    let schema = (version, any::<[u8; 16]>()).prop_map(|(version, fingerprint)| Schema {
        version,
        fingerprint: Fingerprint(fingerprint),
    });
    let whose = option::of(text().prop_map(|name| Principal::new(&name)));
    let client = (option::of(text()), option::of(bytes().prop_map(Arc::from)));
    let names = (id(), text(), text());
    let state = (schema, any::<[u8; 16]>(), number(), secrets(), times());
    (names, state, whose, client, bytes()).prop_map(|(names, state, principal, client, payload)| {
        let (public_id, application, name) = names;
        let (schema, revision, epoch, secrets, times) = state;
        let (label, client_context) = client;
        Record {
            public_id,
            application,
            name,
            schema,
            revision: Revision(revision),
            epoch,
            secrets,
            times,
            principal,
            label,
            client_context,
            payload: Payload::new(payload),
        }
    })
}

fn written(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.put(record.payload.as_bytes(), &mut bytes);
    bytes
}

proptest! {
    #[test]
    fn a_record_is_written_as_the_serializer_would_and_read_again(record in record()) {
        let mut expected = Vec::new();
        <Bincode as SessionSerializer<Record>>::serialize(&record, &mut expected).unwrap();
        let bytes = written(&record);
        prop_assert_eq!(&bytes, &expected);
        prop_assert_eq!(Record::read(&bytes, None), Some(record));
    }

    #[test]
    fn with_another_payload_it_is_as_if_it_had_that(record in record(), payload in bytes()) {
        let mut bytes = Vec::new();
        record.put(&payload, &mut bytes);
        let other = Record { payload: Payload::new(payload), ..record };
        prop_assert_eq!(bytes, written(&other));
    }

    #[test]
    fn what_was_changed_cut_off_or_drawn_out_is_read_as_the_serializer_reads_it(
        record in record(),
        at in any::<prop::sample::Index>(),
        byte: u8,
        len in 0..2000_usize,
    ) {
        let by_serializer = |bytes: &[u8]| <Bincode as SessionSerializer<Record>>::deserialize(bytes).ok();
        let mut bytes = written(&record);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        prop_assert_eq!(Record::read(&bytes, None), by_serializer(&bytes));
        bytes.resize(len, byte);
        prop_assert_eq!(Record::read(&bytes, None), by_serializer(&bytes));
    }
}

#[test]
fn a_record_is_written_and_read_up_to_four_mebibytes() {
    const MOST: usize = 4 << 20;
    let record = |len| Record {
        payload: Payload::new(vec![7; len]),
        ..smallest()
    };
    let most = {
        // The length takes five bytes in place of one.
        let around = smallest().to_bytes().unwrap().len() - 1 + 4;
        MOST - around
    };
    let bytes = record(most).to_bytes().unwrap();
    assert_eq!(bytes.len(), 1 + MOST);
    assert_eq!(Record::from_bytes(&bytes).unwrap(), record(most));
    assert!(record(most + 1).to_bytes().is_err());

    let mut longer = vec![Record::FORM];
    record(most + 1).put(&vec![7; most + 1], &mut longer);
    assert!(Record::read(&longer[1..], None).is_some());
    assert!(matches!(
        Record::from_bytes(&longer),
        Err(RecordError::Damaged(_))
    ));
    let another_form = [&[Record::FORM + 1], &bytes[1..]].concat();
    assert!(matches!(
        Record::from_bytes(&another_form),
        Err(RecordError::Version)
    ));
    assert!(matches!(Record::from_bytes(&[]), Err(RecordError::Version)));
}

fn smallest() -> Record {
    let now = Timestamp::from_millis(0);
    Record {
        public_id: PublicId::of([0; 16]),
        application: "".into(),
        name: "".into(),
        schema: Schema {
            version: 0,
            fingerprint: Fingerprint([0; 16]),
        },
        revision: Revision([0; 16]),
        epoch: 0,
        secrets: Secrets::new(SecretHash([0; 32]), now),
        times: Times {
            created: now,
            authenticated: None,
            last_seen: now,
            idle_deadline: now,
            absolute_deadline: now,
            not_after: None,
            remembered: None,
        },
        principal: None,
        label: None,
        client_context: None,
        payload: Payload::new([]),
    }
}
