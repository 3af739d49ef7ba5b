//! A server that is down, hangs, or is busy, and is back again.

use std::time::{Duration, Instant};

use servers::{MariaDb, Postgres};
use sessions_core::{
    StorageError,
    storage::{
        MySqlStorage, PostgresStorage, SessionStorage as _,
        contract::{Patience, check_outage},
    },
};
use sqlx::{Executor as _, mysql::MySqlPoolOptions, postgres::PgPoolOptions};

use crate::database::{mysql_pool, postgres_pool, tables};

/// As the engine's own limit, or a little more than a storage waits by itself.
const PATIENCE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_postgres_is_no_logout_and_its_sessions_are_there_when_it_runs_again() {
    let server = Postgres::start();
    check_outage(
        PostgresStorage::connect(&server.url()).await.unwrap(),
        Patience::Own(PATIENCE),
        async || server.kill(),
        async || server.run_again(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_mariadb_is_no_logout_and_its_sessions_are_there_when_it_runs_again() {
    let server = MariaDb::start();
    check_outage(
        MySqlStorage::connect(&server.url()).await.unwrap(),
        Patience::Own(PATIENCE),
        async || server.kill(),
        async || server.run_again(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_hangs_is_given_up_and_used_again() {
    let server = Postgres::start();
    check_outage(
        PostgresStorage::connect(&server.url()).await.unwrap(),
        Patience::Callers(Duration::from_millis(200)),
        async || server.pause(),
        async || server.resume(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mariadb_that_hangs_is_given_up_and_used_again() {
    let server = MariaDb::start();
    check_outage(
        MySqlStorage::connect(&server.url()).await.unwrap(),
        Patience::Callers(Duration::from_millis(200)),
        async || server.pause(),
        async || server.resume(),
    )
    .await;
}

/// As by an application that does not give its connections back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_without_a_free_connection_is_no_logout() {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(500))
        .connect(&Postgres::shared().url())
        .await
        .unwrap();
    let taken = std::sync::Mutex::new(None);
    check_outage(
        PostgresStorage::from_pool_in(pool.clone(), &tables())
            .await
            .unwrap(),
        Patience::Own(PATIENCE),
        async || {
            let connection = pool.acquire().await.unwrap();
            *taken.lock().unwrap() = Some(connection);
        },
        async || drop(taken.lock().unwrap().take()),
    )
    .await;
    let pool = MySqlPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(500))
        .connect(&MariaDb::shared().url())
        .await
        .unwrap();
    let taken = std::sync::Mutex::new(None);
    check_outage(
        MySqlStorage::from_pool_in(pool.clone(), &tables()).await.unwrap(),
        Patience::Own(PATIENCE),
        async || {
            let connection = pool.acquire().await.unwrap();
            *taken.lock().unwrap() = Some(connection);
        },
        async || drop(taken.lock().unwrap().take()),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_locks_the_tables_refuses_everybody_in_time() {
    let server = Postgres::start();
    let storage = PostgresStorage::connect(&server.url()).await.unwrap();
    let other = PgPoolOptions::new().connect(&server.url()).await.unwrap();
    let locked = tokio::sync::Mutex::new(None);
    check_outage(
        storage,
        Patience::Own(PATIENCE),
        async || {
            let mut transaction = other.begin().await.unwrap();
            transaction
                .execute("LOCK TABLE sessions, session_rosters IN ACCESS EXCLUSIVE MODE")
                .await
                .unwrap();
            *locked.lock().await = Some(transaction);
        },
        async || locked.lock().await.take().unwrap().rollback().await.unwrap(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_so_it_is_on_mariadb() {
    let server = MariaDb::start();
    let storage = MySqlStorage::connect(&server.url()).await.unwrap();
    let other = MySqlPoolOptions::new().connect(&server.url()).await.unwrap();
    let locked = tokio::sync::Mutex::new(None);
    check_outage(
        storage,
        Patience::Own(PATIENCE),
        async || {
            let mut connection = other.acquire().await.unwrap();
            // By the protocol without preparation, which the server does not have for it.
            sqlx::raw_sql("LOCK TABLES sessions WRITE, session_rosters WRITE")
                .execute(&mut *connection)
                .await
                .unwrap();
            *locked.lock().await = Some(connection);
        },
        async || {
            let mut connection = locked.lock().await.take().unwrap();
            sqlx::raw_sql("UNLOCK TABLES")
                .execute(&mut *connection)
                .await
                .unwrap();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_unavailable_in_time_and_no_password_is_told() {
    let began = Instant::now();
    let postgres = PostgresStorage::connect("postgres://ada:enigma@127.0.0.1:9/db").await;
    let mysql = MySqlStorage::connect("mysql://ada:enigma@127.0.0.1:9/db").await;
    assert!(began.elapsed() < 2 * PATIENCE);
    for error in [postgres.unwrap_err(), mysql.unwrap_err()] {
        assert!(matches!(error, StorageError::Unavailable(_)));
        assert!(!format!("{error} {error:?}").contains("enigma"), "{error:?}");
    }
    let none = PostgresStorage::connect("no address: enigma").await.unwrap_err();
    assert!(matches!(none, StorageError::Unavailable(_)));
    assert!(!format!("{none} {none:?}").contains("enigma"), "{none:?}");
}

#[tokio::test]
async fn what_is_shown_of_a_storage_is_neither_an_address_nor_a_session() {
    let storage = PostgresStorage::from_pool_in(postgres_pool().await, &tables())
        .await
        .unwrap();
    storage.health().await.unwrap();
    let shown = format!("{storage:?}");
    assert!(
        shown.starts_with("SqlStorage { connections: ") && shown.len() < 30,
        "{shown}"
    );
    let storage = MySqlStorage::from_pool_in(mysql_pool().await, &tables())
        .await
        .unwrap();
    storage.health().await.unwrap();
    let shown = format!("{storage:?}");
    assert!(
        shown.starts_with("SqlStorage { connections: ") && shown.len() < 30,
        "{shown}"
    );
}
