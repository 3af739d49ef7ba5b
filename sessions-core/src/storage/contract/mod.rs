//! What every storage has to do, as checks that run on any storage.
//!
//! Each check takes a storage, works under keys of its own, and panics with a sentence when the storage breaks its
//! promise. A storage without an [`index`](SessionStorage::index) passes what is about that.
//!
//! # One's own storage
//!
//! [`storage_contract_tests!`](crate::storage_contract_tests) makes a test of each check:
//!
//! ```
//! # use sessions_core::storage::MemoryStorage as MyStorage;
//! #[cfg(test)]
//! mod my_storage {
//!     use super::MyStorage;
//!
//!     sessions_core::storage_contract_tests!(async { MyStorage::new() });
//! }
//! ```
//!
//! [`check`] runs them all in one, and [`check_nodes`] those that take two nodes on the same sessions:
//!
//! ```
//! use sessions_core::storage::{MemoryStorage, contract};
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! contract::check(|| async { MemoryStorage::new() }).await;
//! # });
//! ```
//!
//! They are of four kinds:
//!
//! - One operation, and what it leaves: one check for each sentence of the promise.
//! - Any sequence of operations, made at random, against a model that is a map and a few comparisons. One that fails is
//!   shown as short as it can be.
//! - Several at once: many of a kind; and two requests, the second at each point of the first, before it reads, between
//!   its read and its write, and after that. What comes of them has to be what the model gives for an order of their
//!   calls. Likewise the end of all sessions, and another login, at each point of a login.
//! - Operations that nobody waits for any more: their replies are lost, and they leave the old or the new as a whole,
//!   and hold up nobody.
//!
//! # A backend that can be broken
//!
//! [`check_outage`] breaks it, asks for everything, and mends it: there is an error, in time, and never "no session".
//!
//! # A storage around another
//!
//! For a cache and its like, [`wrapper_contract_tests!`](crate::wrapper_contract_tests) makes tests, and
//! [`check_wrapper`] runs them, around a [`Gated`] storage, whose calls are held up, fail, or lose their replies:
//!
//! ```
//! use sessions_core::storage::{CachedStorage, contract};
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! contract::check_wrapper(CachedStorage::new).await;
//! # });
//! ```
//!
//! # Where to run them
//!
//! On a runtime of `tokio` with several threads, or the races are none, and with its time. The storage is to be empty,
//! of expired sessions at least, and nobody else may purge it meanwhile. Time is [`NOW`] and what is near it, whatever
//! the system's clock shows: what a backend expires by a clock of its own has to last for that long.

mod abandoned;
mod contents;
mod create;
mod delete;
mod expiry;
mod gated;
mod index;
mod load;
mod logins;
mod model;
mod nodes;
mod operation;
mod outage;
mod pairs;
mod place_sequences;
mod places;
mod purge;
mod races;
mod replace;
mod sequences;
mod subject;
mod touch;
mod wrapped;
mod wrapper;

use std::sync::Arc;

pub use self::{
    abandoned::*, contents::*, create::*, delete::*, expiry::*, gated::*, index::*, load::*, logins::*,
    nodes::*, outage::*, pairs::*, place_sequences::*, purge::*, races::*, replace::*, sequences::*,
    subject::*, touch::*, wrapped::*, wrapper::*,
};
use super::SessionStorage;

/// Makes one test of each check of the [`contract`](crate::storage::contract).
///
/// It takes the future of an empty storage, and needs `tokio` with the features `macros` and `rt-multi-thread`.
///
/// ```
/// mod memory {
///     use sessions_core::storage::MemoryStorage;
///
///     sessions_core::storage_contract_tests!(async { MemoryStorage::new() });
/// }
/// ```
///
/// With `names => callback` it gives the names of all checks to a macro of one's own.
#[macro_export]
macro_rules! storage_contract_tests {
    (@all $then:ident [$($given:tt)*]) => {
        $crate::storage_contract_tests! { @$then [$($given)*];
            a_created_session_is_there,
            a_taken_key_is_not_created_again,
            keys_do_not_meet,
            an_unknown_key_has_no_session,
            it_is_healthy,
            every_field_comes_back,
            a_payload_may_be_empty,
            a_payload_may_have_a_mebibyte,
            any_handle_and_any_text_comes_back,
            the_record_that_was_replaced_is_forgotten,
            a_replace_at_the_revision_writes_the_whole_record,
            a_replace_at_the_revision_keeps_a_touch,
            a_replace_at_another_revision_conflicts,
            a_replace_within_the_epoch_keeps_the_secrets,
            a_replace_within_the_epoch_leaves_a_newer_version,
            a_replace_within_the_epoch_moves_times_forward_only,
            a_replace_of_another_epoch_conflicts,
            a_replace_never_inserts,
            a_touch_moves_times_forward,
            a_touch_never_moves_times_back,
            a_touch_stops_at_the_absolute_deadline,
            a_touch_changes_nothing_but_times,
            a_touch_of_another_epoch_is_superseded,
            a_deleted_session_is_gone,
            a_delete_is_true_once,
            a_deleted_key_can_be_created_again,
            a_session_ends_at_its_idle_deadline,
            a_session_ends_at_its_absolute_deadline,
            a_session_ends_at_its_own_cap,
            an_expired_session_makes_room,
            a_touched_session_lives_on,
            deadlines_may_be_at_the_end_of_time,
            a_clock_that_goes_back_undoes_nothing,
            a_purge_leaves_live_sessions,
            a_purge_frees_no_more_than_its_limit,
            a_purge_counts_what_it_frees,
            a_purge_spares_a_session_whose_deadline_moved,
            of_parallel_creates_one_wins,
            of_parallel_deletes_one_wins,
            of_parallel_replaces_at_a_revision_one_wins,
            parallel_updates_lose_nothing,
            racing_writes_never_bring_a_deleted_session_back,
            racing_touches_leave_the_latest_times,
            racing_purges_count_each_session_once,
            readers_see_whole_records,
            a_confirmed_place_lasts_until_it_is_released,
            a_reserved_place_can_be_released,
            members_come_oldest_first,
            a_reserved_place_lapses_after_a_minute,
            a_cut_off_refuses_who_began_before_it,
            a_cut_off_takes_back_what_is_only_reserved,
            a_limit_refuses_one_too_many,
            a_member_is_gone_at_its_end,
            principals_names_and_applications_do_not_meet,
            parallel_logins_keep_to_the_limit,
            no_login_slips_through_a_cut_off,
            sessions_are_counted_and_deleted_by_name,
            any_sequence_of_operations_does_as_the_model,
            any_sequence_of_places_does_as_the_model,
            a_delete_at_any_point_of_a_request_is_final,
            a_rotation_at_any_point_of_a_request_shuts_it_out,
            saves_at_any_point_of_one_another_have_an_order,
            a_deadline_at_any_point_of_a_request_ends_a_session_or_has_moved,
            no_point_of_a_login_escapes_a_cut_off,
            no_point_of_a_login_lets_another_pass_the_limit,
            a_create_that_nobody_waits_for_is_whole_or_nothing,
            a_write_that_nobody_waits_for_is_whole_or_nothing,
            a_delete_that_nobody_waits_for_is_done_or_not,
            a_read_or_a_purge_that_nobody_waits_for_changes_nothing,
            a_login_that_nobody_waits_for_is_cut_off_like_any,
        }
    };
    (@tests [$make:expr]; $($check:ident,)*) => {$(
        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $check() {
            $crate::storage::contract::$check(::std::sync::Arc::new($make.await)).await;
        }
    )*};
    (@run [$make:expr]; $($check:ident,)*) => {$(
        $check(::std::sync::Arc::new($make.await)).await;
    )*};
    (@give [$callback:ident]; $($check:ident,)*) => {
        $callback! { $($check)* }
    };
    (names => $callback:ident) => {
        $crate::storage_contract_tests! { @all give [$callback] }
    };
    ($make:expr) => {
        $crate::storage_contract_tests! { @all tests [$make] }
    };
}

/// Runs every check, each on a storage that `make` gives.
///
/// # Panics
/// The storage breaks its promise.
pub async fn check<S: SessionStorage>(make: impl AsyncFn() -> S) {
    crate::storage_contract_tests! { @all run [make()] }
}

/// Runs every check that takes two nodes, each on two storages that share their sessions.
///
/// # Panics
/// The storages break their promise.
pub async fn check_nodes<S: SessionStorage>(make: impl AsyncFn() -> (S, S)) {
    let pair = async || {
        let (one, other) = make().await;
        (Arc::new(one), Arc::new(other))
    };
    let (one, other) = pair().await;
    each_node_sees_what_the_other_wrote(one, other).await;
    let (one, other) = pair().await;
    a_node_cannot_write_over_what_it_has_not_seen(one, other).await;
    let (one, other) = pair().await;
    parallel_updates_on_two_nodes_lose_nothing(one, other).await;
    let (one, other) = pair().await;
    of_parallel_deletes_on_two_nodes_one_wins(one, other).await;
    let (one, other) = pair().await;
    racing_nodes_never_bring_a_deleted_session_back(one, other).await;
    let (one, other) = pair().await;
    parallel_logins_on_two_nodes_keep_to_the_limit(one, other).await;
    let (one, other) = pair().await;
    no_login_on_another_node_slips_through_a_cut_off(one, other).await;
    let (one, other) = pair().await;
    requests_on_two_nodes_have_an_order(one, other).await;
    let (one, other) = pair().await;
    no_point_of_a_login_on_another_node_is_overlooked(one, other).await;
}
