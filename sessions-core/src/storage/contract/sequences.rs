//! Operations at random, one after the other, against the model.

use std::{
    fmt::Debug,
    sync::Arc,
    time::{Duration, Instant},
};

use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

use super::{
    model::Model,
    operation::{Answer, Operation},
    subject::{NOW, Subject, full_record},
};
use crate::{
    Payload, Record, Revision, SecretHash, Timestamp,
    storage::{Expected, Read, SessionStorage, Touch},
};

/// How many cases there are at least, on a storage that is slow, and at most, on one that is fast.
const CASES: std::ops::Range<u32> = 5..200;
/// How long it goes on between the two.
const TIME: Duration = Duration::from_secs(1);
/// How often a case that failed is made simpler.
const SIMPLER: u32 = 500;

/// What is written: few values of each, so that they meet. Times are seconds after the present.
#[derive(Clone, Debug)]
struct Written {
    payload: Vec<u8>,
    revision: u8,
    epoch: u64,
    secret: u8,
    last_seen: u64,
    idle: u64,
    absolute: u64,
    not_after: Option<u64>,
}

#[derive(Clone, Debug)]
enum Step {
    Create(Written),
    Load(Read),
    Replace(Expected, Written),
    Touch { epoch: u64, last_seen: u64, idle: u64 },
    Delete,
    Purge(usize),
}

/// A step on one of the keys, and how many seconds pass before it.
type Timed = (u64, usize, Step);

const KEYS: usize = 3;

/// What a load may show that a copy will do for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Copies {
    /// What is stored, as there are none or they are always right.
    Current,
    /// What was stored at any time, if it is live, and never that there is nothing where there is something.
    Past,
}

/// One key on both sides, and what was stored under it.
struct Key {
    subject: Subject,
    model: Model,
    past: Vec<Arc<Record>>,
}

/// Any sequence of operations on a few keys, with time that passes, is answered as a map and a few comparisons answer
/// it. A sequence that is not is made as short as can be before it is shown.
pub async fn any_sequence_of_operations_does_as_the_model(storage: Arc<dyn SessionStorage>) {
    let copies = if storage.may_be_stale() {
        Copies::Past
    } else {
        Copies::Current
    };
    do_as_the_model(&storage, copies).await;
}

pub(super) async fn do_as_the_model(storage: &Arc<dyn SessionStorage>, copies: Copies) {
    for_all(vec(step(), 1..40), |steps| {
        let storage = Arc::clone(storage);
        async move {
            let mut keys = [(); KEYS].map(|()| Key {
                subject: Subject::unused(&storage),
                model: Model::default(),
                past: Vec::new(),
            });
            let mut now = 0;
            let done = run(&mut keys, copies, &mut now, steps).await;
            // So that no purge of a later case finds any of them.
            for key in &keys {
                let _ = Operation::Delete.ask(&key.subject, at(now)).await;
            }
            let _ = Operation::Purge(usize::MAX).ask(&keys[0].subject, at(now)).await;
            done
        }
    })
    .await;
}

/// Takes the steps on both, and says where they differ.
async fn run(keys: &mut [Key; KEYS], copies: Copies, now: &mut u64, steps: Vec<Timed>) -> Result<(), String> {
    let template = full_record();
    let last = (0..KEYS).map(|key| (0, key, Step::Load(Read::Latest)));
    for (number, (passed, key, step)) in steps.into_iter().chain(last).enumerate() {
        *now += passed;
        let operation = step.operation(&template, *now);
        let given = operation.ask(&keys[key].subject, at(*now)).await;
        if let (Operation::Purge(limit), Ok(Answer::Purged(freed))) = (&operation, &given) {
            // It is of all keys, and a storage may have freed some before.
            let expired = keys.iter().filter(|key| key.model.is_expired(at(*now))).count();
            if *freed > expired.min(*limit) {
                return Err(format!(
                    "step {number} freed {freed} of {expired} expired sessions"
                ));
            }
            continue;
        }
        let Key { model, past, .. } = &mut keys[key];
        let expected = operation.on_model(model, at(*now));
        past.extend(model.load(at(*now)));
        match (given, &operation) {
            (Ok(given), _) if given == expected => {}
            (Ok(Answer::Loaded(Some(copy))), Operation::Load(Read::Any))
                if copies == Copies::Past && !copy.times.is_expired(at(*now)) && past.contains(&copy) => {}
            (given, _) => return Err(format!("step {number} gave {given:?} instead of {expected:?}")),
        }
    }
    Ok(())
}

/// Runs cases of what `strategy` makes until there are enough, and panics with the simplest that fails.
pub(super) async fn for_all<S: Strategy, R>(strategy: S, run: impl Fn(S::Value) -> R)
where
    S::Value: Debug,
    R: Future<Output = Result<(), String>>,
{
    let mut runner = TestRunner::new(Config::default());
    let began = Instant::now();
    for case in 0..CASES.end {
        if case >= CASES.start && began.elapsed() > TIME {
            return;
        }
        let mut tree = match strategy.new_tree(&mut runner) {
            Ok(tree) => tree,
            Err(reason) => panic!("no case could be made: {reason}"),
        };
        let mut last = run(tree.current()).await;
        let mut simplest = None;
        for _ in 0..SIMPLER {
            let another = match last {
                Err(failure) => {
                    simplest = Some((tree.current(), failure));
                    tree.simplify()
                }
                Ok(()) if simplest.is_some() => tree.complicate(),
                Ok(()) => break,
            };
            last = if another {
                run(tree.current()).await
            } else {
                Ok(())
            };
            if !another {
                break;
            }
        }
        if let Some((case, failure)) = simplest {
            panic!("the storage does not do as the model: {failure}, in {case:#?}");
        }
    }
}

fn at(second: u64) -> Timestamp {
    NOW.after(Duration::from_secs(second))
}

fn written() -> impl Strategy<Value = Written, Tree: Send> {
    (
        vec(any::<u8>(), 0..4),
        0..3_u8,
        0..2_u64,
        0..3_u8,
        0..20_u64,
        0..20_u64,
        0..40_u64,
        proptest::option::weighted(0.2, 0..20_u64),
    )
        .prop_map(
            |(payload, revision, epoch, secret, last_seen, idle, absolute, not_after)| Written {
                payload,
                revision,
                epoch,
                secret,
                last_seen,
                idle,
                absolute,
                not_after,
            },
        )
}

fn step() -> impl Strategy<Value = Timed, Tree: Send> {
    let read = prop_oneof![Just(Read::Any), Just(Read::Latest)];
    let expected = prop_oneof![
        (0..3_u8).prop_map(|number| Expected::Revision(Revision([number; 16]))),
        (0..2_u64).prop_map(Expected::Epoch),
    ];
    let touch = (0..2_u64, 0..20_u64, 0..60_u64).prop_map(|(epoch, last_seen, idle)| Step::Touch {
        epoch,
        last_seen,
        idle,
    });
    let step = prop_oneof![
        4 => written().prop_map(Step::Create),
        4 => read.prop_map(Step::Load),
        5 => (expected, written()).prop_map(|(expected, new)| Step::Replace(expected, new)),
        3 => touch,
        1 => Just(Step::Delete),
        1 => (0..3_usize).prop_map(Step::Purge),
    ];
    (prop_oneof![3 => Just(0), 2 => 0..10_u64], 0..KEYS, step)
}

impl Step {
    fn operation(&self, template: &Record, now: u64) -> Operation {
        match self {
            Self::Create(new) => Operation::Create(new.record(template, now)),
            Self::Load(read) => Operation::Load(*read),
            Self::Replace(expected, new) => Operation::Replace(new.record(template, now), *expected),
            Self::Touch {
                epoch,
                last_seen,
                idle,
            } => Operation::Touch(Touch {
                epoch: *epoch,
                last_seen: at(now + last_seen),
                idle_deadline: at(now + idle),
            }),
            Self::Delete => Operation::Delete,
            Self::Purge(limit) => Operation::Purge(*limit),
        }
    }
}

impl Written {
    fn record(&self, template: &Record, now: u64) -> Arc<Record> {
        let mut record = template.clone();
        record.payload = Payload::new(&*self.payload);
        record.revision = Revision([self.revision; 16]);
        record.epoch = self.epoch;
        record.secrets.current = SecretHash([self.secret; 32]);
        record.times.last_seen = at(now + self.last_seen);
        record.times.idle_deadline = at(now + self.idle);
        record.times.absolute_deadline = at(now + self.absolute);
        record.times.not_after = self.not_after.map(|second| at(now + second));
        Arc::new(record)
    }
}
