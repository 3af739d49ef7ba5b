//! The tables: their names, what makes them, and what else may stand in them.

use std::sync::Arc;

use servers::MariaDb;
use sessions_core::{
    Record, RecordError, StorageError, StorageKey,
    storage::{
        Created, Dialect, Expected, MySqlStorage, PostgresStorage, Read, SessionStorage, SqlStorage,
        SqlTables, Touch,
        contract::{NOW, record},
    },
};
use sqlx::{AssertSqlSafe, Executor, Pool, mysql::MySqlPoolOptions};

use crate::database::{mysql_pool, postgres_pool};

const KEY: StorageKey = StorageKey::from_bytes([0xAB; 32]);

async fn run<D: Dialect>(pool: &Pool<D>, sql: impl Into<String>)
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    let mut connection = pool.acquire().await.unwrap();
    let sql: String = sql.into();
    let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await;
    done.unwrap();
}

async fn holds_a_session<D: Dialect>(storage: &SqlStorage<D>) {
    let stored = record(*b"value");
    assert_eq!(
        storage.create(KEY, stored.clone().into(), NOW).await.unwrap(),
        Created::Created
    );
    let loaded = storage.load(KEY, Read::Latest, NOW).await.unwrap();
    assert_eq!(loaded.as_deref(), Some(&stored));
}

#[tokio::test]
async fn names_of_ones_own_are_quoted_whatever_is_in_them() {
    let pool = postgres_pool().await;
    run(&pool, r#"CREATE SCHEMA "Web; ""auth""?""#).await;
    let tables = SqlTables::new()
        .schema(r#"Web; "auth"?"#)
        .prefix("it's {rosters} ?a ");
    let storage = PostgresStorage::from_pool_in(pool, &tables).await.unwrap();
    holds_a_session(&storage).await;

    let pool = mysql_pool().await;
    run(&pool, "CREATE DATABASE `web; ``auth```").await;
    let tables = SqlTables::new()
        .schema("web; `auth`")
        .prefix("it's {rosters} ?a ");
    let storage = MySqlStorage::from_pool_in(pool, &tables).await.unwrap();
    holds_a_session(&storage).await;
}

#[tokio::test]
async fn the_printed_migrations_make_what_a_storage_needs_and_can_be_run_again() {
    let tables = SqlTables::new().prefix("printed_");
    let pool = postgres_pool().await;
    let missing = PostgresStorage::from_migrated_pool_in(pool.clone(), &tables).await;
    assert!(matches!(missing, Err(StorageError::Unavailable(_))));
    for _ in 0..2 {
        run(&pool, PostgresStorage::migrations(&tables)).await;
    }
    let storage = PostgresStorage::from_migrated_pool_in(pool, &tables)
        .await
        .unwrap();
    holds_a_session(&storage).await;

    let pool = mysql_pool().await;
    let missing = MySqlStorage::from_migrated_pool_in(pool.clone(), &tables).await;
    assert!(matches!(missing, Err(StorageError::Unavailable(_))));
    for _ in 0..2 {
        run(&pool, MySqlStorage::migrations(&tables)).await;
    }
    let storage = MySqlStorage::from_migrated_pool_in(pool, &tables).await.unwrap();
    holds_a_session(&storage).await;
}

#[tokio::test]
async fn another_librarys_table_of_that_name_is_refused_and_left_alone() {
    let tables = SqlTables::new().prefix("foreign_");
    let pool = postgres_pool().await;
    run(
        &pool,
        "CREATE TABLE foreign_sessions (id text, deadline bigint, kind text)",
    )
    .await;
    let refused = PostgresStorage::from_pool_in(pool.clone(), &tables).await;
    assert!(matches!(refused, Err(StorageError::Unavailable(_))));
    run(&pool, "INSERT INTO foreign_sessions VALUES ('theirs', 1, '')").await;
}

#[tokio::test]
async fn nodes_that_start_at_once_make_the_tables_together() {
    let tables = SqlTables::new().prefix("together_");
    let starting = (0..8).map(|_| async {
        let pool = postgres_pool().await;
        PostgresStorage::from_pool_in(pool, &tables).await.unwrap();
    });
    futures(starting).await;
}

async fn futures(all: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        all.retain_mut(|one| one.as_mut().poll(context).is_pending());
        if all.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

/// As a later version of the library may write it.
async fn is_unreadable<D: Dialect>(storage: SqlStorage<D>, make_newer: impl AsyncFnOnce()) {
    holds_a_session(&storage).await;
    make_newer().await;
    let unreadable = |error: StorageError| {
        assert!(
            matches!(error, StorageError::Unreadable(RecordError::Version)),
            "{error:?}"
        );
    };
    let new = || Arc::new(Record { ..record(*b"new") });
    let revision = record(*b"value").revision;
    unreadable(storage.load(KEY, Read::Latest, NOW).await.unwrap_err());
    for expected in [Expected::Epoch(0), Expected::Revision(revision)] {
        unreadable(storage.replace(KEY, new(), expected, NOW).await.unwrap_err());
    }
    let times = record([]).times;
    let touch = Touch {
        epoch: 0,
        last_seen: times.last_seen,
        idle_deadline: times.idle_deadline,
    };
    unreadable(storage.touch(KEY, touch, NOW).await.unwrap_err());
    assert_eq!(storage.create(KEY, new(), NOW).await.unwrap(), Created::Exists);
    assert!(storage.delete(KEY, NOW).await.unwrap());
    assert_eq!(storage.load(KEY, Read::Latest, NOW).await.unwrap(), None);
}

#[tokio::test]
async fn a_row_of_a_newer_version_is_unreadable_and_can_only_be_deleted() {
    let tables = SqlTables::new().prefix("newer_");
    let pool = postgres_pool().await;
    let storage = PostgresStorage::from_pool_in(pool.clone(), &tables)
        .await
        .unwrap();
    is_unreadable(storage, async || {
        run(
            &pool,
            "UPDATE newer_sessions SET form = 2, head = set_byte(head, 0, 2)",
        )
        .await;
    })
    .await;

    let pool = mysql_pool().await;
    let storage = MySqlStorage::from_pool_in(pool.clone(), &tables).await.unwrap();
    is_unreadable(storage, async || {
        run(
            &pool,
            "UPDATE newer_sessions SET form = 2, head = CONCAT(x'02', SUBSTRING(head, 2))",
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_pool_that_leaves_transactions_open_is_refused() {
    let open = MySqlPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move { connection.execute("SET SESSION autocommit = 0").await.map(|_| ()) })
    });
    let pool = open.connect(&MariaDb::shared().url()).await.unwrap();
    let refused = MySqlStorage::from_pool_in(pool, &SqlTables::new().prefix("open_")).await;
    let error = refused.unwrap_err();
    assert!(format!("{error:?}").contains("autocommit"), "{error:?}");
}

#[tokio::test]
async fn a_start_waits_for_nobody_who_works_on_the_tables() {
    let tables = SqlTables::new().prefix("busy_");
    let pool = postgres_pool().await;
    PostgresStorage::from_pool_in(pool.clone(), &tables)
        .await
        .unwrap();
    let mut vacuum = pool.begin().await.unwrap();
    vacuum
        .execute("LOCK TABLE busy_sessions, busy_session_rosters IN SHARE UPDATE EXCLUSIVE MODE")
        .await
        .unwrap();
    let started = PostgresStorage::from_pool_in(pool.clone(), &tables);
    let started = tokio::time::timeout(std::time::Duration::from_secs(5), started).await;
    started.unwrap().unwrap();
}

#[tokio::test]
async fn statements_find_sessions_by_their_indexes() {
    let tables = SqlTables::new().prefix("planned_");
    let pool = postgres_pool().await;
    let storage = PostgresStorage::from_pool_in(pool.clone(), &tables)
        .await
        .unwrap();
    holds_a_session(&storage).await;
    for (sql, index) in [
        (
            "SELECT payload FROM planned_sessions WHERE storage_key = 'a' AND deadline > 1",
            "planned_sessions_pkey",
        ),
        (
            "SELECT storage_key FROM planned_sessions WHERE deadline <= 1 ORDER BY deadline LIMIT 9",
            "planned_sessions_by_deadline",
        ),
        (
            "SELECT count(*) FROM planned_sessions WHERE kind = 'a' AND deadline > 1",
            "planned_sessions_by_kind",
        ),
    ] {
        let mut connection = pool.acquire().await.unwrap();
        // Of a table with one row the server would read all.
        sqlx::raw_sql("SET enable_seqscan = off; SET enable_bitmapscan = off")
            .execute(&mut *connection)
            .await
            .unwrap();
        let explain = AssertSqlSafe(format!("EXPLAIN {sql}"));
        let plan: Vec<String> = sqlx::query_scalar(explain)
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        assert!(plan.iter().any(|line| line.contains(index)), "{plan:?}");
    }
}
