//! A session as storages keep it in one piece.

use std::sync::Arc;

use sessions_core::{
    Record, SessionSerializer,
    serializer::Bincode,
    storage::{Expected, IndexKey, Replaced, Touch, Touched, contract::NOW},
};

use crate::bytes::Input;

/// [`Record::from_bytes`] reads any bytes as the serializer would, and all that a storage does with what it has read is done.
pub fn record_reader(data: &[u8]) {
    let mut input = Input::new(data);
    let (epoch, last_seen, idle_deadline) = (input.byte().into(), input.time(), input.time());
    let bytes = input.rest();
    let read = Record::from_bytes(bytes).ok();
    if let Some((1, after_form)) = bytes.split_first() {
        assert_eq!(
            read,
            <Bincode as SessionSerializer<Record>>::deserialize(after_form).ok()
        );
    }
    let Some(record) = read else {
        return;
    };
    let written = record.to_bytes().unwrap();
    let again = Record::from_bytes(&written).unwrap();
    assert_eq!(again, record);
    assert_eq!(again.to_bytes().unwrap(), written);

    assert_eq!(IndexKey::of(&record).is_some(), record.principal.is_some());
    let live = !record.times.is_expired(NOW);
    assert_eq!(
        record.is_of(&record.application, &record.name, NOW),
        live,
        "{:?}",
        record.times
    );
    let touch = Touch {
        epoch,
        last_seen,
        idle_deadline,
    };
    match record.touched_by(&touch, NOW) {
        Ok(touched) => {
            assert!(live && touched.epoch == epoch);
            assert!(touched.times.last_seen >= record.times.last_seen.max(last_seen));
            assert!(touched.times.idle_deadline >= record.times.idle_deadline);
            let moved = touched.times.idle_deadline > record.times.idle_deadline;
            assert!(!moved || touched.times.idle_deadline <= touched.times.absolute_deadline);
        }
        Err(refused) => assert_eq!(refused == Touched::Gone, !live),
    }
    let new = Arc::new(record.clone());
    for expected in [Expected::Epoch(record.epoch), Expected::Revision(record.revision)] {
        match record.replaced_by(&new, expected, NOW) {
            Ok(replaced) => assert_eq!((&*replaced, live), (&record, true)),
            Err(refused) => assert_eq!((refused, live), (Replaced::NotFound, false)),
        }
    }
}
