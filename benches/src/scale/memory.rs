//! How much memory sessions take up.

use std::{fs, iter, time::Duration};

use sessions_actix::storage::{MemoryStorage, SessionStorage as _, contract::NOW};
use workloads::Failure;

use super::{
    process::measured,
    random::Random,
    sessions::{Maker, UNKNOWN, Whose, at_once, expect},
};
use crate::{
    median,
    table::{print, thousands},
};

pub(super) const PART: &str = "memory";

const HEADING: &str = "\
## Memory: what a session takes up

Sessions with 200 bytes of data in a `MemoryStorage`, made as logins make them: each with a handle of its own, the names shared, and
those of principals with their place in the index, each with a principal of its own, whose name has about 20 letters. Resident is what
the process has more than before, without pages of files, as the system tells in `/proc/self/statm`: key, record, index, tables and
what the allocator adds (glibc's). Then all expire and are freed, and what the process still has more than before is left; and then as
many new ones are made. Each row is the median of three processes that do nothing else.
";

const PROCESSES: usize = 3;
const COUNTS: [u64; 4] = [1000, 10_000, 100_000, 1_000_000];
const PAGE: f64 = 4096.0;
const MEBIBYTE: f64 = 1048576.0;

pub(super) fn table() -> Result<(), Failure> {
    println!("{HEADING}");
    let mut rows = Vec::new();
    for whose in [Whose::Nobody, Whose::Principals] {
        for count in COUNTS {
            let arguments = [code(whose).to_owned(), count.to_string()];
            let mut told = Vec::new();
            for _ in 0..PROCESSES {
                told.push(measured(PART, &arguments)?);
            }
            let middle = |index: usize| median(told.iter().map(|numbers| numbers[index]).collect());
            let [held, left, again] = [0, 1, 2].map(middle);
            rows.push(vec![
                format!("{}, {}", thousands(count as f64), code(whose)),
                format!("{:.2}", held / MEBIBYTE),
                thousands(held / count as f64),
                format!("{:.2}", left / MEBIBYTE),
                format!("{:.2}", again / MEBIBYTE),
            ]);
        }
    }
    print(
        &[
            "sessions",
            "resident, MiB",
            "bytes for each",
            "left, MiB",
            "as many new ones, MiB",
        ],
        &rows,
    );
    Ok(())
}

fn code(whose: Whose) -> &'static str {
    match whose {
        Whose::Nobody => "nobody's",
        Whose::Principals => "of principals",
    }
}

/// How many bytes sessions take up, how many when they were freed, and how many when there are as many new ones.
pub(super) fn measure(arguments: &[String]) -> Result<Vec<f64>, Failure> {
    let [whose, count] = arguments else {
        return Err("whose sessions, and how many?".into());
    };
    let whose = [Whose::Nobody, Whose::Principals]
        .into_iter()
        .find(|one| code(*one) == whose)
        .ok_or("whose sessions?")?;
    let count: u64 = count.parse()?;
    let maker = Maker::new();
    let mut order = Random::new(count).shuffled(0..count);
    // What is there from the first session on, whatever comes later; it stays, so that its memory is not used again.
    let first = MemoryStorage::new();
    maker.fill(&first, &[UNKNOWN, UNKNOWN + 1], whose, NOW)?;
    let storage = MemoryStorage::new();
    let before = resident()?;
    maker.fill(&storage, &order, whose, NOW)?;
    let held = resident()? - before;
    let end = NOW.after(Duration::from_secs(24 * 60 * 60));
    let freed = iter::repeat_with(|| at_once(storage.purge_expired(1000, end)));
    let mut sum = 0;
    for freed in freed {
        match freed? {
            0 => break,
            freed => sum += freed as u64,
        }
    }
    expect(&sum, &count)?;
    let left = resident()? - before;
    for number in &mut order {
        *number += count;
    }
    maker.fill(&storage, &order, whose, NOW)?;
    let again = resident()? - before;
    drop((first, storage));
    Ok(vec![held, left, again])
}

/// Bytes of this process in memory that are no file's.
fn resident() -> Result<f64, Failure> {
    let told = fs::read_to_string("/proc/self/statm")?;
    let pages: Vec<f64> = told
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let [_, resident, shared, ..] = pages.as_slice() else {
        return Err("no such fields".into());
    };
    Ok((resident - shared) * PAGE)
}
