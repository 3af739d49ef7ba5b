//! A login, and what comes at each of its points: before it takes a place, before it stores its session, before it
//! confirms the place, and after that.

use std::sync::Arc;

use super::{
    places::{Places, member, place},
    subject::{LATER, NOW, record, together},
};
use crate::{
    Timestamp,
    storage::{Created, Member, Reservation, Reserved, SessionStorage},
};

/// How often two are let go at once.
const ROUNDS: usize = 5;

/// Whatever point of a login the end of all sessions comes at: of those that began before it none is left, and each
/// that is left is in the index.
pub async fn no_point_of_a_login_escapes_a_cut_off(storage: Arc<dyn SessionStorage>) {
    cut_off_at_each_point(&storage, &storage).await;
}

/// Whatever point of a login another one comes at: of two where one is allowed, one is left, and it is in the index.
pub async fn no_point_of_a_login_lets_another_pass_the_limit(storage: Arc<dyn SessionStorage>) {
    log_in_at_each_point(&storage, &storage).await;
}

pub(super) async fn cut_off_at_each_point(one: &Arc<dyn SessionStorage>, other: &Arc<dyn SessionStorage>) {
    for (round, point) in rounds() {
        for began in [NOW, LATER] {
            let Some(here) = Places::of_somebody(one) else {
                return;
            };
            let there = here.on(other);
            let session = member(LATER);
            let mut login = Login::new(&here, &session, began, None);
            login.take(point).await;
            if round == 0 {
                there.end_all().await;
                login.take(Login::CALLS).await;
            } else {
                together([
                    Box::pin(async move { login.take(Login::CALLS).await }) as Work,
                    Box::pin(async move { there.end_all().await }),
                ])
                .await;
            }
            let left = here.is_left(&session).await;
            assert!(
                began >= LATER || !left,
                "a session was left that began before all were ended, after {point} calls of its login"
            );
        }
    }
}

pub(super) async fn log_in_at_each_point(one: &Arc<dyn SessionStorage>, other: &Arc<dyn SessionStorage>) {
    for (round, point) in rounds() {
        let Some(here) = Places::of_somebody(one) else {
            return;
        };
        let there = here.on(other);
        let sessions = [member(LATER), member(LATER)];
        let mut first = Login::new(&here, &sessions[0], NOW, Some(1));
        let mut second = Login::new(&there, &sessions[1], NOW, Some(1));
        first.take(point).await;
        if round == 0 {
            second.take(Login::CALLS).await;
            first.take(Login::CALLS).await;
        } else {
            let both = [first, second];
            together(both.map(|mut login| async move { login.take(Login::CALLS).await })).await;
        }
        let mut left = 0;
        for session in &sessions {
            left += usize::from(here.is_left(session).await);
        }
        assert_eq!(
            left, 1,
            "sessions that were left of two logins where one is allowed, the second after {point} calls of the first"
        );
    }
}

type Work = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// One after the other in the first round, and at once in the others.
fn rounds() -> impl Iterator<Item = (usize, usize)> {
    (0..=ROUNDS).flat_map(|round| (0..=Login::CALLS).map(move |point| (round, point)))
}

/// A login under way.
pub(super) struct Login {
    places: Places,
    asked: Reservation,
    calls: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    UnderWay,
    Over,
}

impl Login {
    pub(super) const CALLS: usize = 3;

    pub(super) fn new(places: &Places, session: &Member, began: Timestamp, limit: Option<usize>) -> Self {
        Self {
            places: places.clone(),
            asked: Reservation {
                began,
                limit,
                ..place(session)
            },
            calls: 0,
            state: State::UnderWay,
        }
    }

    /// Goes on until it has made so many calls, or is refused.
    pub(super) async fn take(&mut self, calls: usize) {
        while self.calls < calls && self.state == State::UnderWay {
            self.state = self.call().await;
            self.calls += 1;
        }
    }

    async fn call(&self) -> State {
        let session: &Member = &self.asked.session;
        let stored = self.places.session(session);
        match self.calls {
            0 => match self.places.reserve(self.asked.clone(), LATER).await {
                Reserved::Reserved => return State::UnderWay,
                Reserved::CutOff | Reserved::Full(_) => {}
            },
            1 => {
                let created = stored.create(&record(*b"value"), LATER).await;
                assert_eq!(created, Created::Created, "create under a key that is free");
                return State::UnderWay;
            }
            _ => {
                if !self.places.confirm(session, LATER).await {
                    stored.delete(LATER).await;
                }
            }
        }
        State::Over
    }
}

impl Places {
    /// Whether this session is there, which the index has to know.
    async fn is_left(&self, session: &Member) -> bool {
        let live = self.session(session).load(LATER).await.is_some();
        let indexed = self.members(LATER).await.contains(session);
        assert_eq!(
            indexed, live,
            "whether a session is in the index, and whether there is one"
        );
        live
    }
}
