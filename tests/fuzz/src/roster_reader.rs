//! The places of one principal, as storages keep them in one piece.

use sessions_core::{
    PublicId, StorageKey, Timestamp,
    storage::{Member, Reservation, Reserved, Roster},
};

use crate::bytes::Input;

/// [`Roster::from_bytes`] reads any bytes, and a login and an end of all sessions are done with what it has read.
pub fn roster_reader(data: &[u8]) {
    let mut input = Input::new(data);
    let (limit, now, began, created, ends) = (
        usize::from(input.byte()),
        input.time(),
        input.time(),
        input.time(),
        input.time(),
    );
    let Ok(roster) = Roster::from_bytes(input.rest()) else {
        return;
    };
    let written = roster.to_bytes().unwrap();
    let again = Roster::from_bytes(&written).unwrap();
    assert_eq!(again, roster);
    assert_eq!(again.to_bytes().unwrap(), written);

    let key = StorageKey::from_bytes([7; 32]);
    let place = Reservation {
        session: Member {
            key,
            public_id: PublicId::from_bytes(&[7; 16]).unwrap(),
            created,
            ends,
        },
        began,
        replaces: None,
        limit: (limit > 0).then_some(limit),
    };
    let mut login = roster.clone();
    match login.reserve(place.clone(), now) {
        Reserved::Reserved => {
            assert_eq!(login.confirm(&key, now), now.after(Roster::LEASE) > now);
            let members = login.members(now);
            assert_eq!(members.iter().any(|member| member.key == key), now < ends);
        }
        Reserved::CutOff => {}
        Reserved::Full(confirmed) => assert!(limit > 0 && confirmed == login.members(now)),
    }
    login.release(&key);
    assert!(login.members(now).iter().all(|member| member.key != key));

    let mut ended = roster.clone();
    let confirmed = roster.clone().members(now);
    assert_eq!(ended.cut_off(now), confirmed);
    for member in confirmed {
        ended.release(&member.key);
    }
    assert_eq!(ended.members(now), []);
    if began < now {
        assert_eq!(ended.reserve(place, now), Reserved::CutOff);
    }

    let (mut over, end) = (roster.clone(), roster.ends());
    over.members(end);
    // At the end of all times a cut-off has no end.
    assert!(over.is_empty() || end == Timestamp::MAX, "{over:?}");
}
