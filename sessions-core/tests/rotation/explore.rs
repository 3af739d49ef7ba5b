//! Every order of some requests, or, of those orders that come to the same, one.
//!
//! Two orders have come to the same when the storage holds the same, it is as late, and each request has been answered
//! the same: a request knows nothing but what it was answered, so whatever can happen from there on is the same. Values
//! that are random are compared by who has drawn them (see `names`). That each request then also waits at the same call
//! is checked.

use std::collections::{HashMap, HashSet};

use crate::{
    ends,
    order::{Breaks, Order, Step, Taken},
    requests::Does,
    scene::Scene,
};

/// Which orders are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orders {
    /// All.
    Every,
    /// Of those that come to the same, one.
    EveryOther,
}

/// What was explored.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Explored {
    /// How many orders were begun.
    pub(crate) orders: usize,
    pub(crate) states: usize,
    pub(crate) outcomes: usize,
}

impl std::ops::AddAssign for Explored {
    fn add_assign(&mut self, other: Self) {
        self.orders += other.orders;
        self.states += other.states;
        self.outcomes += other.outcomes;
    }
}

/// A point where there was a choice: what could happen, and which of it is tried now.
struct Choice {
    steps: Vec<Step>,
    taken: usize,
}

/// Tries the orders of these requests, judges each step and each end, and gives all ends that there are.
pub(crate) async fn explore(
    scene: &Scene,
    does: &[Does],
    breaks: Breaks,
    orders: Orders,
) -> (Explored, HashSet<Vec<u8>>) {
    let mut explored = Explored::default();
    let mut known: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    let mut outcomes = HashSet::new();
    let mut choices: Vec<Choice> = Vec::new();
    loop {
        explored.orders += 1;
        let first = if choices.is_empty() {
            Taken::First
        } else {
            Taken::Again
        };
        let mut order = Order::begin(scene, does, first).await;
        for (index, choice) in choices.iter().enumerate() {
            let taken = if index + 1 == choices.len() {
                Taken::First
            } else {
                Taken::Again
            };
            order.take(choice.steps[choice.taken], taken).await;
        }
        loop {
            if orders == Orders::EveryOther {
                let calls = order.calls();
                let known = known.entry(order.state());
                let known_before = matches!(known, std::collections::hash_map::Entry::Occupied(_));
                assert_eq!(*known.or_insert_with(|| calls.clone()), calls, "not the same");
                if known_before {
                    break;
                }
            }
            let steps = order.steps(breaks);
            let Some(step) = steps.first().copied() else {
                if outcomes.insert(order.outcome()) {
                    ends::check(&order);
                }
                break;
            };
            choices.push(Choice { steps, taken: 0 });
            order.take(step, Taken::First).await;
        }
        loop {
            let Some(choice) = choices.last_mut() else {
                explored.states = known.len();
                explored.outcomes = outcomes.len();
                return (explored, outcomes);
            };
            choice.taken += 1;
            if choice.taken < choice.steps.len() {
                break;
            }
            choices.pop();
        }
    }
}
