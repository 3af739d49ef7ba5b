//! Logins and logouts at random, one step after the other, against a model that forgets nothing and looks at the time
//! only when it is asked.

use std::{sync::Arc, time::Duration};

use proptest::{collection::vec, prelude::*};

use super::{
    places::{Places, member},
    sequences::for_all,
    subject::NOW,
};
use crate::{
    Timestamp,
    storage::{Member, Reservation, Reserved, SessionStorage},
};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;
/// How long after [`NOW`] it begins: late enough for what was before.
const BEGINNING: u64 = 10 * DAY;
const SESSIONS: usize = 5;

/// Any sequence of steps of logins and logouts of one principal, with time that passes, is answered as a model answers
/// it that keeps a list. A sequence that is not is made as short as can be before it is shown.
pub async fn any_sequence_of_places_does_as_the_model(storage: Arc<dyn SessionStorage>) {
    if storage.index().is_none() {
        return;
    }
    for_all(vec(step(), 1..40), |steps| {
        let storage = Arc::clone(&storage);
        async move {
            let Some(places) = Places::of_somebody(&storage) else {
                return Err("the index went away".to_owned());
            };
            let sessions = [(); SESSIONS].map(|()| member(NOW));
            run(&places, &sessions, steps).await
        }
    })
    .await;
}

/// Takes the steps on both, and says where they differ.
async fn run(places: &Places, sessions: &[Member; SESSIONS], steps: Vec<(u64, Step)>) -> Result<(), String> {
    let mut model = Model {
        sessions,
        places: Vec::new(),
        cut_offs: Vec::new(),
    };
    let mut now = BEGINNING;
    let last = (0, Step::Members);
    for (number, (passed, step)) in steps.into_iter().chain([last]).enumerate() {
        now += passed;
        let expected = model.take(&step, now);
        let given = match step {
            Step::Reserve(asked) => {
                let asked = asked.reservation(sessions, now);
                Answer::Reserved(places.reserve(asked, at(now)).await)
            }
            Step::Confirm(session) => Answer::Confirmed(places.confirm(&sessions[session], at(now)).await),
            Step::Release(session) => {
                places.release(&sessions[session], at(now)).await;
                Answer::Released
            }
            Step::Members => Answer::Members(places.members(at(now)).await),
            Step::CutOff => Answer::Members(places.cut_off(at(now)).await),
        };
        if given != expected {
            return Err(format!("step {number} gave {given:?} instead of {expected:?}"));
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq)]
enum Answer {
    Reserved(Reserved),
    Confirmed(bool),
    Released,
    Members(Vec<Member>),
}

#[derive(Clone, Debug)]
enum Step {
    Reserve(Asked),
    Confirm(usize),
    Release(usize),
    Members,
    CutOff,
}

#[derive(Clone, Debug)]
struct Asked {
    session: usize,
    /// Before the present.
    created: u64,
    began: u64,
    /// After the present.
    ends: u64,
    replaces: Option<usize>,
    limit: Option<usize>,
}

impl Asked {
    fn reservation(&self, sessions: &[Member; SESSIONS], now: u64) -> Reservation {
        Reservation {
            session: Member {
                created: at(now - self.created),
                ends: at(now + self.ends),
                ..sessions[self.session].clone()
            },
            began: at(now - self.began),
            replaces: self.replaces.map(|session| sessions[session].key),
            limit: self.limit,
        }
    }
}

/// What was said of each place, in the order of its saying.
struct Model<'a> {
    sessions: &'a [Member; SESSIONS],
    places: Vec<Said>,
    cut_offs: Vec<u64>,
}

struct Said {
    session: usize,
    created: u64,
    ends: u64,
    reserved: u64,
    confirmed: bool,
}

impl Said {
    fn is_there(&self, now: u64) -> bool {
        let end = if self.confirmed {
            self.ends
        } else {
            self.reserved + MINUTE
        };
        now < end
    }
}

impl Model<'_> {
    fn take(&mut self, step: &Step, now: u64) -> Answer {
        match step {
            Step::Reserve(asked) => Answer::Reserved(self.reserve(asked, now)),
            Step::Confirm(session) => {
                let mut places = self.places.iter_mut();
                let said = places.find(|said| said.session == *session && said.is_there(now));
                Answer::Confirmed(said.map(|said| said.confirmed = true).is_some())
            }
            Step::Release(session) => {
                self.places.retain(|said| said.session != *session);
                Answer::Released
            }
            Step::Members => Answer::Members(self.members(now)),
            Step::CutOff => {
                self.cut_offs.push(now);
                self.places.retain(|said| said.confirmed);
                Answer::Members(self.members(now))
            }
        }
    }

    fn reserve(&mut self, asked: &Asked, now: u64) -> Reserved {
        let began = now - asked.began;
        if self.cut_offs.iter().any(|cut| began < *cut && now < cut + DAY) {
            return Reserved::CutOff;
        }
        let others = self.places.iter().filter(|said| {
            said.is_there(now) && said.session != asked.session && Some(said.session) != asked.replaces
        });
        if asked.limit.is_some_and(|limit| others.count() >= limit) {
            return Reserved::Full(self.members(now));
        }
        self.places.retain(|said| said.session != asked.session);
        self.places.push(Said {
            session: asked.session,
            created: now - asked.created,
            ends: now + asked.ends,
            reserved: now,
            confirmed: false,
        });
        Reserved::Reserved
    }

    fn members(&self, now: u64) -> Vec<Member> {
        let confirmed = self
            .places
            .iter()
            .filter(|said| said.confirmed && said.is_there(now));
        let mut members: Vec<_> = confirmed
            .map(|said| Member {
                created: at(said.created),
                ends: at(said.ends),
                ..self.sessions[said.session].clone()
            })
            .collect();
        members.sort_by_key(|member| member.created);
        members
    }
}

fn at(millis: u64) -> Timestamp {
    NOW.after(Duration::from_millis(millis))
}

/// Where two of a kind are likely to meet, on either side of each limit.
fn step() -> impl Strategy<Value = (u64, Step), Tree: Send> {
    let session = 0..SESSIONS;
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
        .prop_map(|(session, created, began, ends, replaces, limit)| {
            Step::Reserve(Asked {
                session,
                created,
                began,
                ends,
                replaces,
                limit,
            })
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
