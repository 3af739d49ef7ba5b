//! How many statements an operation takes: each is a round trip.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use servers::{MariaDb, Postgres};
use sessions_core::{
    StorageKey,
    storage::{
        Created, Dialect, Expected, MySqlStorage, PostgresStorage, Read, Replaced, SessionStorage as _,
        SqlStorage, Touch, Touched,
        contract::{NOW, record},
    },
};
use sqlx::{mysql::MySqlPoolOptions, postgres::PgPoolOptions};
use tracing::{
    Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

use crate::database::tables;

const KEY: StorageKey = StorageKey::from_bytes([0xAB; 32]);

/// Counts what `sqlx` says of statements.
#[derive(Clone, Default)]
struct Statements(Arc<AtomicUsize>);

impl Statements {
    fn since_last(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

async fn counts<D: Dialect>(storage: SqlStorage<D>) {
    let statements = Statements::default();
    let _listening = tracing::subscriber::set_default(statements.clone());
    let stored = record(*b"value");
    let created = storage.create(KEY, stored.clone().into(), NOW).await.unwrap();
    assert_eq!((created, statements.since_last()), (Created::Created, 1));

    let loaded = storage.load(KEY, Read::Latest, NOW).await.unwrap();
    assert_eq!((loaded.is_some(), statements.since_last()), (true, 1));

    for expected in [Expected::Epoch(0), Expected::Revision(stored.revision)] {
        let replaced = storage
            .replace(KEY, stored.clone().into(), expected, NOW)
            .await
            .unwrap();
        assert_eq!((replaced, statements.since_last()), (Replaced::Done, 1));
    }

    let touch = Touch {
        epoch: 0,
        last_seen: NOW,
        idle_deadline: stored.times.idle_deadline,
    };
    let touched = storage.touch(KEY, touch, NOW).await.unwrap();
    assert_eq!((touched, statements.since_last()), (Touched::Touched, 1));
    let superseded = storage
        .touch(KEY, Touch { epoch: 1, ..touch }, NOW)
        .await
        .unwrap();
    assert_eq!((superseded, statements.since_last()), (Touched::Superseded, 2));

    let deleted = storage.delete(KEY, NOW).await.unwrap();
    assert_eq!((deleted, statements.since_last()), (true, 1));
    let loaded = storage.load(KEY, Read::Latest, NOW).await.unwrap();
    assert_eq!((loaded.is_some(), statements.since_last()), (false, 1));
}

#[tokio::test]
async fn an_operation_that_succeeds_is_one_statement_and_to_say_why_not_takes_another() {
    // One connection: to make another takes statements of its own.
    let pool = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = pool.connect(&Postgres::shared().url()).await.unwrap();
    counts(PostgresStorage::from_pool_in(pool, &tables()).await.unwrap()).await;
    let pool = MySqlPoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false);
    let pool = pool.connect(&MariaDb::shared().url()).await.unwrap();
    counts(MySqlStorage::from_pool_in(pool, &tables()).await.unwrap()).await;
}
