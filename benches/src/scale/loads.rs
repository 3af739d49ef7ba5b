//! How long a load takes.

use std::{hint::black_box, time::Instant};

use futures_util::FutureExt as _;
use sessions_actix::{
    StorageKey,
    storage::{MemoryStorage, Read, SessionStorage as _, contract::NOW},
};
use workloads::Failure;

use super::{
    process::measured,
    random::Random,
    sessions::{Maker, UNKNOWN, expect},
};
use crate::{
    median,
    table::{print, thousands},
};

pub(super) const PART: &str = "loads";

const HEADING: &str = "\
## Memory: what a load takes

Nanoseconds for the load of a random session from a `MemoryStorage`, one after the other in one thread. As many are loaded as there are
sessions, 100,000 at least, in an order that was made before; the median of nine passes, in a process of its own for each row. What a
load takes beyond the first row is the memory's: slot, table and record of a random session are in no cache of the processor where
there are many. Keys are made before; `at_hand` is what the library asks first; nobody has an unknown key.
";

const COUNTS: [u64; 4] = [1000, 10_000, 100_000, 1_000_000];
const FEWEST: u64 = 100_000;
const PASSES: usize = 9;

/// What is timed.
#[derive(Clone, Copy)]
enum Kind {
    Load,
    AtHand,
    UnknownKey,
}

const KINDS: [Kind; 3] = [Kind::Load, Kind::AtHand, Kind::UnknownKey];

pub(super) fn table() -> Result<(), Failure> {
    println!("{HEADING}");
    let mut rows = Vec::new();
    for count in COUNTS {
        let mut row = vec![thousands(count as f64)];
        row.extend(measured(PART, &[count.to_string()])?.into_iter().map(thousands));
        rows.push(row);
    }
    print(
        &[
            "sessions",
            "`load`, ns",
            "`at_hand`, ns",
            "`load` of an unknown key, ns",
        ],
        &rows,
    );
    Ok(())
}

/// Nanoseconds for each kind.
pub(super) fn measure(arguments: &[String]) -> Result<Vec<f64>, Failure> {
    let [count] = arguments else {
        return Err("how many sessions?".into());
    };
    let count: u64 = count.parse()?;
    let storage = Maker::new().storage(count)?;
    let (draws, mut random) = (count.max(FEWEST) as usize, Random::new(1));
    let known = random.keys(draws, 0..count)?;
    let unknown = random.keys(draws, UNKNOWN..2 * UNKNOWN)?;
    let mut times = KINDS.map(|_| Vec::new());
    // The first pass is for caches to fill.
    for pass in 0..=PASSES {
        for (kind, times) in KINDS.into_iter().zip(&mut times) {
            let (keys, expected) = match kind {
                Kind::Load | Kind::AtHand => (&known, draws),
                Kind::UnknownKey => (&unknown, 0),
            };
            let begun = Instant::now();
            let found = keys.iter().filter(|key| is_found(&storage, **key, kind)).count();
            let time = begun.elapsed();
            expect(&found, &expected)?;
            if pass > 0 {
                times.push(time.as_secs_f64() * 1e9 / draws as f64);
            }
        }
    }
    Ok(times.map(median).to_vec())
}

fn is_found(storage: &MemoryStorage, key: StorageKey, kind: Kind) -> bool {
    match kind {
        Kind::AtHand => black_box(storage.at_hand(key, NOW)).is_some(),
        Kind::Load | Kind::UnknownKey => {
            let loaded = black_box(storage.load(key, Read::Any, NOW)).now_or_never();
            matches!(loaded, Some(Ok(Some(_))))
        }
    }
}
