//! The index of sessions, by principal. A storage that keeps none has nothing to prove.

use std::sync::Arc;

use super::{
    logins::Login,
    places::{Places, member, place},
    subject::{HOUR, LATER, MINUTE, NOW, SECOND, Subject, answer, bytes, record, together},
};
use crate::{
    Principal, Record, Timestamp,
    storage::{Reservation, Reserved, Roster, SessionStorage},
};

/// A place is nobody's until it is confirmed, lasts from then on, and is gone when it is released.
pub async fn a_confirmed_place_lasts_until_it_is_released(storage: Arc<dyn SessionStorage>) {
    let Some(roster) = Places::of_somebody(&storage) else {
        return;
    };
    let session = member(NOW);
    assert!(
        !roster.confirm(&session, NOW).await,
        "confirm of a place that nobody took"
    );
    assert_eq!(roster.members(NOW).await, [], "members where nobody took a place");
    assert_eq!(
        roster.reserve(place(&session), NOW).await,
        Reserved::Reserved,
        "reserve"
    );
    assert_eq!(
        roster.members(NOW).await,
        [],
        "members while a place is only reserved"
    );
    for _ in 0..2 {
        assert!(roster.confirm(&session, NOW).await, "confirm of a reserved place");
        assert_eq!(
            roster.members(NOW).await,
            std::slice::from_ref(&session),
            "members after a confirm"
        );
    }
    let later = NOW.after(10 * MINUTE);
    assert_eq!(
        roster.members(later).await,
        std::slice::from_ref(&session),
        "members ten minutes later"
    );
    for _ in 0..2 {
        roster.release(&session, later).await;
        assert_eq!(roster.members(later).await, [], "members after a release");
        assert!(!roster.confirm(&session, later).await, "confirm after a release");
    }
}

/// A place that was only reserved can be given back.
pub async fn a_reserved_place_can_be_released(storage: Arc<dyn SessionStorage>) {
    let Some(roster) = Places::of_somebody(&storage) else {
        return;
    };
    let (one, other) = (member(NOW), member(NOW));
    roster.reserve(place(&one), NOW).await;
    roster.reserve(place(&other), NOW).await;
    roster.release(&one, NOW).await;
    assert!(!roster.confirm(&one, NOW).await, "confirm after a release");
    assert!(
        roster.confirm(&other, NOW).await,
        "confirm beside a place that was released"
    );
}

/// The oldest member is the first, whichever came first into the index.
pub async fn members_come_oldest_first(storage: Arc<dyn SessionStorage>) {
    let Some(roster) = Places::of_somebody(&storage) else {
        return;
    };
    let mut sessions = Vec::new();
    for seconds in [3, 1, 4, 0, 2] {
        let session = member(NOW.after(seconds * SECOND));
        roster.settle(&session, LATER).await;
        sessions.push(session);
    }
    sessions.sort_by_key(|session| session.created);
    assert_eq!(roster.members(LATER).await, sessions, "members");
}

/// What is not confirmed within a minute is no place any more, and takes none.
pub async fn a_reserved_place_lapses_after_a_minute(storage: Arc<dyn SessionStorage>) {
    let Some(roster) = Places::of_somebody(&storage) else {
        return;
    };
    let (in_time, late, next) = (member(NOW), member(NOW), member(NOW));
    roster.reserve(place(&in_time), NOW).await;
    roster.reserve(place(&late), NOW).await;
    let end = NOW.after(Roster::LEASE);
    let last = Timestamp::from_millis(end.as_millis() - 1);
    assert!(
        roster.confirm(&in_time, last).await,
        "confirm a millisecond before a minute has passed"
    );
    let asked = Reservation {
        limit: Some(2),
        ..place(&next)
    };
    assert_eq!(
        roster.reserve(asked.clone(), last).await,
        Reserved::Full(vec![in_time.clone()]),
        "reserve where a place is still reserved"
    );
    assert!(
        !roster.confirm(&late, end).await,
        "confirm when a minute has passed"
    );
    assert_eq!(
        roster.reserve(asked, end).await,
        Reserved::Reserved,
        "reserve where a place has lapsed"
    );
    assert_eq!(roster.members(end).await, [in_time], "members");
}

/// Who began before the cut-off gets no place, who began at it or later does, for as long as logins may take.
pub async fn a_cut_off_refuses_who_began_before_it(storage: Arc<dyn SessionStorage>) {
    let Some(roster) = Places::of_somebody(&storage) else {
        return;
    };
    assert_eq!(roster.cut_off(LATER).await, [], "cut_off of nobody");
    // An earlier one takes nothing back.
    roster.cut_off(NOW).await;
    for (began, now, expected) in [
        (NOW, LATER, Reserved::CutOff),
        (NOW, LATER.after(HOUR), Reserved::CutOff),
        (NOW, NOW, Reserved::CutOff),
        (LATER, LATER, Reserved::Reserved),
        (LATER.after(SECOND), LATER.after(SECOND), Reserved::Reserved),
    ] {
        let session = member(now);
        let asked = Reservation {
            began,
            ..place(&session)
        };
        assert_eq!(
            roster.reserve(asked, now).await,
            expected,
            "reserve at {now:?} of what began at {began:?}, with a cut-off at {LATER:?}"
        );
        assert_eq!(
            roster.confirm(&session, now).await,
            expected == Reserved::Reserved,
            "confirm of the same"
        );
    }
}

/// A cut-off names the confirmed sessions, oldest first, and leaves them; of places that are only reserved none can be
/// confirmed.
pub async fn a_cut_off_takes_back_what_is_only_reserved(storage: Arc<dyn SessionStorage>) {
    let Some(roster) = Places::of_somebody(&storage) else {
        return;
    };
    let (new, old, reserved) = (member(LATER), member(NOW), member(NOW));
    roster.settle(&new, LATER).await;
    roster.settle(&old, LATER).await;
    roster.reserve(place(&reserved), LATER).await;
    let members = [old.clone(), new.clone()];
    assert_eq!(roster.cut_off(LATER).await, members, "cut_off");
    assert!(!roster.confirm(&reserved, LATER).await, "confirm after a cut-off");
    assert_eq!(roster.members(LATER).await, members, "members after a cut-off");
    roster.release(&old, LATER).await;
    assert_eq!(
        roster.cut_off(LATER).await,
        [new],
        "cut_off again, when one was released"
    );
}

/// At its limit a principal gets no further place and is told which are confirmed; what is replaced does not count.
pub async fn a_limit_refuses_one_too_many(storage: Arc<dyn SessionStorage>) {
    let Some(roster) = Places::of_somebody(&storage) else {
        return;
    };
    let (first, second, third) = (
        member(NOW),
        member(NOW.after(SECOND)),
        member(LATER.after(SECOND)),
    );
    roster.settle(&first, NOW).await;
    roster.settle(&second, NOW).await;
    let asked = Reservation {
        limit: Some(2),
        ..place(&third)
    };
    let full = Reserved::Full(vec![first.clone(), second.clone()]);
    assert_eq!(
        roster.reserve(asked.clone(), NOW).await,
        full,
        "reserve at the limit"
    );
    assert!(
        !roster.confirm(&third, NOW).await,
        "confirm of a place that was refused"
    );
    let replacing = Reservation {
        replaces: Some(second.key),
        ..asked.clone()
    };
    assert_eq!(
        roster.reserve(replacing, NOW).await,
        Reserved::Reserved,
        "reserve at the limit in place of one of them"
    );
    assert!(
        roster.confirm(&third, NOW).await,
        "confirm of a place in place of another one"
    );
    let unknown = Reservation {
        replaces: Some(member(NOW).key),
        session: member(NOW),
        ..asked.clone()
    };
    assert!(
        matches!(roster.reserve(unknown, NOW).await, Reserved::Full(members) if members.len() == 3),
        "reserve beyond the limit in place of what is not there"
    );
    let unlimited = Reservation {
        limit: None,
        session: member(NOW),
        ..asked
    };
    assert_eq!(
        roster.reserve(unlimited, NOW).await,
        Reserved::Reserved,
        "reserve without a limit"
    );
}

/// A confirmed session is a member until it ends at the latest, and takes no place from then on.
pub async fn a_member_is_gone_at_its_end(storage: Arc<dyn SessionStorage>) {
    let Some(roster) = Places::of_somebody(&storage) else {
        return;
    };
    let (mut short, mut endless, next) = (member(NOW), member(LATER), member(LATER));
    short.ends = NOW.after(HOUR);
    endless.ends = Timestamp::MAX;
    roster.settle(&short, NOW).await;
    roster.settle(&endless, NOW).await;
    let last = Timestamp::from_millis(short.ends.as_millis() - 1);
    let asked = Reservation {
        limit: Some(2),
        ..place(&next)
    };
    let both = vec![short.clone(), endless.clone()];
    assert_eq!(
        roster.members(last).await,
        both,
        "members a millisecond before one ends"
    );
    assert_eq!(
        roster.reserve(asked.clone(), last).await,
        Reserved::Full(both),
        "reserve a millisecond before one ends"
    );
    assert_eq!(
        roster.members(short.ends).await,
        [endless.clone()],
        "members when one ends"
    );
    assert_eq!(
        roster.reserve(asked, short.ends).await,
        Reserved::Reserved,
        "reserve when one ends"
    );
    assert_eq!(
        roster.cut_off(short.ends).await,
        [endless],
        "cut_off when one has ended"
    );
}

/// What is done for one principal, name or application changes nothing for another.
pub async fn principals_names_and_applications_do_not_meet(storage: Arc<dyn SessionStorage>) {
    let Some(one) = Places::of_somebody(&storage) else {
        return;
    };
    let anna = format!("anna{}", u64::from_ne_bytes(bytes()));
    let others = [
        ("shop", "session", &*format!("{anna} ")),
        ("shop", "session2", &anna),
        ("shop2", "session", &anna),
        ("", "shop", &format!("session{anna}")),
    ];
    let one = one.of("shop", "session", &anna);
    let mine = member(NOW);
    one.settle(&mine, NOW).await;
    let mut all = Vec::new();
    for (application, name, principal) in others {
        let other = one.of(application, name, principal);
        assert_eq!(other.members(NOW).await, [], "members of another one");
        let session = member(NOW);
        let alone = Reservation {
            limit: Some(1),
            ..place(&session)
        };
        assert_eq!(
            other.reserve(alone, NOW).await,
            Reserved::Reserved,
            "reserve of another one"
        );
        assert!(other.confirm(&session, NOW).await, "confirm of another one");
        other.release(&mine, NOW).await;
        all.push((other, session));
    }
    assert_eq!(one.cut_off(LATER).await, std::slice::from_ref(&mine), "cut_off");
    one.release(&mine, LATER).await;
    for (other, session) in all {
        assert_eq!(other.members(LATER).await, [session], "members of another one");
        let next = member(NOW);
        assert_eq!(
            other.reserve(place(&next), LATER).await,
            Reserved::Reserved,
            "reserve of another one after a cut-off"
        );
    }
}

/// Of many logins at once no more than the limit get a place.
pub async fn parallel_logins_keep_to_the_limit(storage: Arc<dyn SessionStorage>) {
    for _ in 0..10 {
        let Some(roster) = Places::of_somebody(&storage) else {
            return;
        };
        assert_eq!(log_in_at_once(&[roster], 5).await, 5, "places that were taken");
    }
}

/// Twenty logins, shared out among nodes: how many of them got a place.
pub(super) async fn log_in_at_once(nodes: &[Places], limit: usize) -> usize {
    let confirmed = together((0..20).map(|number| {
        let roster = nodes[number % nodes.len()].clone();
        async move {
            let session = member(NOW);
            let asked = Reservation {
                limit: Some(limit),
                ..place(&session)
            };
            match roster.reserve(asked, NOW).await {
                Reserved::Reserved => roster.confirm(&session, NOW).await,
                Reserved::Full(_) | Reserved::CutOff => false,
            }
        }
    }))
    .await;
    let confirmed = confirmed.into_iter().filter(|confirmed| *confirmed).count();
    assert_eq!(
        nodes[0].members(NOW).await.len(),
        confirmed,
        "members after logins at once"
    );
    confirmed
}

/// Whatever logins race with a cut-off, whose sessions are then deleted, no session is left that began before it; and
/// each that is left is in the index.
pub async fn no_login_slips_through_a_cut_off(storage: Arc<dyn SessionStorage>) {
    for _ in 0..30 {
        let Some(roster) = Places::of_somebody(&storage) else {
            return;
        };
        race_a_cut_off(&[roster]).await;
    }
}

/// Twelve logins against one end of all sessions, shared out among nodes.
pub(super) async fn race_a_cut_off(nodes: &[Places]) {
    let sessions = together((0..13_usize).map(|number| {
        let roster = nodes[number % nodes.len()].clone();
        async move {
            if number == 6 {
                roster.end_all().await;
                return None;
            }
            // Every third begins after it.
            let began = if number % 3 == 0 { LATER } else { NOW };
            let session = member(LATER);
            let mut login = Login::new(&roster, &session, began, None);
            login.take(Login::CALLS).await;
            Some((began, session))
        }
    }))
    .await;
    let members = nodes[0].members(LATER).await;
    for (began, session) in sessions.into_iter().flatten() {
        let live = nodes[0].session(&session).load(LATER).await.is_some();
        assert!(
            !live || began >= LATER,
            "a session was left that began before the cut-off"
        );
        assert_eq!(
            members.contains(&session),
            live,
            "whether a session is in the index, and whether there is one, after a cut-off"
        );
    }
}

/// Live sessions are counted and deleted by application and name, at most as many as told; others stay.
pub async fn sessions_are_counted_and_deleted_by_name(storage: Arc<dyn SessionStorage>) {
    let Some(index) = storage.index() else { return };
    let name = format!("name{}", u64::from_ne_bytes(bytes()));
    let of = |application: &str, name: &str| Record {
        application: application.into(),
        name: name.into(),
        principal: Some(Principal::new("anna")),
        ..record(*b"value")
    };
    let mut mine = Vec::new();
    for _ in 0..10 {
        mine.push(Subject::with(&storage, &of("shop", &name)).await);
    }
    let mut expired = of("shop", &name);
    expired.times.idle_deadline = LATER;
    Subject::with(&storage, &expired).await;
    let mut others = Vec::new();
    for (application, name) in [("shop", "name"), ("", &*name), ("shop2", &name)] {
        others.push(Subject::with(&storage, &of(application, name)).await);
    }
    let count = || answer("count", index.count("shop", &name, LATER));
    let delete = |limit| answer("delete_some", index.delete_some("shop", &name, limit, LATER));
    assert_eq!(count().await, 10, "live sessions of one name");
    assert_eq!(answer("count", index.count("shop2", &name, LATER)).await, 1);
    assert_eq!(delete(0).await, 0, "sessions deleted at a limit of 0");
    assert_eq!(delete(4).await, 4, "sessions deleted at a limit of 4");
    assert_eq!(count().await, 6, "live sessions when 4 of 10 were deleted");
    assert_eq!(delete(100).await, 6, "sessions deleted when 6 were left");
    assert_eq!(delete(100).await, 0, "sessions deleted when none were left");
    assert_eq!(count().await, 0, "live sessions when all were deleted");
    for subject in mine {
        subject.assert_absent(LATER).await;
    }
    for subject in others {
        subject.live(LATER).await;
    }
}
