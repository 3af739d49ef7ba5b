//! What each storage takes: time for each operation, and room for each session.
//!
//! `cargo bench -p sessions-core --bench storages` prints the tables of `docs/storages.md`; with `-- memory`
//! only that of a million sessions in memory. Run it on a machine that does nothing else.

use std::{
    hint::black_box,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use servers::{MariaDb, Postgres, Redis};
use sessions_core::{
    Principal, Record, Revision, StorageKey, Timestamp,
    storage::{
        DirectoryStorage, Expected, IndexKey, Member, MemoryStorage, MySqlStorage, PostgresStorage, Read,
        RedisStorage, Reservation, SessionStorage, SqliteStorage, Touch,
        contract::{NOW, record},
    },
};
use tempfile::TempDir;

type Failure = Box<dyn std::error::Error>;

/// As large as a login with a few fields.
const PAYLOAD: [u8; 200] = [7; 200];

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    // As a test it has nothing to say.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    if std::env::args().any(|argument| argument == "memory") {
        return million(&runtime);
    }
    println!("Microseconds for one operation, one after the other: median (90th percentile)\n");
    println!("| storage | create | load | replace | touch | delete | login | purge of 1,000 |");
    println!("|---|---|---|---|---|---|---|---|");
    let folder = TempDir::new()?;
    let row = |name: &str, storage: &dyn SessionStorage, count: u64| -> Result<(), Failure> {
        println!(
            "| {name} | {} |",
            runtime.block_on(costs(storage, count))?.join(" | ")
        );
        Ok(())
    };
    row("memory", &MemoryStorage::new(), 20_000)?;
    let directory = DirectoryStorage::open(folder.path().join("directory"))?;
    row("directory", &directory, 1000)?;
    row("directory, cached", &directory.clone().cached(), 1000)?;
    row("directory without fsync", &directory.without_fsync(), 1000)?;
    let sqlite = runtime.block_on(SqliteStorage::open(folder.path().join("sessions.db")))?;
    row("SQLite", &sqlite, 1000)?;
    row("SQLite, cached", &sqlite.cached(), 1000)?;
    let server = Postgres::start();
    let postgres = runtime.block_on(PostgresStorage::connect(&server.url()))?;
    row("PostgreSQL", &postgres, 1000)?;
    drop((postgres, server));
    let server = MariaDb::start();
    let mariadb = runtime.block_on(MySqlStorage::connect(&server.url()))?;
    row("MariaDB", &mariadb, 1000)?;
    drop((mariadb, server));
    let server = Redis::start();
    let redis = runtime.block_on(RedisStorage::connect(&server.url()))?;
    row("Redis", &redis, 1000)?;
    row("Redis, tracked", &redis.tracked(), 1000)?;
    println!("\nBytes on the disk for one session of 200 bytes:\n");
    runtime.block_on(disk(folder.path()))?;
    million(&runtime)
}

fn key(number: u64) -> StorageKey {
    // Spread as hashes are.
    let mut bytes = [0; 32];
    for (part, salt) in bytes.chunks_exact_mut(8).zip(1_u64..) {
        let mut mixed = number.wrapping_add(salt.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        part.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes());
    }
    StorageKey::from_bytes(bytes)
}

fn revision(number: u64) -> Revision {
    Revision((u128::from(number) << 64).to_be_bytes())
}

/// How long each of the operations takes on a storage that holds `count` sessions.
async fn costs(storage: &dyn SessionStorage, count: u64) -> Result<Vec<String>, Failure> {
    let template = Record {
        principal: Some(Principal::new("anna@example.com")),
        ..record(PAYLOAD)
    };
    let new = |number| {
        Arc::new(Record {
            revision: revision(number),
            ..template.clone()
        })
    };
    let touch = Touch {
        epoch: 0,
        last_seen: NOW.after(Duration::from_secs(60)),
        idle_deadline: NOW.after(Duration::from_secs(3600)),
    };
    let mut columns = Vec::new();
    macro_rules! timed {
        ($number:ident => $operation:expr) => {{
            let mut times = Vec::new();
            for $number in 0..count {
                let begun = Instant::now();
                black_box($operation.await?);
                times.push(begun.elapsed());
            }
            columns.push(quantiles(times));
        }};
    }
    timed!(number => storage.create(key(number), new(number), NOW));
    timed!(number => storage.load(key(number), Read::Any, NOW));
    timed!(number => {
        let expected = Expected::Revision(revision(number));
        storage.replace(key(number), new(count + number), expected, NOW)
    });
    timed!(number => storage.touch(key(number), touch, NOW));
    timed!(number => storage.delete(key(number), NOW));
    let index = storage.index().ok_or("no index")?;
    timed!(number => async {
        // Principals with ten sessions each.
        let principal = IndexKey::from_bytes(*key(u64::MAX - number / 10).as_bytes());
        let session = Member {
            key: key(number),
            public_id: template.public_id.clone(),
            created: NOW,
            ends: NOW.after(Duration::from_secs(8 * 3600)),
        };
        let place = Reservation { session, began: NOW, replaces: None, limit: None };
        index.reserve(principal, place, NOW).await?;
        storage.create(key(number), new(number), NOW).await?;
        index.confirm(principal, key(number), NOW).await
    });
    for number in 0..count.max(1000) {
        storage.create(key(count + number), new(number), NOW).await?;
    }
    let end = NOW.after(Duration::from_secs(24 * 3600));
    let begun = Instant::now();
    let freed = storage.purge_expired(1000, end).await?;
    columns.push(match freed {
        0 => "by itself".to_owned(),
        freed => format!("{:.0}", micros(begun.elapsed()) * 1000.0 / freed as f64),
    });
    storage.purge_expired(usize::MAX, end).await?;
    Ok(columns)
}

fn quantiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |part: usize| micros(times[times.len() * part / 100]);
    let (median, high) = (at(50), at(90));
    if median < 10.0 {
        format!("{median:.2} ({high:.2})")
    } else {
        format!("{median:.0} ({high:.0})")
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// What the storages on the disk take up.
async fn disk(folder: &Path) -> Result<(), Failure> {
    const COUNT: u64 = 2000;
    let directory = folder.join("room");
    let storage = DirectoryStorage::open(&directory)?;
    let before = blocks(&directory)?;
    fill(&storage, COUNT).await?;
    println!(
        "- directory: {} (whole blocks of the file system)",
        (blocks(&directory)? - before) / COUNT
    );
    let database = folder.join("room.db");
    let storage = SqliteStorage::open(&database).await?;
    fill(&storage, COUNT).await?;
    drop(storage);
    println!("- SQLite: {}", std::fs::metadata(&database)?.len() / COUNT);
    Ok(())
}

async fn fill(storage: &dyn SessionStorage, count: u64) -> Result<(), Failure> {
    for number in 0..count {
        storage.create(key(number), record(PAYLOAD).into(), NOW).await?;
    }
    Ok(())
}

fn blocks(folder: &Path) -> Result<u64, Failure> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let metadata = entry?.metadata()?;
        sum += std::os::unix::fs::MetadataExt::blocks(&metadata) * 512;
    }
    Ok(sum)
}

/// A memory storage from a thousand sessions to a million.
fn million(runtime: &tokio::runtime::Runtime) -> Result<(), Failure> {
    println!("\nSessions of 200 bytes in memory:\n");
    println!(
        "| sessions | bytes each | create, ns | load, ns | purge of 1,000, us | bytes left when all are freed |"
    );
    println!("|---|---|---|---|---|---|");
    for count in [1000, 10_000, 100_000, 1_000_000_u64] {
        let mut outcome = Ok(());
        allocation_counter::measure(|| {
            outcome = runtime.block_on(room(count));
        });
        outcome?;
    }
    Ok(())
}

async fn room(count: u64) -> Result<(), Failure> {
    let storage = MemoryStorage::new();
    // A thousand of them end first.
    let record = |number: u64| {
        let mut record = Record {
            revision: revision(number),
            principal: Some(Principal::new("anna@example.com")),
            ..record(PAYLOAD)
        };
        if number.is_multiple_of(count / 1000) {
            record.times.idle_deadline = soon();
        }
        Arc::new(record)
    };
    let mut create = Duration::ZERO;
    let mut outcome = Ok(());
    let held = allocation_counter::measure(|| {
        outcome = (0..count).try_for_each(|number| {
            let record = record(number);
            let begun = Instant::now();
            let created = at_once(storage.create(key(number), record, NOW));
            create += begun.elapsed();
            created.map(drop)
        });
    });
    outcome?;
    let begun = Instant::now();
    let loads = 200_000;
    for number in 0..loads {
        // In no order, as requests come.
        let number = number * 7919 % count;
        black_box(storage.load(key(number), Read::Any, NOW).await?);
    }
    let load = begun.elapsed();
    let begun = Instant::now();
    let freed = storage.purge_expired(1000, soon()).await?;
    let purge = begun.elapsed();
    if freed != 1000 {
        return Err(format!("{freed} sessions were freed").into());
    }
    let mut outcome = Ok(0);
    let given_back = allocation_counter::measure(|| {
        outcome = at_once(storage.purge_expired(usize::MAX, NOW.after(Duration::from_secs(24 * 3600))));
    });
    outcome?;
    let each = held.bytes_current / i64::try_from(count)?;
    let before = held.bytes_current - each * 1000;
    println!(
        "| {count} | {each} | {:.0} | {:.0} | {:.0} | {} |",
        create.as_secs_f64() * 1e9 / count as f64,
        load.as_secs_f64() * 1e9 / loads as f64,
        micros(purge),
        before + given_back.bytes_current,
    );
    Ok(())
}

fn soon() -> Timestamp {
    NOW.after(Duration::from_secs(60))
}

fn at_once<T>(
    mut future: sessions_core::storage::StorageFuture<'_, T>,
) -> Result<T, sessions_core::StorageError> {
    use std::{
        pin::Pin,
        task::{Context, Poll, Waker},
    };
    match Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a memory storage answers at once"),
    }
}
