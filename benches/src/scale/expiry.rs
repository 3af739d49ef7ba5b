//! How long it takes to free what has expired.

use std::time::{Duration, Instant};

use sessions_actix::storage::{MemoryStorage, SessionStorage as _, contract::NOW};
use workloads::Failure;

use super::{
    random::Random,
    sessions::{Maker, Whose, at_once, ended, expect},
};
use crate::{
    median,
    table::{print, thousands},
};

const HEADING: &str = "\
## Memory: what freeing takes

Of the sessions in a `MemoryStorage` some expire, a thousand in each second of its time, and are freed by `purge_expired(1000, now)`
until it finds no more; then as many new ones are made, so that the number of those that are there stays. They were made in another
order than they expire in. Medians over the repetitions, the longest call of all of them; for none, one call in each of 1,001
repetitions.
";

/// How many are freed by one call.
const BATCH: usize = 1000;
/// How many sessions there are, how many of them expire, and how often that is repeated.
const RUNS: [(u64, &[(u64, usize)]); 2] = [
    (100_000, &[(0, 1001), (1000, 25), (10_000, 9)]),
    (1_000_000, &[(0, 1001), (1000, 25), (10_000, 9), (100_000, 5)]),
];

/// Sessions that expire in the order of their numbers, of which there are always as many.
pub(super) struct Population {
    pub(super) storage: MemoryStorage,
    maker: Maker,
    random: Random,
    /// The first number that has not ended.
    pub(super) first: u64,
    /// The first that was not begun.
    pub(super) next: u64,
}

/// How long it took to free some sessions.
pub(super) struct Purge {
    pub(super) time: Duration,
    longest_call: Duration,
}

impl Population {
    pub(super) fn new(count: u64) -> Result<Self, Failure> {
        let maker = Maker::new();
        Ok(Self {
            storage: maker.storage(count)?,
            maker,
            random: Random::new(2),
            first: 0,
            next: count,
        })
    }

    /// Lets so many sessions expire, and frees them.
    pub(super) fn purge(&mut self, expiring: u64) -> Result<Purge, Failure> {
        self.first += expiring;
        let now = ended(self.first);
        let (mut freed, mut longest_call) = (0, Duration::ZERO);
        let begun = Instant::now();
        loop {
            let call = Instant::now();
            let some = at_once(self.storage.purge_expired(BATCH, now))?;
            longest_call = longest_call.max(call.elapsed());
            freed += some as u64;
            if some < BATCH {
                break;
            }
        }
        let time = begun.elapsed();
        expect(&freed, &expiring)?;
        Ok(Purge { time, longest_call })
    }

    /// Makes as many sessions as have ended.
    pub(super) fn refill(&mut self, expired: u64) -> Result<(), Failure> {
        let numbers = self.random.shuffled(self.next..self.next + expired);
        self.next += expired;
        // They were begun when none had ended yet, so that making them frees nothing.
        self.maker.fill(&self.storage, &numbers, Whose::Nobody, NOW)
    }
}

pub(super) fn table() -> Result<(), Failure> {
    println!("{HEADING}");
    let mut rows = Vec::new();
    for (count, runs) in RUNS {
        let mut population = Population::new(count)?;
        for &(expiring, repetitions) in runs {
            let (mut times, mut longest) = (Vec::new(), Duration::ZERO);
            for _ in 0..repetitions {
                let purge = population.purge(expiring)?;
                times.push(purge.time.as_secs_f64());
                longest = longest.max(purge.longest_call);
                population.refill(expiring)?;
            }
            let time = median(times);
            rows.push(vec![
                format!("{} of {}", thousands(expiring as f64), thousands(count as f64)),
                match expiring {
                    0 => format!("{:.4}", time * 1e3),
                    _ => format!("{:.2}", time * 1e3),
                },
                match expiring {
                    0 => "-".to_owned(),
                    _ => thousands(time * 1e9 / expiring as f64),
                },
                thousands(longest.as_secs_f64() * 1e6),
            ]);
        }
    }
    print(
        &["expired", "ms in all", "ns for each", "longest call, µs"],
        &rows,
    );
    Ok(())
}
