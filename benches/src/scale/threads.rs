//! How many operations several threads do.

use std::{
    hint::black_box,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use sessions_actix::{
    StorageKey,
    storage::{Expected, MemoryStorage, Read, Replaced, SessionStorage as _, contract::NOW},
};
use workloads::Failure;

use super::{
    random::Random,
    sessions::{Maker, at_once, revision, written},
};
use crate::{median, table::print};

const HEADING: &str = "\
## Memory: several threads

One `MemoryStorage` with 100,000 sessions, and threads that begin together and each do 500,000 operations on random sessions; the
machine has two cores. Operations of all threads, from the beginning to the end of the last one; medians of nine repetitions. A replace
writes 200 bytes over the session that was just loaded, at its revision, and making the record is in it; the other nine of ten are loads.
";

const COUNT: u64 = 100_000;
const THREADS: [u64; 3] = [1, 2, 4];
const REPETITIONS: usize = 9;
const OPERATIONS: usize = 500_000;

/// What the threads do.
#[derive(Clone, Copy)]
enum Mix {
    Loads,
    OneReplaceOfTen,
}

const MIXES: [Mix; 2] = [Mix::Loads, Mix::OneReplaceOfTen];

pub(super) fn table() -> Result<(), Failure> {
    println!("{HEADING}");
    let storage = Maker::new().storage(COUNT)?;
    let mut random = Random::new(3);
    let orders: Vec<Vec<StorageKey>> = (0..4)
        .map(|_| random.keys(OPERATIONS, 0..COUNT))
        .collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    for threads in THREADS {
        let mut row = vec![threads.to_string()];
        for mix in MIXES {
            let mut rates = Vec::new();
            for _ in 0..REPETITIONS {
                let orders = &orders[..threads as usize];
                let operations = (OPERATIONS * orders.len()) as f64;
                rates.push(operations / together(&storage, orders, mix)?.as_secs_f64());
            }
            row.push(format!("{:.2}", median(rates) / 1e6));
        }
        rows.push(row);
    }
    print(
        &[
            "threads",
            "loads, millions a second",
            "one replace of ten, millions a second",
        ],
        &rows,
    );
    Ok(())
}

/// How long it takes until each thread has done its own.
fn together(storage: &MemoryStorage, orders: &[Vec<StorageKey>], mix: Mix) -> Result<Duration, Failure> {
    let begin = Barrier::new(orders.len() + 1);
    thread::scope(|scope| {
        let threads: Vec<_> = orders
            .iter()
            .map(|order| {
                scope.spawn(|| {
                    begin.wait();
                    operate(storage, order, mix).map_err(|failure| failure.to_string())
                })
            })
            .collect();
        begin.wait();
        let begun = Instant::now();
        for thread in threads {
            thread.join().map_err(|_| "a thread panicked")??;
        }
        Ok(begun.elapsed())
    })
}

fn operate(storage: &MemoryStorage, order: &[StorageKey], mix: Mix) -> Result<(), Failure> {
    match mix {
        Mix::Loads => {
            for key in order {
                black_box(at_once(storage.load(*key, Read::Any, NOW))?);
            }
        }
        Mix::OneReplaceOfTen => {
            for (ten, keys) in (0..).zip(order.chunks(10)) {
                let mut last = None;
                for key in &keys[1..] {
                    last = at_once(storage.load(*key, Read::Any, NOW))?.map(|record| (key, record));
                }
                let (key, record) = last.ok_or("all sessions are live")?;
                let new = written(&record, revision(ten));
                let expected = Expected::Revision(record.revision);
                // Another thread may have been faster.
                if at_once(storage.replace(*key, new, expected, NOW))? == Replaced::NotFound {
                    return Err("a session is gone".into());
                }
            }
        }
    }
    Ok(())
}
