//! The contract.

use sessions_core::storage::{MySqlStorage, PostgresStorage, contract};

use crate::database::{mysql, mysql_pool, postgres, postgres_pool, tables};

mod on_postgres {
    use super::*;

    sessions_core::storage_contract_tests!(postgres());
}

mod on_postgres_cached {
    use super::*;

    sessions_core::storage_contract_tests!(async { postgres().await.cached() });
}

mod on_mariadb {
    use super::*;

    sessions_core::storage_contract_tests!(mysql());
}

mod on_mariadb_cached {
    use super::*;

    sessions_core::storage_contract_tests!(async { mysql().await.cached() });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pools_on_one_postgres_are_nodes_of_one() {
    contract::check_nodes(|| async {
        let tables = tables();
        let one = PostgresStorage::from_pool_in(postgres_pool().await, &tables).await;
        let other = PostgresStorage::from_migrated_pool_in(postgres_pool().await, &tables).await;
        (one.unwrap(), other.unwrap())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pools_on_one_mariadb_are_nodes_of_one() {
    contract::check_nodes(|| async {
        let tables = tables();
        let one = MySqlStorage::from_pool_in(mysql_pool().await, &tables).await;
        let other = MySqlStorage::from_migrated_pool_in(mysql_pool().await, &tables).await;
        (one.unwrap(), other.unwrap())
    })
    .await;
}
