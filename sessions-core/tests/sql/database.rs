//! Tables that no other test has, on a server that all share.

use std::sync::atomic::{AtomicUsize, Ordering};

use servers::{MariaDb, Postgres};
use sessions_core::storage::{MySqlStorage, PostgresStorage, SqlTables};
use sqlx::{MySqlPool, PgPool, mysql::MySqlPoolOptions, postgres::PgPoolOptions};

pub(crate) fn tables() -> SqlTables {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    SqlTables::new().prefix(&format!("s{}_", NUMBER.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) async fn postgres_pool() -> PgPool {
    let pool = PgPoolOptions::new().max_connections(8);
    pool.connect(&Postgres::shared().url()).await.unwrap()
}

pub(crate) async fn mysql_pool() -> MySqlPool {
    let pool = MySqlPoolOptions::new().max_connections(8);
    pool.connect(&MariaDb::shared().url()).await.unwrap()
}

pub(crate) async fn postgres() -> PostgresStorage {
    PostgresStorage::from_pool_in(postgres_pool().await, &tables())
        .await
        .unwrap()
}

pub(crate) async fn mysql() -> MySqlStorage {
    MySqlStorage::from_pool_in(mysql_pool().await, &tables())
        .await
        .unwrap()
}
