//! A hundred thousand sessions in a directory.

use std::{fs, ops::Range, os::unix::fs::MetadataExt as _, path::Path, sync::Arc, time::Instant};

use sessions_actix::{
    Record, StorageKey,
    storage::{Created, DirectoryStorage, Read, SessionStorage, StorageError, contract::NOW},
};
use tokio::{runtime::Builder, task::JoinSet};
use workloads::Failure;

use super::{
    random::Random,
    sessions::{Maker, PER_SECOND, UNKNOWN, Whose, ended, expect, key},
};
use crate::{
    median,
    table::{print, thousands},
};

const HEADING: &str = "\
## A directory: 100,000 sessions

Sessions with 200 bytes of data in a `DirectoryStorage` in a temporary folder, each nobody's and with a file of its own. A create waits
for the disk, its data and its name; 1,000 are made one after the other at first, at last, and then without that wait
(`without_fsync`), and all between by 16 tasks at once, where the time is that of all divided by their number. Loads are of random
sessions, one after the other, and their files are in the system's page cache, for they were written just before; copies of
`.cached()` are loads of the same sessions for the second time. Medians of single operations.
";

const PURGE_HEADING: &str = "\
In a folder with so many sessions 1,000 expire, anywhere in it, and are freed by one `purge_expired(1000, now)`; then the same is
called when none has expired, and 1,000 new ones are made. Medians of five repetitions. All files are on the disk: a file system that
is mounted with `discard` may wait for the disk with each file that goes.
";

const COUNT: u64 = 100_000;
/// A folder beside it, for what a purge takes there.
const FEW: u64 = 10_000;
/// How many are made one after the other.
const ALONE: usize = 1000;
const AT_ONCE: usize = 16;
const LOADS: usize = 10_000;
const PURGES: u64 = 5;
/// How many sessions one purge frees.
const BATCH: u64 = PER_SECOND;

/// In these files are counted, whatever a file system's own are.
const BLOCK: u64 = 512;

/// A session that is not there yet.
type New = (StorageKey, Arc<Record>);

/// What a load finds.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Session,
    Nothing,
}

pub(super) fn table() -> Result<(), Failure> {
    println!("{HEADING}");
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    runtime.block_on(measure(folder.path()))
}

async fn measure(folder: &Path) -> Result<(), Failure> {
    let path = folder.join("many");
    let storage = DirectoryStorage::open(&path)?;
    let empty = fs::metadata(&path)?.len();
    let mut rows = Vec::new();
    let mut row = |what: &str, time: f64| rows.push(vec![what.to_owned(), micros(time)]);
    let mut first = new(0..COUNT)?;
    let mut between = first.split_off(ALONE);
    let mut last = between.split_off(between.len() - 2 * ALONE);
    let unsynced = last.split_off(ALONE);
    row("create, the first", create(&storage, &first).await?);
    let (begun, sessions) = (Instant::now(), between.len());
    create_at_once(&storage, between).await?;
    let each = begun.elapsed().as_secs_f64() / sessions as f64;
    row("create, 16 at once", each);
    row("create, the last", create(&storage, &last).await?);
    let without_fsync = storage.clone().without_fsync();
    let time = create(&without_fsync, &unsynced).await?;
    row("create, without a wait for the disk", time);
    let mut random = Random::new(4);
    let known = random.keys(LOADS, 0..COUNT)?;
    let unknown = random.keys(LOADS, UNKNOWN..2 * UNKNOWN)?;
    let copies = storage.clone().cached().capacity(COUNT as usize);
    row("load", load(&storage, &known, Found::Session).await?);
    let time = load(&storage, &unknown, Found::Nothing).await?;
    row("load of an unknown key", time);
    let time = load(&copies, &known, Found::Session).await?;
    row("load through `.cached()`, no copy yet", time);
    let time = load(&copies, &known, Found::Session).await?;
    row("load through `.cached()`, a copy", time);
    // Before the first of them go.
    let sizes = sizes(&path, empty)?;
    print(&["operation", "µs"], &rows);
    print(&["room on the disk", "bytes for each session"], &sizes);
    println!("{PURGE_HEADING}");
    let few = DirectoryStorage::open(folder.join("few"))?;
    create_at_once(&few, new(0..FEW)?).await?;
    let rows = [purges(&few, FEW).await?, purges(&storage, COUNT).await?];
    print(&["sessions", "1,000 have expired, ms", "none has, ms"], &rows);
    Ok(())
}

/// Sessions in no order, so that those that expire together are anywhere in the folder.
fn new(numbers: Range<u64>) -> Result<Vec<New>, Failure> {
    let maker = Maker::new();
    let numbers = Random::new(numbers.start).shuffled(numbers);
    let new = numbers
        .into_iter()
        .map(|number| Ok((key(number)?, maker.record(number, Whose::Nobody)?)));
    new.collect()
}

/// How long purges take in a folder with the sessions up to this number.
async fn purges(storage: &DirectoryStorage, count: u64) -> Result<Vec<String>, Failure> {
    let (mut freeing, mut idle) = (Vec::new(), Vec::new());
    for purged in (0..PURGES).map(|purge| purge * BATCH) {
        let now = ended(purged + BATCH);
        for (times, expected) in [(&mut freeing, BATCH), (&mut idle, 0)] {
            let begun = Instant::now();
            let freed = storage.purge_expired(BATCH as usize, now).await?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            expect(&(freed as u64), &expected)?;
        }
        create_at_once(storage, new(count + purged..count + purged + BATCH)?).await?;
    }
    let numbers = [count as f64, median(freeing), median(idle)];
    Ok(numbers.map(thousands).to_vec())
}

/// Seconds that a create takes, the median.
async fn create(storage: &DirectoryStorage, new: &[New]) -> Result<f64, Failure> {
    let mut times = Vec::new();
    for (key, record) in new {
        let record = Arc::clone(record);
        let begun = Instant::now();
        let created = storage.create(*key, record, NOW).await?;
        times.push(begun.elapsed().as_secs_f64());
        expect(&created, &Created::Created)?;
    }
    Ok(median(times))
}

async fn create_at_once(storage: &DirectoryStorage, new: Vec<New>) -> Result<(), Failure> {
    let (mut tasks, new) = (JoinSet::new(), Arc::new(new));
    for task in 0..AT_ONCE {
        let (storage, new) = (storage.clone(), Arc::clone(&new));
        tasks.spawn(async move {
            for (key, record) in new.iter().skip(task).step_by(AT_ONCE) {
                storage.create(*key, Arc::clone(record), NOW).await?;
            }
            Ok::<_, StorageError>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// Seconds that a load takes, the median.
async fn load(storage: &dyn SessionStorage, keys: &[StorageKey], expected: Found) -> Result<f64, Failure> {
    let mut times = Vec::new();
    for key in keys {
        let begun = Instant::now();
        let found = storage.load(*key, Read::Any, NOW).await?;
        times.push(begun.elapsed().as_secs_f64());
        let found = found.map_or(Found::Nothing, |_| Found::Session);
        expect(&found, &expected)?;
    }
    Ok(median(times))
}

/// What the sessions of a folder take up.
fn sizes(path: &Path, empty: u64) -> Result<Vec<Vec<String>>, Failure> {
    let (mut bytes, mut blocks) = (0, 0);
    for entry in fs::read_dir(path)? {
        let metadata = entry?.metadata()?;
        if metadata.is_file() {
            bytes += metadata.len();
            blocks += metadata.blocks() * BLOCK;
        }
    }
    let names = fs::metadata(path)?.len() - empty;
    let row = |what: &str, bytes: u64| vec![what.to_owned(), thousands(bytes as f64 / COUNT as f64)];
    Ok(vec![
        row("what is in its file", bytes),
        row("the whole blocks of its file", blocks),
        row("its name in the folder", names),
    ])
}

fn micros(seconds: f64) -> String {
    let micros = seconds * 1e6;
    if micros < 10.0 {
        format!("{micros:.2}")
    } else {
        thousands(micros)
    }
}
