//! What sessions cost a database server: room, and work for each operation. `docs/scale.md` counts with it.
//!
//! `cargo bench -p sessions-core --bench scale --features contract,postgres,redis -- redis 1000000` and the same with `postgres`.
//! Work is the time that the server's processes had a processor, so that it counts for machines of another size, too.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use redis::{Client, cmd, from_redis_value};
use servers::{Postgres, Redis};
use sessions_core::{
    Principal, Record, Revision, StorageError, StorageKey,
    storage::{
        Expected, IndexKey, Member, PostgresStorage, Read, RedisStorage, Reservation, SessionIndex,
        SessionStorage, Touch,
        contract::{NOW, record},
    },
};
use sqlx::{PgPool, postgres::PgPoolOptions};

type Failure = Box<dyn std::error::Error>;

/// As large as a login with a few fields.
const PAYLOAD: [u8; 200] = [7; 200];
/// How many requests there are at once.
const AT_ONCE: usize = 64;
/// Of how many operations each figure is.
const OPERATIONS: u64 = 100_000;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // As a test it has nothing to say.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let count = arguments
        .iter()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if arguments.iter().any(|argument| argument == "postgres") {
        runtime.block_on(postgres(count))
    } else {
        runtime.block_on(redis(count))
    }
}

async fn redis(count: u64) -> Result<(), Failure> {
    let server = Redis::start();
    let storage = RedisStorage::connect(&server.url()).await?;
    let client = Client::open(server.url())?;
    let usage = async || {
        let mut connection = client.get_connection()?;
        let told: String = from_redis_value(cmd("INFO").query(&mut connection)?)?;
        let field = |name: &str| -> Result<f64, Failure> {
            let mut lines = told.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            Ok(value.ok_or("no such field")?.parse()?)
        };
        Ok(Usage {
            bytes: field("used_memory")?,
            work: field("used_cpu_user")? + field("used_cpu_sys")?,
        })
    };
    measure("Redis", &storage, count, usage).await
}

async fn postgres(count: u64) -> Result<(), Failure> {
    let server = Postgres::start();
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .connect(&server.url())
        .await?;
    let storage = PostgresStorage::from_pool(pool.clone()).await?;
    let usage = async || {
        Ok(Usage {
            bytes: relations(&pool).await?.iter().map(|(_, bytes)| *bytes).sum(),
            work: work_of_tree(postmaster(&server)?)?,
        })
    };
    measure("PostgreSQL", &storage, count, usage).await?;
    sqlx::raw_sql("VACUUM ANALYZE").execute(&pool).await?;
    for (name, bytes) in relations(&pool).await? {
        println!("- {name}: {:.0} bytes for each session", bytes / count as f64);
    }
    Ok(())
}

async fn relations(pool: &PgPool) -> Result<Vec<(String, f64)>, Failure> {
    let sql = "SELECT relname::text, pg_relation_size(oid)::float8 FROM pg_class
        WHERE relname LIKE 'session%' AND relkind IN ('r', 'i') ORDER BY 1";
    Ok(sqlx::query_as(sql).fetch_all(pool).await?)
}

fn postmaster(server: &Postgres) -> Result<u32, Failure> {
    let url = server.url();
    let (_, folder) = url.split_once("host=").ok_or("it is not in a folder")?;
    let told = fs::read_to_string(format!("{folder}/data/postmaster.pid"))?;
    Ok(told.lines().next().ok_or("no process")?.parse()?)
}

/// Seconds of a process and its children, those that have ended included.
fn work_of_tree(process: u32) -> Result<f64, Failure> {
    let told = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = told
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11..15]
        .iter()
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum();
    let mut seconds = ticks / 100.0;
    for child in fs::read_to_string(format!("/proc/{process}/task/{process}/children"))?.split_whitespace() {
        seconds += work_of_tree(child.parse()?).unwrap_or_default();
    }
    Ok(seconds)
}

struct Usage {
    bytes: f64,
    /// Seconds of a processor.
    work: f64,
}

/// Says what each kind of operation costs, with `count` sessions there.
async fn measure<S: SessionStorage + SessionIndex>(
    name: &str,
    storage: &S,
    count: u64,
    usage: impl AsyncFn() -> Result<Usage, Failure>,
) -> Result<(), Failure> {
    println!("{name}, {count} sessions of 200 bytes, {AT_ONCE} requests at once, one thread of clients\n");
    println!("| operation | a second | server's work for each, us | bytes for each |");
    println!("|---|---|---|---|");
    let some = OPERATIONS.min(count / 4);
    macro_rules! row {
        ($what:literal, $numbers:expr, $number:ident => $operation:expr) => {{
            let numbers = $numbers;
            let operations = numbers.end - numbers.start;
            let before = usage().await?;
            let began = Instant::now();
            stream::iter(numbers)
                .map(|$number| async move { $operation.await.map(drop) })
                .buffer_unordered(AT_ONCE)
                .try_for_each(async |()| Ok::<_, StorageError>(()))
                .await?;
            let time = began.elapsed().as_secs_f64();
            let after = usage().await?;
            println!(
                "| {} | {:.0} | {:.1} | {:.0} |",
                $what,
                operations as f64 / time,
                (after.work - before.work) * 1e6 / operations as f64,
                (after.bytes - before.bytes) / operations as f64,
            );
        }};
    }
    row!("create", 0..count, number => storage.create(key(number), new(number), NOW));
    row!("load", 0..some, number => storage.load(key(number * 7919 % count), Read::Latest, NOW));
    let touch = Touch {
        epoch: 0,
        last_seen: NOW.after(Duration::from_secs(60)),
        idle_deadline: NOW.after(Duration::from_secs(7200)),
    };
    row!("touch", 0..some, number => storage.touch(key(number), touch, NOW));
    row!("replace", 0..some, number => {
        storage.replace(key(number), new(count + number), Expected::Revision(revision(number)), NOW)
    });
    row!("place in the index", 0..some, number => async move {
        let index = IndexKey::new("", "contract", &principal(number));
        let session = Member {
            key: key(number),
            public_id: new(number).public_id.clone(),
            created: NOW,
            ends: NOW.after(Duration::from_secs(8 * 3600)),
        };
        let place = Reservation { session, began: NOW, replaces: None, limit: None };
        storage.reserve(index, place, NOW).await?;
        storage.confirm(index, key(number), NOW).await
    });
    row!("delete", 0..some, number => storage.delete(key(number), NOW));
    println!();
    Ok(())
}

fn principal(number: u64) -> Principal {
    Principal::new(&format!("user{number}@example.com"))
}

fn new(number: u64) -> Arc<Record> {
    let mut record = Record {
        revision: revision(number),
        principal: Some(principal(number)),
        ..record(PAYLOAD)
    };
    // They have not all come at once.
    record.times.idle_deadline = NOW.after(Duration::from_millis(1_800_000 + number % 1_800_000));
    Arc::new(record)
}

fn key(number: u64) -> StorageKey {
    // As evenly distributed as those of sessions.
    StorageKey::from_bytes(*IndexKey::new("", "key", &principal(number)).as_bytes())
}

fn revision(number: u64) -> Revision {
    Revision((u128::from(number) << 64).to_be_bytes())
}
