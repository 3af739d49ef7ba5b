//! Requests that are under way when their session is ended: whoever comes first, nothing brings it back.

use sessions_core::{
    SessionError,
    engine::{SessionStatus, Slot},
};

use super::{alice, engine, id, log_in};
use crate::support::{Checked, Client, Create, Login, Said, World, at_once, login, mins, secs};

/// What a request may do with a session that goes on.
#[derive(Clone, Copy, Debug)]
enum Goes {
    Read,
    Set,
    Update,
    Renew,
}

/// How a session is ended.
#[derive(Clone, Copy, Debug)]
enum By {
    Logout,
    Id,
    Principal,
    Everyone,
}

async fn goes_on(slot: &Slot<Login>, how: Goes) {
    match how {
        // Time enough has passed for a touch.
        Goes::Read => drop(slot.get()),
        Goes::Set => slot.set(login("alice", 2)).unwrap(),
        Goes::Update => drop(slot.update(|login| login.visits += 1).await.unwrap()),
        Goes::Renew => slot.renew_id().unwrap(),
    }
}

async fn end(client: &Client<Login>, by: By) {
    let engine = client.engine();
    match by {
        By::Logout => assert_eq!(client.clone().does(|slot| slot.clear()).await, Said::Removed),
        By::Id => assert!(engine.revoke(&id(client).await).await.unwrap()),
        By::Principal => assert_eq!(engine.revoke_all(&alice()).await.unwrap(), 0),
        By::Everyone => assert_eq!(engine.revoke_everyone().await.unwrap(), 0),
    }
}

#[tokio::test]
async fn a_request_that_goes_on_does_not_bring_back_what_was_ended_before_or_after_it() {
    for how in [Goes::Read, Goes::Set, Goes::Update, Goes::Renew] {
        for by in [By::Logout, By::Id, By::Principal, By::Everyone] {
            for ended_first in [true, false] {
                let world = World::new();
                let mut client = log_in(&engine(&world), "alice").await;
                let before = client.clone();
                world.pass(mins(10));
                let slot = client.open().await;
                if ended_first {
                    end(&before, by).await;
                    // The response may come much later.
                    world.pass(secs(20));
                }
                goes_on(&slot, how).await;
                assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
                if !ended_first {
                    assert_eq!(client.status().await, SessionStatus::Live);
                    end(&before, by).await;
                }
                for copy in [&before, &client] {
                    let status = copy.status().await;
                    assert_eq!(status, SessionStatus::Invalid, "{how:?} {by:?} {ended_first}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_session_that_was_ended_meanwhile_is_not_rotated() {
    for by in [By::Logout, By::Id, By::Principal, By::Everyone] {
        let world = World::new();
        let mut client = log_in(&engine(&world), "alice").await;
        let before = client.clone();
        let slot = client.open().await;
        end(&before, by).await;
        slot.rotate_id().unwrap();
        slot.set(login("alice", 2)).unwrap();
        assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);
        assert_eq!(slot.status(), SessionStatus::Ended);
        assert_eq!(client.status().await, SessionStatus::Invalid, "{by:?}");
    }
}

#[tokio::test]
async fn a_session_that_is_ended_while_it_is_rotated_is_over() {
    for by in [By::Id, By::Principal, By::Everyone] {
        let world = World::new();
        let engine = engine(&world);
        let mut client = log_in(&engine, "alice").await;
        let before = client.clone();
        let slot = client.open().await;
        slot.rotate_id().unwrap();
        // It has looked for what was ended, and not yet ended its old id.
        let ending = before.clone();
        world
            .storage
            .before(Create, move |_, _| at_once(end(&ending, by)));
        let said = client.ends(&slot).await.unwrap();
        let expected = if matches!(by, By::Id) {
            Said::Nothing
        } else {
            Said::Sent
        };
        assert_eq!(said, expected, "{by:?}");
        for copy in [&before, &client] {
            assert_ne!(copy.status().await, SessionStatus::Live, "{by:?}");
        }
    }
}

#[tokio::test]
async fn of_two_requests_that_rotate_one_session_one_does() {
    let world = World::new();
    let engine = engine(&world);
    let mut first = log_in(&engine, "alice").await;
    let mut second = first.clone();
    let slots = [first.open().await, second.open().await];
    for slot in &slots {
        slot.rotate_id().unwrap();
    }
    assert_eq!(first.ends(&slots[0]).await.unwrap(), Said::Sent);
    assert_eq!(second.ends(&slots[1]).await.unwrap(), Said::Nothing);
    assert_eq!(first.status().await, SessionStatus::Live);
    assert_eq!(second.status().await, SessionStatus::Stale);
}

#[tokio::test]
async fn a_session_that_was_rotated_meanwhile_is_not_taken_and_not_removed() {
    let world = World::new();
    let engine = engine(&world);
    let mut client = log_in(&engine, "alice").await;
    let slot = client.open().await;
    let mut late = client.clone();
    client.does(|slot| slot.rotate_id()).await;
    assert_eq!(slot.take().await.unwrap(), None);
    assert_eq!(late.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(client.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn whoever_has_lost_a_session_to_a_rotation_gets_no_other_of_its_principal_without_a_login() {
    let world = World::new();
    let engine = engine(&world);
    let client = log_in(&engine, "alice").await;
    let slot = client.open().await;
    client.clone().does(|slot| slot.rotate_id()).await;
    assert_eq!(slot.take().await.unwrap(), None);
    let inserted = slot.update_or_insert_with(|| login("alice", 9), |_| ()).await;
    assert!(matches!(inserted.checked(), Err(SessionError::Missing { .. })));
}
