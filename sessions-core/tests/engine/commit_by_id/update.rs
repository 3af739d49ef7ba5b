//! `update`: written when it is awaited.

use std::{
    cell::RefCell,
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sessions_core::{
    Clock, Session, SessionError, SessionSpec,
    engine::{SessionStatus, Slot},
    serializer::Bincode,
};

use crate::support::{
    Checked, Client, Fault, Latest, Load, Login, ReplaceEpoch, ReplaceRevision, Said, World, at_once, key_of,
    login, mins, tamper,
};

#[tokio::test]
async fn update_is_written_when_it_is_awaited_and_sends_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.pass(mins(5));
    let slot = client.open().await;
    let visits = slot
        .update(|login| {
            login.visits += 1;
            login.visits
        })
        .await;
    assert_eq!(visits.unwrap(), Some(2));
    assert_eq!(world.storage.calls(), [Load, ReplaceRevision]);
    assert_eq!(slot.get().unwrap().visits, 2);
    assert_eq!(client.sees().await.unwrap().visits, 2);
    world.storage.calls();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(world.storage.calls(), []);
    let times = world.record(&client).unwrap().times;
    assert_eq!(times.idle_deadline, world.clock.now().after(mins(30)));
}

#[tokio::test]
async fn update_survives_a_server_error() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let slot = client.open().await;
    slot.update(|login| login.visits += 1).await.unwrap();
    assert_eq!(client.fails(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(client.sees().await.unwrap().visits, 2);
}

#[tokio::test]
async fn an_update_that_changes_nothing_writes_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let said = client
        .runs(async |slot| {
            assert_eq!(slot.update(|login| login.visits).await.unwrap(), Some(1));
        })
        .await;
    assert_eq!(said, Said::Nothing);
    assert_eq!(world.storage.calls(), [Load, Latest]);
}

#[tokio::test]
async fn an_update_that_changes_nothing_sees_what_another_request_has_written() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let slot = client.open().await;
    client
        .clone()
        .runs(async |slot| {
            slot.update(|login| login.visits = 100).await.unwrap();
        })
        .await;
    let over = slot.update(|login| login.visits > 50).await.unwrap();
    assert_eq!(over, Some(true));
    let id = slot.public_id().unwrap();
    assert!(client.engine().revoke(&id).await.unwrap());
    assert_eq!(slot.update(|login| login.visits).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_revoked_is_brought_back_by_no_write_but_a_login() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    for (how, expected) in [
        ("set", Said::Nothing),
        ("get_or_set_with", Said::Nothing),
        ("update_or_insert_with", Said::Nothing),
        ("start", Said::Sent),
    ] {
        let slot = client.open().await;
        let copy = login("alice", slot.get().unwrap().visits);
        client.engine().revoke(&slot.public_id().unwrap()).await.unwrap();
        assert_eq!(slot.update(|login| login.visits += 1).await.unwrap(), None);
        match how {
            "set" => slot.set(copy).unwrap(),
            "get_or_set_with" => {
                let refused = slot.get_or_set_with(|| copy);
                assert!(matches!(refused, Err(SessionError::Missing { .. })));
            }
            "update_or_insert_with" => {
                let refused = slot.update_or_insert_with(|| login("alice", 1), |_| ()).await;
                assert!(matches!(refused, Err(SessionError::Missing { .. })));
            }
            _ => slot.start(copy).unwrap(),
        }
        assert_eq!(client.ends(&slot).await.unwrap(), expected, "{how}");
        if how != "start" {
            assert_eq!(client.sees().await, None, "{how}");
            client = world.alice(client.engine()).await;
        }
    }
}

#[tokio::test]
async fn an_update_that_nobody_waited_for_is_not_taken_for_undone() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let slot = client.open().await;
    world.storage.fault(ReplaceRevision, Fault::LoseReply, 1);
    world.storage.fault(Latest, Fault::Fail, 1);
    assert!(slot.update(|login| login.visits = 2).await.is_err());
    // It equals what was opened, and not what is stored.
    slot.set(login("alice", 1)).unwrap();
    client.ends(&slot).await.unwrap();
    assert_eq!(client.sees().await.unwrap().visits, 1);
}

#[tokio::test]
async fn two_insertions_at_once_are_one_session() {
    let world = World::new();
    let mut client = Client::new(&world.server::<Login>());
    let slot = client.open().await;
    let twin = slot.clone();
    let (one, other) = tokio::join!(
        slot.update_or_insert_with(|| login("alice", 0), |login| login.visits += 1),
        twin.update_or_insert_with(|| login("alice", 0), |login| login.visits += 1),
    );
    one.unwrap();
    other.unwrap();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    assert_eq!(client.sees().await.unwrap().visits, 2);
}

#[tokio::test]
async fn several_updates_build_on_one_another() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    client
        .runs(async |slot| {
            slot.update(|login| login.visits += 1).await.unwrap();
            slot.update(|login| login.visits *= 10).await.unwrap();
        })
        .await;
    assert_eq!(world.storage.calls(), [Load, ReplaceRevision, ReplaceRevision]);
    assert_eq!(client.sees().await.unwrap().visits, 20);
}

#[tokio::test]
async fn update_where_there_is_no_session_is_none() {
    let world = World::new();
    let engine = world.server::<Login>();
    for (token, said) in [(None, Said::Nothing), (Some("nonsense"), Said::Removed)] {
        let mut client = Client::showing(&engine, token);
        let slot = client.open().await;
        assert_eq!(slot.update(|_| unreachable!()).await.unwrap(), None::<()>);
        assert_eq!(client.ends(&slot).await.unwrap(), said);
    }
    assert_eq!(world.storage.calls(), []);
}

#[tokio::test]
async fn update_on_a_session_that_another_request_ended_is_none_and_revives_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let mut slow = client.clone();
    let key = key_of(&client);
    let slot = slow.open().await;
    client.does(|slot| slot.clear()).await;
    assert_eq!(slot.update(|login| login.visits += 1).await.unwrap(), None);
    assert_eq!(slot.status(), SessionStatus::Ended);
    assert_eq!(slow.ends(&slot).await.unwrap(), Said::Nothing);
    assert!(world.record_at(&key).is_none());
}

#[tokio::test]
async fn update_on_a_session_that_another_request_rotated_is_none() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let mut slow = client.clone();
    let slot = slow.open().await;
    client.does(|slot| slot.rotate_id()).await;
    world.storage.calls();
    assert_eq!(slot.update(|login| login.visits += 1).await.unwrap(), None);
    assert_eq!(world.storage.calls(), [ReplaceRevision, Latest]);
    assert_eq!(slow.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(client.sees().await.unwrap().visits, 1);
}

#[tokio::test]
async fn update_on_a_session_that_expires_during_the_request_is_none() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let slot = client.open().await;
    world.pass(mins(30));
    world.storage.calls();
    assert_eq!(slot.update(|_| ()).await.unwrap(), None);
    // Another request may have used it meanwhile.
    assert_eq!(world.storage.calls(), [Latest]);
}

#[tokio::test]
async fn update_applies_to_what_another_request_has_written() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let mut other = client.at(&world.other_node::<Login>());
    world.storage.before(ReplaceRevision, move |_, _| {
        at_once(other.runs(async |slot| {
            slot.update(|login| login.visits += 100).await.unwrap();
        }));
    });
    let runs = AtomicU32::new(0);
    client
        .runs(async |slot| {
            let visits = slot
                .update(|login| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    login.visits += 1;
                    login.visits
                })
                .await;
            assert_eq!(visits.unwrap(), Some(102));
            assert_eq!(slot.get().unwrap().visits, 102);
        })
        .await;
    assert_eq!(runs.into_inner(), 2);
    assert_eq!(
        world.storage.calls(),
        [Load, ReplaceRevision, Latest, ReplaceRevision]
    );
    assert_eq!(client.sees().await.unwrap().visits, 102);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn updates_from_many_threads_are_all_there() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                for _ in 0..100 {
                    let slot = client.open().await;
                    while let Err(error) = slot.update(|login| login.visits += 1).await {
                        assert!(matches!(error, SessionError::Contended), "{error}");
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(client.sees().await.unwrap().visits, 401);
}

#[tokio::test]
async fn update_after_a_conflict_with_a_logout_is_none() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let mut other = client.at(&world.other_node::<Login>());
    world.storage.before(ReplaceRevision, move |_, _| {
        at_once(other.does(|slot| slot.clear()));
    });
    let slot = client.open().await;
    assert_eq!(slot.update(|login| login.visits += 1).await.unwrap(), None);
    assert_eq!(world.storage.calls(), [Load, ReplaceRevision]);
    assert!(world.record(&client).is_none());
}

#[tokio::test]
async fn update_after_a_conflict_with_a_newer_version_is_refused() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let clock = world.clock.clone();
    world.storage.before(ReplaceRevision, move |inner, key| {
        tamper(inner, key, &clock, |record| record.schema.version += 1);
    });
    let slot = client.open().await;
    assert!(matches!(
        slot.update(|login| login.visits += 1).await.checked(),
        Err(SessionError::Foreign)
    ));
}

/// Others write before each of its writes.
fn contended(world: &World) {
    for n in 0..32 {
        let clock = world.clock.clone();
        world.storage.before(ReplaceRevision, move |inner, key| {
            tamper(inner, key, &clock, |record| record.revision.0[1] = n);
        });
    }
}

/// Answers come late, so that as much as possible comes after what was still in time.
fn slow(world: &World) {
    let (slow, slower) = (
        Fault::Late(Duration::from_millis(950)),
        Fault::Late(Duration::from_millis(1900)),
    );
    for (op, fault, times) in [
        (ReplaceRevision, slower, 1),
        (Latest, slow, 1),
        (ReplaceRevision, slow, 1),
        (Latest, slower, 30),
        (ReplaceRevision, slower, 30),
    ] {
        world.storage.fault(op, fault, times);
    }
}

#[tokio::test(start_paused = true)]
async fn update_under_endless_contention_gives_up_and_writes_nothing() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let slot = client.open().await;
    contended(&world);
    world.storage.calls();
    let began = tokio::time::Instant::now();
    assert!(matches!(
        slot.update(|login| login.visits += 1).await.checked(),
        Err(SessionError::Contended)
    ));
    assert!(began.elapsed() < Duration::from_secs(2));
    let calls = world.storage.calls();
    assert_eq!(calls.iter().filter(|call| **call == ReplaceRevision).count(), 32);
    assert_eq!(client.sees().await.unwrap().visits, 1);
}

#[tokio::test(start_paused = true)]
async fn update_on_a_slow_storage_gives_up_after_three_of_its_time_limits() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let slot = client.open().await;
    contended(&world);
    slow(&world);
    let began = tokio::time::Instant::now();
    assert!(matches!(
        slot.update(|login| login.visits += 1).await.checked(),
        Err(SessionError::Contended)
    ));
    let time = began.elapsed();
    assert!(time <= 3 * world.environment.storage_timeout, "{time:?}");
    assert_eq!(client.sees().await.unwrap().visits, 1);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_on_a_slow_storage_gives_up_after_three_of_its_time_limits() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let slot = client.open().await;
    slot.rotate_id().unwrap();
    contended(&world);
    slow(&world);
    let began = tokio::time::Instant::now();
    assert!(matches!(client.ends(&slot).await, Err(SessionError::Contended)));
    let time = began.elapsed();
    assert!(time <= 3 * world.environment.storage_timeout, "{time:?}");
}

thread_local! {
    static SEEN: RefCell<Option<Slot<Nosy>>> = const { RefCell::new(None) };
}

/// A session whose values look at it when they go.
#[derive(Serialize, Deserialize)]
struct Nosy(u32);

impl Session for Nosy {
    const SPEC: SessionSpec = SessionSpec::new("nosy");
    type Serializer = Bincode;
}

impl Drop for Nosy {
    fn drop(&mut self) {
        SEEN.with_borrow(|slot| slot.as_ref().map(Slot::status));
    }
}

#[test]
fn a_value_that_its_session_was_the_last_to_hold_may_look_at_it_when_it_goes() {
    let (done, is_done) = mpsc::channel();
    // Of its own, as it would not come back.
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut client = Client::new(&World::new().other_node::<Nosy>());
            client.does(|slot| slot.start(Nosy(1))).await;
            let slot = client.open().await;
            SEEN.set(Some(slot.clone()));
            slot.update(|nosy| nosy.0 += 1).await.unwrap();
            // Another request decodes what it has written, and the storage forgets that.
            assert_eq!(client.open().await.get().unwrap().0, 2);
            slot.update(|nosy| nosy.0 += 1).await.unwrap();
            // Nobody else has seen what a server error drops.
            slot.set(Nosy(9)).unwrap();
            client.fails(&slot).await.unwrap();
            SEEN.take();
        });
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(20)).unwrap();
}

#[tokio::test]
async fn update_may_not_change_the_principal() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let slot = client.open().await;
    world.storage.calls();
    for change in [Some("bob".to_owned()), None] {
        assert!(matches!(
            slot.update(|login| login.user.clone_from(&change))
                .await
                .checked(),
            Err(SessionError::PrincipalChanged)
        ));
    }
    slot.set(login("alice", 2)).unwrap();
    assert!(matches!(
        slot.update(|login| login.user = None).await.checked(),
        Err(SessionError::PrincipalChanged)
    ));
    assert_eq!(slot.get().as_deref(), Some(&login("alice", 2)));
    assert_eq!(world.storage.calls(), []);
}

#[tokio::test]
async fn an_update_whose_reply_is_lost_is_recognised_by_its_revision() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let slot = client.open().await;
    world.storage.calls();
    world.storage.fault(ReplaceRevision, Fault::LoseReply, 1);
    assert_eq!(slot.update(|login| login.visits += 1).await.unwrap(), Some(()));
    assert_eq!(world.storage.calls(), [ReplaceRevision, Latest]);
    assert_eq!(client.sees().await.unwrap().visits, 2);
}

#[tokio::test]
async fn an_update_whose_outcome_stays_unknown_is_an_error_and_not_tried_again() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let slot = client.open().await;
    world.storage.calls();
    world.storage.fault(ReplaceRevision, Fault::LoseRequest, 1);
    assert!(matches!(
        slot.update(|login| login.visits += 1).await.checked(),
        Err(SessionError::OutcomeUnknown(_))
    ));
    assert_eq!(world.storage.calls(), [ReplaceRevision, Latest]);
    world.storage.fault(ReplaceRevision, Fault::LoseReply, 1);
    world.storage.fault(Latest, Fault::Fail, 1);
    assert!(matches!(
        slot.update(|login| login.visits += 1).await.checked(),
        Err(SessionError::OutcomeUnknown(_))
    ));
}

#[tokio::test]
async fn update_of_a_value_that_waits_changes_it_in_memory_and_shares_its_fate() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let slot = client.open().await;
    slot.set(login("alice", 5)).unwrap();
    assert_eq!(slot.update(|login| login.visits += 1).await.unwrap(), Some(()));
    assert_eq!(slot.get().unwrap().visits, 6);
    assert_eq!(world.storage.calls(), [Load]);
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(world.storage.calls(), [ReplaceEpoch]);
    assert_eq!(client.sees().await.unwrap().visits, 6);

    let slot = client.open().await;
    slot.set(login("alice", 8)).unwrap();
    slot.update(|login| login.visits += 1).await.unwrap();
    client.fails(&slot).await.unwrap();
    assert_eq!(client.sees().await.unwrap().visits, 6);

    let mut new = Client::new(client.engine());
    let slot = new.open().await;
    slot.start(login("bob", 1)).unwrap();
    let id = slot.public_id();
    slot.update_or_insert_with(|| unreachable!(), |login| login.visits += 1)
        .await
        .unwrap();
    assert_eq!(slot.public_id(), id);
    assert_eq!(new.ends(&slot).await.unwrap(), Said::Sent);
    assert_eq!(new.sees().await.unwrap().visits, 2);
}
