//! Requests that are under way when their session is ended: whoever comes first, nothing brings it back.

use std::sync::mpsc;

use sessions_core::{
    ClientContext, ContextVerdict, RequestView, SessionError,
    engine::{Engine, SessionStatus, Slot},
    protection::Encrypted,
};

use super::{alice, id, log_in};
use crate::support::{Checked, Client, Create, Login, Said, World, at_once, login, mins, ring, secs};

/// Whoever shows a session with any browser at all has stolen it.
struct NoBrowser;

impl ClientContext for NoBrowser {
    fn observe(&self, request: &dyn RequestView) -> Vec<u8> {
        request.header("user-agent").unwrap_or_default().to_vec()
    }

    fn judge(&self, _: Option<&[u8]>, observed: &[u8]) -> ContextVerdict {
        if observed.is_empty() {
            ContextVerdict::Allow
        } else {
            ContextVerdict::Revoke
        }
    }
}

struct Thief;

impl RequestView for Thief {
    fn header(&self, name: &str) -> Option<&[u8]> {
        (name == "user-agent").then_some(b"fox")
    }
}

fn engine(world: &World) -> Engine<Login> {
    world.client_side_with(&Encrypted::new(&ring(1)), |options| {
        options.revocable(world.storage.clone()).client_context(NoBrowser)
    })
}

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
    Login,
    Take,
    Context,
    Id,
    Principal,
    Everyone,
}

const ALL: [By; 7] = [
    By::Logout,
    By::Login,
    By::Take,
    By::Context,
    By::Id,
    By::Principal,
    By::Everyone,
];

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
        By::Login => {
            let mut new = client.clone();
            assert_eq!(new.does(|slot| slot.start(login("alice", 9))).await, Said::Sent);
            assert_eq!(new.sees().await.unwrap().visits, 9);
        }
        By::Take => assert!(client.open().await.take().await.unwrap().is_some()),
        By::Context => {
            let slot = client.try_open(&Thief).await.unwrap();
            assert_eq!(slot.status(), SessionStatus::Invalid);
        }
        By::Id => assert!(engine.revoke(&id(client).await).await.unwrap()),
        By::Principal => assert_eq!(engine.revoke_all(&alice()).await.unwrap(), 0),
        By::Everyone => assert_eq!(engine.revoke_everyone().await.unwrap(), 0),
    }
}

#[tokio::test]
async fn a_request_that_goes_on_does_not_bring_back_what_was_ended_before_or_after_it() {
    for how in [Goes::Read, Goes::Set, Goes::Update, Goes::Renew] {
        for by in ALL {
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
    for by in ALL {
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
    for by in ALL {
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
        let expected = match by {
            By::Logout | By::Login | By::Take | By::Context | By::Id => Said::Nothing,
            By::Principal | By::Everyone => Said::Sent,
        };
        assert_eq!(said, expected, "{by:?}");
        for copy in [&before, &client] {
            assert_ne!(copy.status().await, SessionStatus::Live, "{by:?}");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_rotated_while_it_is_ended_is_over_under_its_new_id() {
    for by in ALL {
        if matches!(by, By::Take) {
            continue;
        }
        let world = World::new();
        let before = log_in(&engine(&world), "alice").await;
        let mut rotating = before.clone();
        let slot = rotating.open().await;
        slot.rotate_id().unwrap();
        // Whoever ends it has opened it, and not yet ended its id.
        let (rotated, response) = mpsc::channel();
        world.storage.before(Create, move |_, _| {
            assert_eq!(at_once(rotating.ends(&slot)).unwrap(), Said::Sent);
            rotated.send(rotating).unwrap();
        });
        end(&before, by).await;
        let after = response.recv().unwrap();
        for copy in [&before, &after] {
            assert_ne!(copy.status().await, SessionStatus::Live, "{by:?}");
        }
    }
}

#[tokio::test]
async fn however_often_a_session_was_rotated_meanwhile_whoever_ends_it_ends_it() {
    for by in [By::Logout, By::Login] {
        for rotations in [1, 2, 40] {
            let world = World::new();
            let mut client = log_in(&engine(&world), "alice").await;
            let mut late = client.clone();
            let slot = late.open().await;
            let mut all = vec![client.clone()];
            for _ in 0..rotations {
                assert_eq!(client.does(|slot| slot.rotate_id()).await, Said::Sent);
                all.push(client.clone());
            }
            assert_eq!(client.status().await, SessionStatus::Live);
            match by {
                By::Login => slot.start(login("alice", 9)).unwrap(),
                _ => slot.clear().unwrap(),
            }
            late.ends(&slot).await.unwrap();
            for copy in &all {
                assert_ne!(copy.status().await, SessionStatus::Live, "{by:?} {rotations}");
            }
            assert_eq!(late.sees().await.is_some(), matches!(by, By::Login));
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
async fn a_session_that_is_rotated_while_it_is_taken_is_not_taken_and_not_removed() {
    let world = World::new();
    let mut client = log_in(&engine(&world), "alice").await;
    let mut rotating = client.clone();
    let (taking, rotation) = (client.open().await, rotating.open().await);
    rotation.rotate_id().unwrap();
    let (rotated, response) = mpsc::channel();
    world.storage.before(Create, move |_, _| {
        assert_eq!(at_once(rotating.ends(&rotation)).unwrap(), Said::Sent);
        rotated.send(rotating).unwrap();
    });
    assert_eq!(taking.take().await.unwrap(), None);
    assert_eq!(client.ends(&taking).await.unwrap(), Said::Nothing);
    assert_eq!(response.recv().unwrap().status().await, SessionStatus::Live);
}

#[tokio::test]
async fn an_update_is_not_sent_over_the_token_of_whoever_has_rotated_the_session() {
    let world = World::new();
    let mut client = log_in(&engine(&world), "alice").await;
    let mut late = client.clone();
    let slot = late.open().await;
    assert!(slot.update(|login| login.visits += 1).await.unwrap().is_some());
    slot.rotate_id().unwrap();
    assert_eq!(client.does(|slot| slot.rotate_id()).await, Said::Sent);
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
