//! Two requests on one session, the second at each point of the first: before it reads, between its read and its
//! write, and after that; there as a whole while the first waits, and at once with what is left of it. What comes of it
//! has to be what the model gives for one of the orders that their calls can have had.

use std::sync::Arc;

use super::{
    model::Model,
    operation::{Answer, Operation},
    subject::{HOUR, NOW, Subject, bytes, record, together},
};
use crate::{
    Payload, Record, SecretHash, Timestamp,
    storage::{Created, Expected, Read, Replaced, SessionStorage, Touch, Touched},
};

/// When the session ends unless it is used, and the last point in time before that.
const END: Timestamp = Timestamp::from_millis(NOW.as_millis() + 30 * 60 * 1000);
const LAST: Timestamp = Timestamp::from_millis(END.as_millis() - 1);
/// How often two requests are let go at once.
const ROUNDS: usize = 5;

/// A delete is final at whatever point of another request it comes: what that has read before it brings nothing back.
pub async fn a_delete_at_any_point_of_a_request_is_final(storage: Arc<dyn SessionStorage>) {
    on_both(&storage, &storage, Family::Deletes).await;
}

/// A rotation at whatever point of another request shuts out what that has read before it: to save and to rotate is a
/// conflict then, and to touch is superseded.
pub async fn a_rotation_at_any_point_of_a_request_shuts_it_out(storage: Arc<dyn SessionStorage>) {
    on_both(&storage, &storage, Family::Rotations).await;
}

/// Saves and touches at whatever point of one another leave what they leave in one order or the other.
pub async fn saves_at_any_point_of_one_another_have_an_order(storage: Arc<dyn SessionStorage>) {
    on_both(&storage, &storage, Family::Saves).await;
}

/// A session whose deadline passes at whatever point of a request has ended, or has a later deadline: no purge takes
/// what was just used, and no use brings back what was purged, or what another session has taken the place of.
pub async fn a_deadline_at_any_point_of_a_request_ends_a_session_or_has_moved(
    storage: Arc<dyn SessionStorage>,
) {
    on_both(&storage, &storage, Family::Deadlines).await;
}

/// Which requests meet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Family {
    Deletes,
    Rotations,
    Saves,
    Deadlines,
}

impl Family {
    pub(super) const ALL: [Self; 4] = [Self::Deletes, Self::Rotations, Self::Saves, Self::Deadlines];

    fn pairs(self) -> Vec<[Request; 2]> {
        use Request::{Logout, Purge, Return, Rotate, Save, Touch, Update};
        let (these, those): (&[_], &[_]) = match self {
            Self::Deletes => (&[Logout], &[Save, Update, Rotate, Touch, Logout]),
            Self::Rotations => (&[Rotate], &[Save, Update, Rotate, Touch]),
            Self::Saves => (&[Save, Update, Touch], &[Save, Update, Touch]),
            Self::Deadlines => (&[Purge, Return], &[Save, Update, Rotate, Touch]),
        };
        let pairs = these
            .iter()
            .flat_map(|one| those.iter().map(|other| [*one, *other]));
        pairs.collect()
    }
}

/// Every pair of the family, either one as the first, on two nodes that may be one.
pub(super) async fn on_both(one: &Arc<dyn SessionStorage>, other: &Arc<dyn SessionStorage>, family: Family) {
    for [first, second] in family.pairs() {
        for requests in [[first, second], [second, first]] {
            for point in 0..=2 {
                Scene::new(requests, point, Order::Within).play(one, other).await;
                for _ in 0..ROUNDS {
                    Scene::new(requests, point, Order::Any).play(one, other).await;
                }
            }
        }
    }
}

/// What a request does to a session.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Request {
    /// Reads it, and writes a value within the epoch.
    Save,
    /// Reads it, and writes a value at the revision.
    Update,
    /// Reads it, and writes a secret at the revision, in the next epoch.
    Rotate,
    /// Reads it, and writes down that it was used.
    Touch,
    /// Reads it, and deletes it.
    Logout,
    /// Frees what has ended, when its deadline has passed.
    Purge,
    /// Creates another session in its place, when its deadline has passed.
    Return,
}

/// How the second request comes to that point.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    /// As a whole, while the first waits.
    Within,
    /// Let go together with the first.
    Any,
}

/// A request under way.
#[derive(Clone, Debug)]
struct Course {
    request: Request,
    /// What it writes.
    new: Record,
    answers: Vec<Answer>,
}

impl Course {
    fn new(request: Request, payload: &[u8]) -> Self {
        let mut new = record(payload);
        new.times.last_seen = LAST;
        new.times.idle_deadline = LAST.after(HOUR / 2);
        Self {
            request,
            new,
            answers: Vec::new(),
        }
    }

    fn now(&self) -> Timestamp {
        match self.request {
            Request::Purge | Request::Return => END,
            _ => LAST,
        }
    }

    /// What it asks for next, by what it has been told; `None` at its end.
    fn next(&self) -> Option<Operation> {
        let seen = match (self.request, &*self.answers) {
            (Request::Purge, []) => return Some(Operation::Purge(usize::MAX)),
            (Request::Return, []) => return Some(Operation::Create(Arc::new(self.new.clone()))),
            (_, []) => return Some(Operation::Load(Read::Latest)),
            (_, [Answer::Loaded(Some(seen))]) => seen,
            _ => return None,
        };
        let mut new = Record {
            revision: self.new.revision,
            payload: self.new.payload.clone(),
            times: self.new.times,
            ..Record::clone(seen)
        };
        let at_revision = Expected::Revision(seen.revision);
        Some(match self.request {
            Request::Save => Operation::Replace(Arc::new(new), Expected::Epoch(seen.epoch)),
            Request::Update => Operation::Replace(Arc::new(new), at_revision),
            Request::Rotate => {
                new.payload = Payload::new(seen.payload.as_bytes());
                new.epoch += 1;
                new.secrets.current = self.new.secrets.current;
                Operation::Replace(Arc::new(new), at_revision)
            }
            Request::Touch => Operation::Touch(Touch {
                epoch: seen.epoch,
                last_seen: new.times.last_seen,
                idle_deadline: new.times.idle_deadline,
            }),
            Request::Logout | Request::Purge | Request::Return => Operation::Delete,
        })
    }

    async fn step(&mut self, subject: &Subject) {
        if let Some(operation) = self.next() {
            self.answers.push(operation.on(subject, self.now()).await);
        }
    }

    async fn finish(mut self, subject: Subject) -> Self {
        while self.next().is_some() {
            self.step(&subject).await;
        }
        self
    }

    fn was_told(&self, answer: &Answer) -> bool {
        self.answers.contains(answer)
    }
}

/// Two requests, the second at a point of the first: after so many of its calls.
#[derive(Clone, Debug)]
struct Scene {
    courses: [Course; 2],
    point: usize,
    order: Order,
}

/// What each was told, and what is there in the end.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    answers: [Vec<Answer>; 2],
    left: Option<Arc<Record>>,
}

impl Scene {
    fn new([first, second]: [Request; 2], point: usize, order: Order) -> Self {
        Self {
            courses: [Course::new(first, b"first"), Course::new(second, b"second")],
            point,
            order,
        }
    }

    /// Plays it, and judges what has come of it.
    async fn play(self, one: &Arc<dyn SessionStorage>, other: &Arc<dyn SessionStorage>) {
        let mut stored = record(*b"stored");
        stored.secrets.current = SecretHash(bytes());
        let here = Subject::with(one, &stored).await;
        let there = here.on(other);
        let [mut first, second] = self.courses.clone();
        for _ in 0..self.point {
            first.step(&here).await;
        }
        let courses = match self.order {
            Order::Within => {
                let second = second.finish(there).await;
                [first.finish(here.clone()).await, second]
            }
            Order::Any => {
                let both = [(first, here.clone()), (second, there)];
                let both = both.map(|(course, subject)| course.finish(subject));
                match <[Course; 2]>::try_from(together(both).await) {
                    Ok(both) => both,
                    Err(_) => panic!("two were begun"),
                }
            }
        };
        let outcome = Outcome {
            left: here.load(self.end()).await,
            answers: courses.clone().map(|course| course.answers),
        };
        self.judge(&courses, &outcome);
        let mut possible = Vec::new();
        self.explore(&Model::with(&stored), &mut possible);
        assert!(
            possible.contains(&outcome),
            "{self}: it gave {outcome:?}, and what an order of their calls gives is none of that: {possible:?}",
        );
        // Nothing is left that a purge would find.
        here.delete(NOW).await;
    }

    /// When it is over.
    fn end(&self) -> Timestamp {
        self.courses[0].now().max(self.courses[1].now())
    }

    /// What must never come of it, in words.
    fn judge(&self, courses: &[Course; 2], outcome: &Outcome) {
        let told = |answer| courses.iter().filter(|course| course.was_told(answer)).count();
        let created = told(&Answer::Created(Created::Created)) > 0;
        if told(&Answer::Deleted(true)) > 0 {
            assert_eq!(
                outcome.left, None,
                "{self}: a session was there after its delete was acknowledged"
            );
        }
        let rotations = courses
            .iter()
            .filter(|course| course.request == Request::Rotate)
            .filter(|course| course.was_told(&Answer::Replaced(Replaced::Done)));
        let rotations = rotations.count() as u64;
        if let Some(left) = &outcome.left
            && !created
        {
            assert_eq!(
                left.epoch, rotations,
                "{self}: the epoch is not the number of rotations that were acknowledged"
            );
        }
        let [first, second] = courses;
        let shut_out = self.order == Order::Within
            && self.point == 1
            && second.request == Request::Rotate
            && second.was_told(&Answer::Replaced(Replaced::Done));
        if shut_out {
            let expected = match first.request {
                Request::Save | Request::Update | Request::Rotate => Answer::Replaced(Replaced::Conflict),
                Request::Touch => Answer::Touched(Touched::Superseded),
                Request::Logout | Request::Purge | Request::Return => return,
            };
            assert_eq!(
                first.answers.last(),
                Some(&expected),
                "{self}: what was read before a rotation was good for a write after it"
            );
        }
    }

    /// Every outcome that an order of the calls has.
    fn explore(&self, model: &Model, possible: &mut Vec<Outcome>) {
        let under_way: Vec<_> = self.turns();
        if under_way.is_empty() {
            possible.push(Outcome {
                answers: self.courses.clone().map(|course| course.answers),
                left: model.load(self.end()),
            });
        }
        for turn in under_way {
            let course = &self.courses[turn];
            let Some(operation) = course.next() else { continue };
            for (model, answer) in outcomes(&operation, model, course.now()) {
                let mut next = self.clone();
                next.courses[turn].answers.push(answer);
                next.explore(&model, possible);
            }
        }
    }

    /// Whose call may be the next.
    fn turns(&self) -> Vec<usize> {
        let under_way = |turn: &usize| self.courses[*turn].next().is_some();
        let both: Vec<_> = [0, 1].into_iter().filter(under_way).collect();
        if both.len() < 2 {
            return both;
        }
        if self.courses[0].answers.len() < self.point {
            vec![0]
        } else if self.order == Order::Within {
            vec![1]
        } else {
            both
        }
    }
}

impl std::fmt::Display for Scene {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [first, second] = &self.courses;
        let (first, second, point) = (first.request, second.request, self.point);
        match self.order {
            Order::Within => write!(f, "{second:?} after {point} calls of {first:?}"),
            Order::Any => write!(f, "{second:?} after {point} calls of {first:?}, at once"),
        }
    }
}

/// What an operation may give, and leave: whoever finds a session that has ended may free it, and a purge may leave it
/// to a backend that does so by itself.
fn outcomes(operation: &Operation, model: &Model, now: Timestamp) -> Vec<(Model, Answer)> {
    let mut before = vec![model.clone()];
    if model.is_expired(now) {
        before.push(Model::default());
    }
    let outcomes = before.into_iter().map(|mut model| {
        let answer = operation.on_model(&mut model, now);
        (model, answer)
    });
    let mut outcomes: Vec<_> = outcomes.collect();
    if matches!(operation, Operation::Purge(_)) {
        outcomes.push((model.clone(), Answer::Purged(0)));
    }
    outcomes
}
