//! Servers that are real processes, and clients that all come at once: no acknowledged update is lost, and no logout is
//! undone.

#![allow(clippy::unwrap_used, reason = "what fails here is a test")]

mod counts;
mod logouts;
mod servers;

use self::{
    counts::{counts_exactly, counts_what_was_acknowledged, counts_what_was_replicated},
    logouts::{logouts_last_but_for_the_last_before_a_failover, no_logout_is_undone},
};

#[test]
fn ten_thousand_increments_in_memory_are_ten_thousand() {
    counts_exactly("memory", 1);
}

#[test]
fn ten_thousand_increments_behind_a_cache_are_ten_thousand() {
    counts_exactly("cached-memory", 1);
}

#[test]
fn ten_thousand_increments_in_a_folder_are_ten_thousand() {
    counts_exactly("directory", 1);
}

#[test]
fn ten_thousand_increments_by_four_processes_in_a_folder_are_ten_thousand() {
    counts_exactly("directory", 4);
}

#[test]
fn ten_thousand_increments_by_four_processes_with_caches_over_a_folder_are_ten_thousand() {
    counts_exactly("cached-directory", 4);
}

#[test]
fn ten_thousand_increments_in_a_database_are_ten_thousand() {
    counts_exactly("sqlite", 1);
}

#[test]
fn ten_thousand_increments_by_four_processes_in_a_database_are_ten_thousand() {
    counts_exactly("sqlite", 4);
}

#[test]
fn ten_thousand_increments_by_four_processes_in_postgres_are_ten_thousand() {
    counts_exactly("postgres", 4);
}

#[test]
fn ten_thousand_increments_by_four_processes_in_mariadb_are_ten_thousand() {
    counts_exactly("mariadb", 4);
}

#[test]
fn a_thousand_logouts_from_memory_are_not_undone() {
    no_logout_is_undone("memory", 1);
}

#[test]
fn a_thousand_logouts_from_a_folder_are_not_undone() {
    no_logout_is_undone("directory", 1);
}

#[test]
fn a_thousand_logouts_from_a_cached_folder_are_not_undone() {
    no_logout_is_undone("cached-directory", 1);
}

#[test]
fn a_thousand_logouts_from_a_database_are_not_undone() {
    no_logout_is_undone("sqlite", 1);
}

#[test]
fn a_thousand_logouts_from_a_cached_database_are_not_undone() {
    no_logout_is_undone("cached-sqlite", 1);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_a_folder_are_not_undone() {
    no_logout_is_undone("directory", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_a_database_are_not_undone() {
    no_logout_is_undone("sqlite", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_caches_over_a_folder_are_seen_by_both() {
    no_logout_is_undone("cached-directory", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_caches_over_a_database_are_seen_by_both() {
    no_logout_is_undone("cached-sqlite", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_postgres_are_not_undone() {
    no_logout_is_undone("postgres", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_mariadb_are_not_undone() {
    no_logout_is_undone("mariadb", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_caches_over_postgres_are_seen_by_both() {
    no_logout_is_undone("cached-postgres", 2);
}

#[test]
fn no_increment_is_lost_when_postgres_is_killed_half_way_and_runs_again() {
    counts_what_was_acknowledged("postgres");
}

#[test]
fn no_increment_is_lost_when_mariadb_is_killed_half_way_and_runs_again() {
    counts_what_was_acknowledged("mariadb");
}

#[test]
fn ten_thousand_increments_by_four_processes_in_redis_are_ten_thousand() {
    counts_exactly("redis", 4);
}

#[test]
fn ten_thousand_increments_by_four_processes_that_redis_tells_of_changes_are_ten_thousand() {
    counts_exactly("tracked-redis", 4);
}

#[test]
fn ten_thousand_increments_by_four_processes_in_a_cluster_are_ten_thousand() {
    counts_exactly("redis-cluster", 4);
}

#[test]
fn ten_thousand_increments_by_four_processes_on_the_master_of_sentinels_are_ten_thousand() {
    counts_exactly("redis-sentinels", 4);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_redis_are_not_undone() {
    no_logout_is_undone("redis", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_with_a_cluster_are_not_undone() {
    no_logout_is_undone("redis-cluster", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_that_redis_tells_of_changes_are_seen_by_both() {
    no_logout_is_undone("tracked-redis", 2);
}

#[test]
fn a_thousand_logouts_from_two_processes_that_a_cluster_tells_of_changes_are_seen_by_both() {
    no_logout_is_undone("tracked-redis-cluster", 2);
}

#[test]
fn no_increment_is_lost_when_redis_is_killed_half_way_and_runs_again() {
    counts_what_was_acknowledged("redis");
}

#[test]
fn no_replicated_increment_is_lost_when_a_node_of_a_cluster_is_killed_half_way() {
    counts_what_was_replicated("redis-cluster-in-one-slot");
}

#[test]
fn no_replicated_increment_is_lost_when_the_master_of_sentinels_is_killed_half_way() {
    counts_what_was_replicated("redis-sentinels");
}

#[test]
fn no_replicated_logout_is_undone_when_a_node_of_a_cluster_is_killed_half_way() {
    logouts_last_but_for_the_last_before_a_failover("redis-cluster-in-one-slot");
}

#[test]
fn no_replicated_logout_is_undone_when_the_master_of_sentinels_is_killed_half_way() {
    logouts_last_but_for_the_last_before_a_failover("redis-sentinels");
}
