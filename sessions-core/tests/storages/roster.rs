//! The places of one principal, against a model that forgets nothing and looks at the time only when it is asked.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use sessions_core::{
    PublicId, RecordError, StorageKey, Timestamp,
    storage::{Member, Reservation, Reserved, Roster, contract::NOW},
};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

fn key(number: u8) -> StorageKey {
    StorageKey::from_bytes([number; 32])
}

fn at(millis: u64) -> Timestamp {
    NOW.after(Duration::from_millis(millis))
}

fn member(number: u8, created: u64, ends: u64) -> Member {
    Member {
        key: key(number),
        public_id: PublicId::from_bytes(&[number; 16]).unwrap(),
        created: at(created),
        ends: at(ends),
    }
}

fn place(session: Member) -> Reservation {
    Reservation {
        began: session.created,
        session,
        replaces: None,
        limit: None,
    }
}

#[derive(Clone, Debug)]
enum Step {
    Reserve {
        session: u8,
        /// Before the present.
        created: u64,
        began: u64,
        /// After the present.
        ends: u64,
        replaces: Option<u8>,
        limit: Option<usize>,
    },
    Confirm(u8),
    Release(u8),
    Members,
    CutOff,
}

/// Where two of a kind are likely to meet, on either side of each limit.
fn step() -> impl Strategy<Value = (u64, Step)> {
    let session = 0..5_u8;
    let ago = prop_oneof![0..3_u64, Just(MINUTE), 0..2 * DAY];
    let ahead = prop_oneof![0..3_u64, Just(MINUTE), Just(DAY), 0..2 * DAY];
    let passes = prop_oneof![4 => Just(0), 4 => 0..3_u64, 2 => MINUTE - 2..MINUTE + 2, 1 => DAY - 2..DAY + 2];
    let reserve = (
        session.clone(),
        ago.clone(),
        ago,
        ahead,
        proptest::option::of(session.clone()),
        proptest::option::of(0..4_usize),
    )
        .prop_map(|(session, created, began, ends, replaces, limit)| Step::Reserve {
            session,
            created,
            began,
            ends,
            replaces,
            limit,
        });
    let step = prop_oneof![
        4 => reserve,
        4 => session.clone().prop_map(Step::Confirm),
        1 => session.prop_map(Step::Release),
        1 => Just(Step::Members),
        1 => Just(Step::CutOff),
    ];
    (passes, step)
}

/// What was said of each place, in the order of its saying.
#[derive(Default)]
struct Model {
    places: Vec<Said>,
    cut_offs: Vec<u64>,
}

struct Said {
    session: u8,
    created: u64,
    ends: u64,
    reserved: u64,
    confirmed: bool,
}

impl Said {
    fn is_there(&self, now: u64) -> bool {
        now < if self.confirmed {
            self.ends
        } else {
            self.reserved + MINUTE
        }
    }
}

impl Model {
    fn members(&self, now: u64) -> Vec<Member> {
        let confirmed = self
            .places
            .iter()
            .filter(|said| said.confirmed && said.is_there(now));
        let mut members: Vec<_> = confirmed
            .map(|said| member(said.session, said.created, said.ends))
            .collect();
        members.sort_by_key(|member| member.created);
        members
    }

    fn is_empty(&self, now: u64) -> bool {
        !self.places.iter().any(|said| said.is_there(now)) && self.cut_offs.iter().all(|cut| now >= cut + DAY)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn a_roster_does_as_its_model(steps in vec(step(), 1..40)) {
        // Late enough for what was before it.
        let mut now = 10 * DAY;
        let (mut roster, mut model) = (Roster::default(), Model::default());
        for (passed, step) in steps {
            now += passed;
            let ends = roster.ends();
            prop_assert_eq!(model.is_empty(now), ends <= at(now), "whether it is over at {}, as it ends at {:?}", now, ends);
            match step {
                Step::Reserve { session, created, began, ends, replaces, limit } => {
                    let (created, began, ends) = (now - created, now - began, now + ends);
                    let others = model.places.iter().filter(|said| {
                        said.is_there(now) && said.session != session && Some(said.session) != replaces
                    });
                    let cut_off = model.cut_offs.iter().any(|cut| began < *cut && now < cut + DAY);
                    let expected = if cut_off {
                        Reserved::CutOff
                    } else if limit.is_some_and(|limit| others.count() >= limit) {
                        Reserved::Full(model.members(now))
                    } else {
                        model.places.retain(|said| said.session != session);
                        model.places.push(Said { session, created, ends, reserved: now, confirmed: false });
                        Reserved::Reserved
                    };
                    let asked = Reservation {
                        session: member(session, created, ends),
                        began: at(began),
                        replaces: replaces.map(key),
                        limit,
                    };
                    prop_assert_eq!(roster.reserve(asked, at(now)), expected);
                }
                Step::Confirm(session) => {
                    let said = model.places.iter_mut().find(|said| said.session == session && said.is_there(now));
                    let expected = said.map(|said| said.confirmed = true).is_some();
                    prop_assert_eq!(roster.confirm(&key(session), at(now)), expected);
                }
                Step::Release(session) => {
                    model.places.retain(|said| said.session != session);
                    roster.release(&key(session));
                }
                Step::Members => prop_assert_eq!(roster.members(at(now)), model.members(now)),
                Step::CutOff => {
                    model.cut_offs.push(now);
                    model.places.retain(|said| said.confirmed);
                    prop_assert_eq!(roster.cut_off(at(now)), model.members(now));
                }
            }
            prop_assert_eq!(&Roster::from_bytes(&roster.to_bytes().unwrap()).unwrap(), &roster);
        }
        prop_assert_eq!(roster.members(at(now)), model.members(now));
        prop_assert_eq!(roster.is_empty(), model.is_empty(now));
    }
}

#[test]
fn a_session_that_takes_its_place_again_has_one() {
    let mut roster = Roster::default();
    for _ in 0..3 {
        assert_eq!(roster.reserve(place(member(1, 0, DAY)), NOW), Reserved::Reserved);
        assert!(roster.confirm(&key(1), NOW));
    }
    assert_eq!(roster.members(NOW), [member(1, 0, DAY)]);
}

#[test]
fn a_cut_off_is_remembered_for_a_day_and_when_the_clock_goes_back_a_little() {
    let mut roster = Roster::default();
    roster.cut_off(at(DAY));
    for now in [DAY - MINUTE, DAY, 2 * DAY - 1] {
        assert_eq!(
            roster.reserve(place(member(1, 0, 9 * DAY)), at(now)),
            Reserved::CutOff
        );
    }
    assert!(!roster.is_empty());
    assert_eq!(
        roster.reserve(place(member(1, 0, 9 * DAY)), at(2 * DAY)),
        Reserved::Reserved
    );
    roster.release(&key(1));
    assert!(roster.is_empty());
}

#[test]
fn a_cut_off_by_a_clock_that_was_ahead_locks_nobody_out() {
    let mut roster = Roster::default();
    roster.cut_off(at(DAY));
    assert_eq!(
        roster.reserve(place(member(1, 0, 9 * DAY)), at(DAY - MINUTE - 1)),
        Reserved::Reserved
    );
}

#[test]
fn a_cut_off_after_one_by_a_clock_that_was_ahead_counts() {
    let mut roster = Roster::default();
    roster.cut_off(at(2 * DAY));
    roster.cut_off(at(5));
    let began_before = Reservation {
        began: at(4),
        ..place(member(1, 4, DAY))
    };
    assert_eq!(roster.reserve(began_before, at(6)), Reserved::CutOff);
}

#[test]
fn an_earlier_cut_off_takes_nothing_back() {
    let mut roster = Roster::default();
    roster.cut_off(at(2));
    roster.cut_off(at(0));
    assert_eq!(roster.reserve(place(member(1, 1, DAY)), at(2)), Reserved::CutOff);
}

#[test]
fn times_at_their_end_are_times() {
    let mut roster = Roster::default();
    let mut session = member(1, 0, 0);
    (session.created, session.ends) = (Timestamp::MAX, Timestamp::MAX);
    assert_eq!(roster.reserve(place(session.clone()), NOW), Reserved::Reserved);
    assert!(roster.confirm(&key(1), NOW));
    assert_eq!(roster.members(NOW), [session]);
    assert_eq!(roster.ends(), Timestamp::MAX);
    roster.cut_off(Timestamp::MAX);
    assert_eq!(roster.members(Timestamp::MAX), []);
    assert_eq!(
        roster.reserve(place(member(1, 0, DAY)), Timestamp::MAX),
        Reserved::CutOff
    );
}

#[test]
fn bytes_that_are_no_roster_are_refused() {
    let mut roster = Roster::default();
    roster.reserve(place(member(1, 0, DAY)), NOW);
    let whole = roster.to_bytes().unwrap();
    let newer = [&[9], &whole[1..]].concat();
    let longer = [&whole[..], &[0]].concat();
    for bytes in [&b""[..], b"garbage", &newer] {
        assert!(matches!(Roster::from_bytes(bytes), Err(RecordError::Version)));
    }
    for bytes in [&whole[..whole.len() - 1], &longer] {
        assert!(matches!(Roster::from_bytes(bytes), Err(RecordError::Damaged(_))));
    }
}
