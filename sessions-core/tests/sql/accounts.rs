//! With no more rights than it needs: those to read and write two tables that somebody else has made.

use std::sync::Arc;

use servers::{MariaDb, Postgres};
use sessions_core::storage::{
    Dialect, MySqlStorage, PostgresStorage, SessionStorage, SqlStorage, SqlTables, contract,
};
use sqlx::{AssertSqlSafe, Executor as _, Pool, mysql::MySqlPoolOptions, postgres::PgPoolOptions};

use crate::database::{mysql_pool, postgres_pool};

async fn does_everything<D: Dialect>(pool: Pool<D>, tables: &SqlTables) {
    let open = async || {
        let storage = SqlStorage::from_pool_in(pool.clone(), tables).await.unwrap();
        Arc::new(storage) as Arc<dyn SessionStorage>
    };
    contract::it_is_healthy(open().await).await;
    contract::a_replace_at_the_revision_keeps_a_touch(open().await).await;
    contract::a_replace_within_the_epoch_keeps_the_secrets(open().await).await;
    contract::a_delete_is_true_once(open().await).await;
    contract::an_expired_session_makes_room(open().await).await;
    contract::parallel_logins_keep_to_the_limit(open().await).await;
    contract::sessions_are_counted_and_deleted_by_name(open().await).await;
    let freed = open().await.purge_expired(100, contract::NOW).await;
    assert_eq!(freed.unwrap(), 0);
}

const RIGHTS: &str = "GRANT SELECT, INSERT, UPDATE, DELETE ON";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_of_postgres_that_may_make_no_tables_does_for_everything() {
    let admin = postgres_pool().await;
    let tables = SqlTables::new().prefix("accounts_");
    PostgresStorage::from_pool_in(admin.clone(), &tables)
        .await
        .unwrap();
    let sql = format!(
        "CREATE ROLE shop LOGIN; {RIGHTS} accounts_sessions TO shop; {RIGHTS} accounts_session_rosters TO shop;"
    );
    admin.execute(AssertSqlSafe(sql)).await.unwrap();
    let url = Postgres::shared().url().replace("//postgres@", "//shop@");
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .connect(&url)
        .await
        .unwrap();
    does_everything(pool.clone(), &tables).await;
    PostgresStorage::from_pool_in(pool, &tables.prefix("others_"))
        .await
        .unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_account_of_mariadb_that_may_make_no_tables_does_for_everything() {
    let admin = mysql_pool().await;
    let tables = SqlTables::new().prefix("accounts_");
    MySqlStorage::from_pool_in(admin.clone(), &tables).await.unwrap();
    for sql in [
        "CREATE USER shop@localhost IDENTIFIED BY 'enigma'".to_owned(),
        format!("{RIGHTS} mysql.accounts_sessions TO shop@localhost"),
        format!("{RIGHTS} mysql.accounts_session_rosters TO shop@localhost"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&admin).await.unwrap();
    }
    let url = MariaDb::shared().url().replace("//root@", "//shop:enigma@");
    let pool = MySqlPoolOptions::new()
        .max_connections(8)
        .connect(&url)
        .await
        .unwrap();
    does_everything(pool.clone(), &tables).await;
    MySqlStorage::from_pool_in(pool, &tables.prefix("others_"))
        .await
        .unwrap_err();
}
