//! How long loads wait while others free what has expired.

use std::{
    hint::{black_box, spin_loop},
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use sessions_actix::{
    StorageKey,
    storage::{MemoryStorage, Read, SessionStorage as _, contract::NOW},
};
use workloads::Failure;

use super::{expiry::Population, random::Random};
use crate::{
    median,
    table::{print, thousands},
};

const HEADING: &str = "\
## Memory: how long a load waits for a purge

One thread loads random live sessions out of 1,000,000, one after the other, and times each of them, while another thread frees
100,000 that have expired, a thousand with each call; and, for as long, while the other thread sleeps, and while it computes and
touches no session, for what the scheduler and all others on the machine add. Medians of seven repetitions, which take turns; the
last column is the longest load of all seven. A clock that is read takes some 25 ns of each.
";

const COUNT: u64 = 1_000_000;
const EXPIRING: u64 = 100_000;
const REPETITIONS: usize = 7;
/// So many random sessions are loaded, again and again.
const DRAWS: usize = 200_000;
/// More than can be loaded in the time.
const MOST: usize = 4_000_000;

const LONG: Duration = Duration::from_micros(100);

/// What the other thread does.
#[derive(Clone, Copy)]
enum Meanwhile {
    Sleeps,
    Computes,
    Purges,
}

impl Meanwhile {
    /// A purge first: the others take as long.
    const ALL: [Self; 3] = [Self::Purges, Self::Sleeps, Self::Computes];

    fn title(self) -> &'static str {
        match self {
            Self::Sleeps => "sleeps",
            Self::Computes => "computes",
            Self::Purges => "frees 100,000 sessions",
        }
    }
}

/// What each repetition has shown, in nanoseconds.
#[derive(Default)]
struct Waits {
    loads: Vec<f64>,
    middle: Vec<f64>,
    high: Vec<f64>,
    /// How many took longer than [`LONG`].
    long: Vec<f64>,
    longest: Vec<f64>,
}

pub(super) fn table() -> Result<(), Failure> {
    println!("{HEADING}");
    let mut population = Population::new(COUNT)?;
    let mut all = Meanwhile::ALL.map(|_| Waits::default());
    let mut times = Vec::with_capacity(MOST);
    for _ in 0..REPETITIONS {
        let live = population.first + EXPIRING..population.next;
        let keys = Random::new(live.start).keys(DRAWS, live)?;
        let mut purge = Duration::ZERO;
        for (meanwhile, waits) in Meanwhile::ALL.into_iter().zip(&mut all) {
            let storage = population.storage.clone();
            times.clear();
            while_loading(&storage, &keys, &mut times, || {
                match meanwhile {
                    Meanwhile::Purges => purge = population.purge(EXPIRING)?.time,
                    Meanwhile::Sleeps => thread::sleep(purge),
                    Meanwhile::Computes => {
                        let begun = Instant::now();
                        while begun.elapsed() < purge {
                            spin_loop();
                        }
                    }
                }
                Ok(())
            })?;
            waits.add(&mut times);
        }
        population.refill(EXPIRING)?;
    }
    let mut rows = Vec::new();
    for (meanwhile, waits) in Meanwhile::ALL.into_iter().zip(all) {
        let longest_of_all = waits.longest.iter().copied().fold(0.0, f64::max);
        rows.push(vec![
            meanwhile.title().to_owned(),
            thousands(median(waits.loads)),
            thousands(median(waits.middle)),
            format!("{:.1}", median(waits.high) / 1e3),
            thousands(median(waits.long)),
            thousands(median(waits.longest) / 1e3),
            thousands(longest_of_all / 1e3),
        ]);
    }
    print(
        &[
            "the other thread",
            "loads",
            "median, ns",
            "99.9th percentile, µs",
            "loads over 100 µs",
            "longest, µs",
            "longest of all, µs",
        ],
        &rows,
    );
    Ok(())
}

/// Times loads in a thread of their own, until this work is done.
fn while_loading(
    storage: &MemoryStorage,
    keys: &[StorageKey],
    times: &mut Vec<Duration>,
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (begin, is_done) = (Barrier::new(2), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            begin.wait();
            for key in keys.iter().cycle().take(MOST) {
                let begun = Instant::now();
                let loaded = black_box(storage.load(*key, Read::Any, NOW)).now_or_never();
                times.push(begun.elapsed());
                drop(loaded);
                if is_done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        begin.wait();
        let done = work();
        is_done.store(true, Ordering::Relaxed);
        done
    })
}

impl Waits {
    fn add(&mut self, times: &mut [Duration]) {
        times.sort_unstable();
        let at = |part: f64| {
            let index = (times.len() as f64 * part) as usize;
            let time = times.get(index).or(times.last()).copied();
            time.unwrap_or_default().as_secs_f64() * 1e9
        };
        self.loads.push(times.len() as f64);
        self.middle.push(at(0.5));
        self.high.push(at(0.999));
        let short = times.partition_point(|time| *time <= LONG);
        self.long.push((times.len() - short) as f64);
        self.longest.push(at(1.0));
    }
}
