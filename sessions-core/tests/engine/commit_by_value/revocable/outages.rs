//! A storage that fails is an error: never "no session", and never a session that might have been ended.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

use sessions_core::{
    SessionError,
    engine::{Engine, SessionStatus, Slot},
    storage::EncryptedStorage,
};
use tokio::time::Instant;

use super::{alice, engine, id, log_in, on};
use crate::support::{
    Checked, Client, Create, Delete, Fault, Latest, Load, Login, ReplaceRevision, Said, Stepped, World, key,
    login, ring, secs,
};

fn is_unavailable<T>(answer: &Result<T, SessionError>) -> bool {
    matches!(answer, Err(SessionError::Unavailable(_)))
}

#[tokio::test(start_paused = true)]
async fn whoever_opens_a_session_of_a_storage_that_fails_is_told_so_and_keeps_it() {
    let world = World::new();
    let client = log_in(&engine(&world), "alice").await;
    for fault in [Fault::Fail, Fault::Hang, Fault::Unreadable] {
        // Whichever of the three questions it is that has no answer.
        for before in 0..3 {
            for _ in 0..before {
                world.storage.before(Load, |_, _| ());
            }
            let storage = Arc::clone(&world.storage);
            world
                .storage
                .before(Load, move |_, _| storage.fault(Load, fault, 1));
            let begun = Instant::now();
            assert!(is_unavailable(&client.try_open(&()).await), "{fault:?}");
            assert!(begun.elapsed() <= secs(2));
        }
    }
    assert_eq!(client.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn whoever_shows_no_token_or_none_that_is_good_needs_no_storage() {
    let world = World::new();
    let engine = engine(&world);
    world.storage.fault(Load, Fault::Fail, 9);
    for tokens in [vec![], vec!["AAAA".to_owned()]] {
        assert!(Client::showing(&engine, tokens).try_open(&()).await.is_ok());
    }
}

#[tokio::test]
async fn the_three_are_asked_in_one_round_trip() {
    let world = World::new();
    let storage = Arc::new(Stepped::default());
    let client = log_in(&on(&world, storage.clone()), "alice").await;
    storage.stepping(true);
    let mut opening = pin!(client.try_open(&()));
    let mut polls = 0;
    let slot = poll_fn(|context| {
        polls += 1;
        match opening.as_mut().poll(context) {
            Poll::Ready(slot) => Poll::Ready(slot),
            Poll::Pending => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    })
    .await
    .unwrap();
    assert_eq!(slot.status(), SessionStatus::Live);
    assert_eq!(polls, 2);
}

/// What a request does that has to end something, or to look.
fn asks(slot: &Slot<Login>, what: &str) -> Result<(), SessionError> {
    match what {
        "clear" => slot.clear(),
        "rotate" => slot.rotate_id(),
        _ => slot.start(login("alice", 2)),
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_storage_fails_sends_no_token_and_leaves_the_session() {
    for what in ["clear", "rotate", "start"] {
        for fault in [Fault::Fail, Fault::Hang, Fault::LoseRequest] {
            for op in [Latest, Create] {
                if (what, op) == ("clear", Latest) || (op == Latest && matches!(fault, Fault::LoseRequest)) {
                    continue;
                }
                let world = World::new();
                let mut client = log_in(&engine(&world), "alice").await;
                let slot = client.open().await;
                asks(&slot, what).unwrap();
                world.storage.fault(op, fault, 1);
                let error = client.ends(&slot).await.unwrap_err();
                let told = match (op, fault) {
                    (Create, Fault::Hang | Fault::LoseRequest) => {
                        matches!(error, SessionError::OutcomeUnknown(_))
                    }
                    _ => matches!(error, SessionError::Unavailable(_)),
                };
                assert!(told, "{what} {op:?} {fault:?}: {error}");
                assert_eq!(client.sees().await.as_deref(), Some(&login("alice", 1)));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_reply_is_lost_is_found_to_have_happened() {
    for what in ["clear", "rotate", "start"] {
        for fault in [Fault::LoseReply, Fault::HangAfter] {
            let world = World::new();
            let mut client = log_in(&engine(&world), "alice").await;
            let copy = client.clone();
            let slot = client.open().await;
            asks(&slot, what).unwrap();
            world.storage.fault(Create, fault, 1);
            let said = client.ends(&slot).await.unwrap();
            assert_eq!(
                said,
                if what == "clear" {
                    Said::Removed
                } else {
                    Said::Sent
                }
            );
            assert_ne!(copy.status().await, SessionStatus::Live, "{what} {fault:?}");
        }
    }
}

#[tokio::test]
async fn who_takes_a_session_whose_storage_fails_is_told_so() {
    let world = World::new();
    let client = log_in(&engine(&world), "alice").await;
    for (op, fault) in [
        (Latest, Fault::Fail),
        (Create, Fault::Fail),
        (Create, Fault::LoseRequest),
    ] {
        let slot = client.open().await;
        world.storage.fault(op, fault, 1);
        assert!(slot.take().await.checked().is_err());
        assert_eq!(slot.status(), SessionStatus::Live);
    }
    world.storage.fault(Create, Fault::LoseReply, 1);
    assert!(client.open().await.take().await.unwrap().is_some());
    assert_eq!(client.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn whoever_ends_several_is_told_if_it_may_not_have_happened() {
    let world = World::new();
    let engine = engine(&world);
    let client = log_in(&engine, "alice").await;
    for (op, fault) in [
        (Latest, Fault::Fail),
        (Create, Fault::Fail),
        (Create, Fault::LoseRequest),
    ] {
        world.storage.fault(op, fault, 1);
        assert!(
            engine.revoke_all(&alice()).await.checked().is_err(),
            "{op:?} {fault:?}"
        );
        world.storage.fault(op, fault, 1);
        assert!(
            engine.revoke_everyone().await.checked().is_err(),
            "{op:?} {fault:?}"
        );
    }
    world.storage.fault(Create, Fault::Fail, 1);
    let id = id(&client).await;
    assert!(engine.revoke(&id).await.checked().is_err());
    assert_eq!(client.status().await, SessionStatus::Live);
    for op in [Create, ReplaceRevision] {
        world.storage.fault(op, Fault::LoseReply, 1);
        engine.revoke_all(&alice()).await.unwrap();
        assert_eq!(client.status().await, SessionStatus::Invalid);
    }
}

/// What was ended is written under one key, and that key is revoked.
fn before_and_after(world: &World) -> [Engine<Login>; 2] {
    let revoked = ring(2).rotate(key(3)).revoke(key(2).id());
    [ring(2), revoked].map(|keys| {
        on(
            world,
            EncryptedStorage::new(world.storage.clone(), &keys).unwrap(),
        )
    })
}

#[tokio::test]
async fn whoever_ends_a_principals_sessions_again_mends_what_cannot_be_read() {
    let world = World::new();
    let [before, after] = before_and_after(&world);
    let (kept, ended) = (log_in(&before, "alice").await, log_in(&before, "alice").await);
    before.revoke_others(&alice(), &id(&kept).await).await.unwrap();
    let since = log_in(&before, "alice").await;
    for client in [&kept, &ended, &since] {
        assert!(is_unavailable(&client.at(&after).try_open(&()).await));
    }
    let mut new = Client::new(&after);
    let slot = new.open().await;
    slot.start(login("alice", 2)).unwrap();
    assert!(is_unavailable(&new.ends(&slot).await));
    let bob = log_in(&after, "bob").await;

    after.revoke_all(&alice()).await.unwrap();
    for client in [&kept, &ended, &since] {
        assert_eq!(client.at(&after).status().await, SessionStatus::Invalid);
    }
    assert_eq!(bob.status().await, SessionStatus::Live);
    assert_eq!(log_in(&after, "alice").await.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn nobody_keeps_a_session_of_whose_end_nothing_can_be_read() {
    let world = World::new();
    let [before, after] = before_and_after(&world);
    let (ended, mine) = (log_in(&before, "alice").await, log_in(&before, "alice").await);
    before.revoke_others(&alice(), &id(&mine).await).await.unwrap();
    for client in [&ended, &mine] {
        let keep = id(&client.at(&on(&world, Arc::new(Stepped::default())))).await;
        after.revoke_others(&alice(), &keep).await.unwrap();
        assert_eq!(client.at(&after).status().await, SessionStatus::Invalid);
    }
}

#[tokio::test]
async fn whoever_ends_everyones_sessions_again_mends_what_cannot_be_read() {
    let world = World::new();
    let [before, after] = before_and_after(&world);
    let mut ended = vec![log_in(&before, "alice").await];
    for _ in 0..2 {
        before.revoke_everyone().await.unwrap();
        ended.push(log_in(&before, "alice").await);
    }
    before.revoke_all(&alice()).await.unwrap();
    world.pass(secs(10));
    // That of one principal alone is not enough: nothing is known of everyone's.
    assert!(is_unavailable(&after.revoke_all(&alice()).await.checked()));
    after.revoke_everyone().await.unwrap();
    assert_eq!(log_in(&after, "bob").await.status().await, SessionStatus::Live);
    after.revoke_all(&alice()).await.unwrap();
    let new = log_in(&after, "alice").await;
    assert_eq!(new.status().await, SessionStatus::Live);
    for client in &ended {
        assert_eq!(client.at(&after).status().await, SessionStatus::Invalid);
    }
    // It is above everyone's, as every other one.
    after.revoke_all(&alice()).await.unwrap();
    assert_eq!(new.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn whoever_cannot_mend_what_cannot_be_read_is_told_so_and_nobody_is_let_in() {
    let world = World::new();
    let [before, after] = before_and_after(&world);
    let client = log_in(&before, "alice").await;
    before.revoke_all(&alice()).await.unwrap();
    for fault in [Fault::Fail, Fault::LoseRequest] {
        world.storage.fault(Delete, fault, 1);
        assert!(after.revoke_all(&alice()).await.checked().is_err());
        assert!(is_unavailable(&client.at(&after).try_open(&()).await));
    }
    after.revoke_all(&alice()).await.unwrap();
    assert_eq!(client.at(&after).status().await, SessionStatus::Invalid);
}
