//! The contract, on each storage of this crate.

use std::sync::Arc;

use sessions_core::storage::{CachedStorage, DirectoryStorage, MemoryStorage, SessionStorage, contract};
use tempfile::TempDir;

use crate::around::Around;

fn directory() -> (DirectoryStorage, Arc<TempDir>) {
    let folder = TempDir::new().unwrap();
    let storage = DirectoryStorage::open(folder.path().join("sessions")).unwrap();
    (storage, Arc::new(folder))
}

mod memory {
    use super::*;

    sessions_core::storage_contract_tests!(async { MemoryStorage::new() });
}

mod directory {
    use super::*;

    sessions_core::storage_contract_tests!(async {
        let (storage, folder) = directory();
        Around::keeping(storage, folder)
    });
}

mod directory_without_fsync {
    use super::*;

    sessions_core::storage_contract_tests!(async {
        let (storage, folder) = directory();
        Around::keeping(storage.without_fsync(), folder)
    });
}

mod cached_memory {
    use super::*;

    sessions_core::storage_contract_tests!(async { CachedStorage::new(MemoryStorage::new()) });
}

mod cached_directory {
    use super::*;

    sessions_core::storage_contract_tests!(async {
        let (storage, folder) = directory();
        Around::keeping(storage.cached(), folder)
    });
}

mod a_pointer {
    use super::*;

    sessions_core::storage_contract_tests!(async {
        Arc::new(MemoryStorage::new()) as Arc<dyn SessionStorage>
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clones_of_a_memory_storage_are_nodes_of_one() {
    contract::check_nodes(|| async {
        let storage = MemoryStorage::new();
        (storage.clone(), storage)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn directories_opened_twice_are_nodes_of_one() {
    contract::check_nodes(|| async {
        let (one, folder) = directory();
        // Who waits for the disk and who does not share one folder all the same.
        let other = DirectoryStorage::open(folder.path().join("sessions"))
            .unwrap()
            .without_fsync();
        (
            Around::keeping(one, folder.clone()),
            Around::keeping(other, folder),
        )
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn caches_of_one_storage_are_nodes_of_one() {
    contract::check_nodes(|| async {
        let storage = MemoryStorage::new();
        (CachedStorage::new(storage.clone()), CachedStorage::new(storage))
    })
    .await;
}

/// Keep no promise but to answer: each check has to notice one of them.
mod broken_storages {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use sessions_core::{
        Record, StorageKey, Timestamp,
        storage::{
            Created, Expected, IndexKey, Member, Read, Replaced, Reservation, Reserved, SessionIndex,
            StorageFuture, Touch, Touched,
        },
    };

    use super::*;

    /// Does what it is told, whatever there is, and keeps no index that deserves the name.
    #[derive(Default)]
    struct Careless(Mutex<HashMap<StorageKey, Arc<Record>>>);

    /// Says yes and keeps nothing.
    #[derive(Default)]
    struct Forgetful;

    impl SessionStorage for Forgetful {
        fn create(&self, _: StorageKey, _: Arc<Record>, _: Timestamp) -> StorageFuture<'_, Created> {
            StorageFuture::ready(Ok(Created::Created))
        }

        fn load(&self, _: StorageKey, _: Read, _: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
            StorageFuture::ready(Ok(None))
        }

        fn replace(
            &self,
            _: StorageKey,
            _: Arc<Record>,
            _: Expected,
            _: Timestamp,
        ) -> StorageFuture<'_, Replaced> {
            StorageFuture::ready(Ok(Replaced::Done))
        }

        fn touch(&self, _: StorageKey, _: Touch, _: Timestamp) -> StorageFuture<'_, Touched> {
            StorageFuture::ready(Ok(Touched::Touched))
        }

        fn delete(&self, _: StorageKey, _: Timestamp) -> StorageFuture<'_, bool> {
            StorageFuture::ready(Ok(true))
        }

        fn purge_expired(&self, _: usize, _: Timestamp) -> StorageFuture<'_, usize> {
            StorageFuture::ready(Ok(1))
        }

        fn health(&self) -> StorageFuture<'_, ()> {
            StorageFuture::ready(Err(sessions_core::StorageError::Full))
        }
    }

    impl SessionStorage for Careless {
        fn create(&self, key: StorageKey, record: Arc<Record>, _: Timestamp) -> StorageFuture<'_, Created> {
            self.0.lock().unwrap().insert(key, record);
            StorageFuture::ready(Ok(Created::Created))
        }

        fn load(&self, key: StorageKey, _: Read, _: Timestamp) -> StorageFuture<'_, Option<Arc<Record>>> {
            StorageFuture::ready(Ok(self.0.lock().unwrap().get(&key).cloned()))
        }

        fn replace(
            &self,
            key: StorageKey,
            record: Arc<Record>,
            _: Expected,
            _: Timestamp,
        ) -> StorageFuture<'_, Replaced> {
            self.0.lock().unwrap().insert(key, record);
            StorageFuture::ready(Ok(Replaced::Done))
        }

        fn touch(&self, key: StorageKey, touch: Touch, _: Timestamp) -> StorageFuture<'_, Touched> {
            if let Some(record) = self.0.lock().unwrap().get_mut(&key) {
                let times = &mut Arc::make_mut(record).times;
                times.last_seen = touch.last_seen;
                times.idle_deadline = touch.idle_deadline;
            }
            StorageFuture::ready(Ok(Touched::Touched))
        }

        fn delete(&self, key: StorageKey, _: Timestamp) -> StorageFuture<'_, bool> {
            self.0.lock().unwrap().remove(&key);
            StorageFuture::ready(Ok(true))
        }

        fn purge_expired(&self, _: usize, _: Timestamp) -> StorageFuture<'_, usize> {
            let mut sessions = self.0.lock().unwrap();
            let freed = sessions.len();
            sessions.clear();
            StorageFuture::ready(Ok(freed))
        }

        fn index(&self) -> Option<&dyn SessionIndex> {
            Some(self)
        }

        fn health(&self) -> StorageFuture<'_, ()> {
            StorageFuture::ready(Err(sessions_core::StorageError::Full))
        }
    }

    impl SessionIndex for Careless {
        fn reserve(&self, _: IndexKey, _: Reservation, _: Timestamp) -> StorageFuture<'_, Reserved> {
            StorageFuture::ready(Ok(Reserved::Reserved))
        }

        fn confirm(&self, _: IndexKey, _: StorageKey, _: Timestamp) -> StorageFuture<'_, bool> {
            StorageFuture::ready(Ok(true))
        }

        fn release(&self, _: IndexKey, _: StorageKey, _: Timestamp) -> StorageFuture<'_, ()> {
            StorageFuture::ready(Ok(()))
        }

        fn members(&self, _: IndexKey, _: Timestamp) -> StorageFuture<'_, Vec<Member>> {
            StorageFuture::ready(Ok(Vec::new()))
        }

        fn cut_off(&self, _: IndexKey, _: Timestamp) -> StorageFuture<'_, Vec<Member>> {
            StorageFuture::ready(Ok(Vec::new()))
        }

        fn count(&self, _: &str, _: &str, _: Timestamp) -> StorageFuture<'_, usize> {
            StorageFuture::ready(Ok(self.0.lock().unwrap().len()))
        }

        fn delete_some(&self, _: &str, _: &str, _: usize, _: Timestamp) -> StorageFuture<'_, usize> {
            StorageFuture::ready(Ok(std::mem::take(&mut *self.0.lock().unwrap()).len()))
        }
    }

    macro_rules! each {
        ($($check:ident)*) => {
            [$((
                stringify!($check),
                tokio::spawn(contract::$check(Arc::new(Careless::default()))).await.is_ok()
                    && tokio::spawn(contract::$check(Arc::new(Forgetful))).await.is_ok(),
            )),*]
        };
    }

    #[tokio::test]
    async fn are_found_out_by_each_check() {
        let passed: Vec<_> = each! {
            a_created_session_is_there a_taken_key_is_not_created_again keys_do_not_meet
            an_unknown_key_has_no_session it_is_healthy every_field_comes_back a_payload_may_be_empty
            a_payload_may_have_a_mebibyte any_handle_and_any_text_comes_back
            the_record_that_was_replaced_is_forgotten a_replace_at_the_revision_writes_the_whole_record
            a_replace_at_another_revision_conflicts a_replace_within_the_epoch_keeps_the_secrets
            a_replace_within_the_epoch_moves_times_forward_only a_replace_of_another_epoch_conflicts
            a_replace_never_inserts a_touch_moves_times_forward a_touch_never_moves_times_back
            a_touch_stops_at_the_absolute_deadline a_touch_changes_nothing_but_times
            a_touch_of_another_epoch_is_superseded a_deleted_session_is_gone a_delete_is_true_once
            a_deleted_key_can_be_created_again a_session_ends_at_its_idle_deadline
            a_session_ends_at_its_absolute_deadline a_session_ends_at_its_own_cap
            an_expired_session_makes_room a_touched_session_lives_on deadlines_may_be_at_the_end_of_time
            a_clock_that_goes_back_undoes_nothing a_purge_leaves_live_sessions
            a_purge_frees_no_more_than_its_limit a_purge_counts_what_it_frees
            a_purge_spares_a_session_whose_deadline_moved of_parallel_creates_one_wins
            of_parallel_deletes_one_wins of_parallel_replaces_at_a_revision_one_wins
            parallel_updates_lose_nothing racing_writes_never_bring_a_deleted_session_back
            racing_touches_leave_the_latest_times racing_purges_count_each_session_once
            readers_see_whole_records
            a_confirmed_place_lasts_until_it_is_released a_reserved_place_can_be_released members_come_oldest_first a_reserved_place_lapses_after_a_minute a_cut_off_refuses_who_began_before_it a_cut_off_takes_back_what_is_only_reserved a_limit_refuses_one_too_many a_member_is_gone_at_its_end principals_names_and_applications_do_not_meet parallel_logins_keep_to_the_limit no_login_slips_through_a_cut_off sessions_are_counted_and_deleted_by_name
        }
        .into_iter()
        .filter_map(|(check, passed)| passed.then_some(check))
        .collect();
        assert_eq!(passed, [""; 0]);
    }
}
