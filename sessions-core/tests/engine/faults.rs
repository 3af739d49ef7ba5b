//! A storage that fails, hangs, or does not say what it did.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use sessions_core::{
    SessionError,
    engine::{Outcome, SessionStatus},
    protection::Encrypted,
};
use tokio::time::Instant;

use crate::support::{
    Checked, Client, Create, Delete, Fault, Latest, Load, Login, ReplaceEpoch, ReplaceRevision, Said,
    Stepped, Touch, World, login, mins, ring, secs,
};

/// What the storage was given by default.
const LIMIT: Duration = secs(2);

#[tokio::test]
async fn a_storage_that_fails_when_a_session_is_opened_is_an_error_and_no_absence() {
    let world = World::new();
    let engine = world.server();
    let (client, other) = (world.alice(&engine).await, world.alice(&engine).await);
    world.storage.fault(Load, Fault::Fail, 1);
    assert!(matches!(
        client.try_open(&()).await.checked(),
        Err(SessionError::Unavailable(_))
    ));
    assert_eq!(client.status().await, SessionStatus::Live);
    // Of several tokens none is told about while one is unknown.
    for first in [true, false] {
        let both = Client::showing(&engine, [client.token(), other.token()]);
        let before = world.storage.clone();
        if first {
            world.storage.fault(Load, Fault::Fail, 1);
        } else {
            world
                .storage
                .before(Load, move |_, _| before.fault(Load, Fault::LoseRequest, 1));
        }
        assert!(matches!(
            both.try_open(&()).await.checked(),
            Err(SessionError::Unavailable(_))
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_hangs_when_a_session_is_opened_is_unavailable_in_time() {
    let mut world = World::new();
    for limit in [LIMIT, Duration::from_millis(100)] {
        world.environment.storage_timeout = limit;
        let client = world.alice(&world.server()).await;
        world.storage.fault(Load, Fault::Hang, 1);
        let began = Instant::now();
        assert!(matches!(
            client.try_open(&()).await.checked(),
            Err(SessionError::Unavailable(_))
        ));
        assert!(began.elapsed() >= limit && began.elapsed() < limit + secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_hangs_ends_in_time_and_its_outcome_is_unknown() {
    let world = World::new();
    let engine = world.server();
    for also_latest in [false, true] {
        for op in [Create, ReplaceEpoch, ReplaceRevision, Delete] {
            let mut client = world.alice(&engine).await;
            world.storage.fault(op, Fault::Hang, 1);
            if also_latest {
                world.storage.fault(Latest, Fault::Hang, 1);
            }
            let slot = client.open().await;
            match op {
                Create => slot.start(login("alice", 2)),
                ReplaceEpoch => slot.set(login("alice", 2)),
                ReplaceRevision => slot.rotate_id(),
                _ => slot.clear(),
            }
            .unwrap();
            let began = Instant::now();
            let failure = client.ends(&slot).await.unwrap_err();
            assert!(matches!(failure, SessionError::OutcomeUnknown(_)), "{failure}");
            assert!(began.elapsed() < 2 * LIMIT + secs(1), "{:?}", began.elapsed());
            assert_eq!(client.sees().await.unwrap().visits, 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_happened_before_the_storage_hung_is_recognised() {
    let world = World::new();
    let engine = world.server();
    for op in [Create, ReplaceEpoch, ReplaceRevision, Delete] {
        let mut client = world.alice(&engine).await;
        world.storage.fault(op, Fault::HangAfter, 1);
        let (said, visits) = match op {
            Create => (client.does(|slot| slot.start(login("alice", 2))).await, Some(2)),
            ReplaceEpoch => (client.does(|slot| slot.set(login("alice", 2))).await, Some(2)),
            ReplaceRevision => (client.does(|slot| slot.rotate_id()).await, Some(1)),
            _ => (client.does(|slot| slot.clear()).await, None),
        };
        let expected = match op {
            ReplaceEpoch => Said::Nothing,
            Delete => Said::Removed,
            _ => Said::Sent,
        };
        assert_eq!(said, expected);
        assert_eq!(client.sees().await.map(|login| login.visits), visits);
    }
}

#[tokio::test(start_paused = true)]
async fn a_touch_that_fails_or_hangs_fails_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    for fault in [Fault::Fail, Fault::Hang, Fault::LoseReply] {
        world.pass(mins(2));
        world.storage.fault(Touch, fault, 1);
        let slot = client.open().await;
        let began = Instant::now();
        assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);
        assert!(began.elapsed() < LIMIT + secs(1));
        assert_eq!(slot.get().unwrap().visits, 1);
        assert_eq!(world.storage.calls(), [Load, Touch]);
    }
}

#[tokio::test(start_paused = true)]
async fn with_always_send_a_storage_that_fails_to_look_again_sends_nothing_and_fails_nothing() {
    let world = World::new();
    let mut client = world
        .alice(&world.server_with(|options| options.always_send()))
        .await;
    for fault in [Fault::Fail, Fault::Hang] {
        let slot = client.open().await;
        world.storage.fault(Latest, fault, 1);
        assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);
        assert_eq!(client.reads().await, Said::Sent);
    }
}

#[tokio::test]
async fn a_touch_that_finds_the_session_rotated_or_ended_sends_nothing() {
    let world = World::new();
    let engine = world.server_with::<Login>(|options| options.always_send());
    for clear in [false, true] {
        let mut client = world.alice(&engine).await;
        let mut slow = client.clone();
        world.pass(mins(2));
        let slot = slow.open().await;
        client
            .does(|slot| if clear { slot.clear() } else { slot.rotate_id() })
            .await;
        assert_eq!(slow.ends(&slot).await.unwrap(), Said::Nothing);
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_storage_fails_or_hangs_has_written_nothing() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let slot = client.open().await;
    world.storage.fault(ReplaceRevision, Fault::Fail, 1);
    assert!(matches!(
        slot.update(|login| login.visits += 1).await.checked(),
        Err(SessionError::Unavailable(_))
    ));
    world.storage.fault(ReplaceRevision, Fault::Hang, 1);
    let began = Instant::now();
    assert!(matches!(
        slot.update(|login| login.visits += 1).await.checked(),
        Err(SessionError::OutcomeUnknown(_))
    ));
    assert!(began.elapsed() < 2 * LIMIT + secs(1));
    assert_eq!(client.sees().await.unwrap().visits, 1);
    assert_eq!(slot.get().unwrap().visits, 1);
    slot.update(|login| login.visits += 1).await.unwrap();
    assert_eq!(client.sees().await.unwrap().visits, 2);
}

#[tokio::test(start_paused = true)]
async fn update_or_insert_with_and_take_that_fail_leave_the_request_as_it_was() {
    let world = World::new();
    let mut client = Client::new(&world.server());
    let slot = client.open().await;
    world.storage.fault(Create, Fault::Fail, 1);
    assert!(matches!(
        slot.update_or_insert_with(|| login("alice", 1), |_| ())
            .await
            .checked(),
        Err(SessionError::Unavailable(_))
    ));
    assert_eq!(slot.get(), None);
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);

    let client = world.alice(client.engine()).await;
    let slot = client.open().await;
    world.storage.fault(Delete, Fault::Fail, 1);
    assert!(matches!(
        slot.take().await.checked(),
        Err(SessionError::Unavailable(_))
    ));
    world.storage.fault(Delete, Fault::Hang, 1);
    assert!(matches!(
        slot.take().await.checked(),
        Err(SessionError::OutcomeUnknown(_))
    ));
    assert_eq!(slot.get().unwrap().visits, 1);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_says_whether_it_may_have_happened() {
    let world = World::new();
    let engine = world.server();
    let client = world.alice(&engine).await;
    let id = client.open().await.public_id().unwrap();
    world.storage.fault(Delete, Fault::Fail, 1);
    assert!(matches!(
        engine.revoke(&id).await.checked(),
        Err(SessionError::Unavailable(_))
    ));
    world.storage.fault(Delete, Fault::Hang, 1);
    assert!(matches!(
        engine.revoke(&id).await.checked(),
        Err(SessionError::OutcomeUnknown(_))
    ));
    assert_eq!(client.status().await, SessionStatus::Live);
    assert!(engine.revoke(&id).await.unwrap());
}

#[tokio::test]
async fn whether_a_session_is_still_live_is_asked_of_the_storage() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let slot = client.open().await;
    world.storage.calls();
    assert!(slot.still_live().await.unwrap());
    assert_eq!(world.storage.calls(), [Latest]);
    world.storage.fault(Latest, Fault::Fail, 1);
    assert!(matches!(
        slot.still_live().await.checked(),
        Err(SessionError::Unavailable(_))
    ));
    world.pass(mins(30));
    assert!(!slot.still_live().await.unwrap());
}

#[tokio::test]
async fn while_a_commit_waits_the_session_is_read_as_it_is_being_written() {
    let mut world = World::new();
    world.environment.storage_timeout = mins(10);
    let storage = Arc::new(Stepped::default());
    let engine = world.server_on::<Login>(storage.clone());
    let mut client = world.alice(&engine).await;
    for begin in [false, true] {
        let slot = client.open().await;
        let visits = slot.get().unwrap().visits + 1;
        if begin {
            slot.start(login("alice", visits)).unwrap();
        } else {
            slot.set(login("alice", visits)).unwrap();
            slot.rotate_id().unwrap();
        }
        storage.stepping(true);
        let action = {
            let mut commit = pin!(slot.commit(Outcome::Answered));
            let mut context = Context::from_waker(Waker::noop());
            assert!(commit.as_mut().poll(&mut context).is_pending());
            assert_eq!(slot.get().unwrap().visits, visits);
            assert!(matches!(
                slot.clear().checked(),
                Err(SessionError::AlreadyCommitted)
            ));
            storage.stepping(false);
            commit.await.unwrap()
        };
        assert_eq!(client.apply(action), Said::Sent);
        assert_eq!(slot.get().unwrap().visits, visits);
        assert_eq!(client.sees().await.unwrap().visits, visits);
    }
}

#[tokio::test]
async fn a_session_whose_commit_failed_is_read_as_it_was() {
    let world = World::new();
    let engine = world.server();
    for op in [Create, ReplaceEpoch, ReplaceRevision] {
        let mut client = world.alice(&engine).await;
        let slot = client.open().await;
        world.storage.fault(op, Fault::Fail, 1);
        match op {
            Create => slot.start(login("alice", 2)).unwrap(),
            ReplaceEpoch => slot.set(login("alice", 2)).unwrap(),
            _ => {
                slot.set(login("alice", 2)).unwrap();
                slot.rotate_id().unwrap();
            }
        }
        assert!(client.ends(&slot).await.is_err());
        assert_eq!(slot.get().unwrap().visits, 1);
        assert_eq!(slot.status(), SessionStatus::Live);
        assert_eq!(client.sees().await.unwrap().visits, 1);
    }
}

#[tokio::test]
async fn expired_sessions_can_be_purged() {
    let world = World::new();
    let engine = world.server();
    for _ in 0..3 {
        world.alice(&engine).await;
    }
    world.pass(mins(20));
    let live = world.alice(&engine).await;
    assert_eq!(engine.purge_expired(10).await.unwrap(), 0);
    world.pass(mins(10));
    assert_eq!(engine.purge_expired(2).await.unwrap(), 2);
    assert_eq!(engine.purge_expired(10).await.unwrap(), 1);
    assert_eq!(live.status().await, SessionStatus::Live);
    let by_value = world.client_side::<Login>(&Encrypted::new(&ring(1)));
    assert!(matches!(
        by_value.purge_expired(1).await.checked(),
        Err(SessionError::NotServerSide)
    ));
}

#[tokio::test]
async fn a_write_that_may_not_last_is_not_acknowledged_though_a_load_finds_it() {
    let world = World::new();
    let engine = world.server();
    for op in [Create, ReplaceEpoch, ReplaceRevision, Delete] {
        let mut client = world.alice(&engine).await;
        let before = client.token().to_owned();
        world.storage.fault(op, Fault::NotLasting, 1);
        let slot = client.open().await;
        match op {
            Create => slot.start(login("alice", 2)),
            ReplaceEpoch => slot.set(login("alice", 2)),
            ReplaceRevision => slot.rotate_id(),
            _ => slot.clear(),
        }
        .unwrap();
        let failure = client.ends(&slot).await.unwrap_err();
        assert!(
            matches!(failure, SessionError::OutcomeUnknown(_)),
            "{op:?}: {failure}"
        );
        assert_eq!(client.token(), before, "no token is sent");
    }
}
