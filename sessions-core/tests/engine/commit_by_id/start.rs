//! New sessions, and the end of those in whose place they come.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sessions_core::{
    Clock, IdError, RequestView, SessionError,
    engine::{Engine, SessionStatus},
};

use crate::support::{
    Client, Create, Delete, Fault, Latest, Load, Login, Said, World, at_once, key_of, login, mins, nobody,
};

#[tokio::test]
async fn start_ends_the_old_session_after_the_new_one_is_stored() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let old = client.clone();
    let started = world.clock.now();
    world.pass(mins(10));
    assert_eq!(
        client.does(|slot| slot.start(login("alice", 5))).await,
        Said::Sent
    );
    let keys = world.storage.keys();
    assert_eq!(world.storage.calls(), [Load, Create, Delete]);
    assert_eq!(keys, [key_of(&old), key_of(&client), key_of(&old)]);
    assert_ne!(key_of(&old), key_of(&client));
    assert_eq!(old.status().await, SessionStatus::Invalid);
    let times = world.record(&client).unwrap().times;
    assert_eq!(times.created, started.after(mins(10)));
    assert_eq!(times.authenticated, Some(times.created));
    assert_eq!(times.absolute_deadline, times.created.after(mins(12 * 60)));
}

#[tokio::test]
async fn start_of_the_same_value_is_still_a_new_session() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let old = key_of(&client);
    assert_eq!(
        client.does(|slot| slot.start(login("alice", 1))).await,
        Said::Sent
    );
    assert_ne!(key_of(&client), old);
}

#[tokio::test]
async fn start_where_no_session_is_ended_only_creates() {
    let world = World::new();
    let engine = world.server::<Login>();
    for token in [None, Some("nonsense")] {
        let mut client = Client::showing(&engine, token);
        assert_eq!(
            client.does(|slot| slot.start(login("alice", 1))).await,
            Said::Sent
        );
        assert_eq!(world.storage.calls(), [Create]);
    }
}

#[tokio::test]
async fn start_and_clear_work_on_a_session_of_a_newer_version() {
    let world = World::new();
    let engine = world.server();
    let mut client = world.alice(&engine).await;
    world.tamper(&client, |record| record.schema.version += 1);
    let old = key_of(&client);
    assert_eq!(
        client.does(|slot| slot.start(login("alice", 2))).await,
        Said::Sent
    );
    assert_eq!(world.storage.calls(), [Load, Create, Delete]);
    assert!(world.record_at(&old).is_none());

    world.tamper(&client, |record| record.schema.version += 1);
    let key = key_of(&client);
    assert_eq!(client.does(|slot| slot.clear()).await, Said::Removed);
    assert_eq!(world.storage.calls(), [Load, Delete]);
    assert!(world.record_at(&key).is_none());
}

#[tokio::test]
async fn set_with_another_principal_is_a_start() {
    let world = World::new();
    let engine = world.server();
    for (before, after) in [
        (login("alice", 1), login("bob", 1)),
        (nobody(1), login("alice", 1)),
        (login("alice", 1), nobody(1)),
    ] {
        let mut client = Client::new(&engine);
        client.does(|slot| slot.set(before)).await;
        let old = client.clone();
        world.storage.calls();
        assert_eq!(client.does(|slot| slot.set(after.clone())).await, Said::Sent);
        assert_eq!(world.storage.calls(), [Load, Create, Delete]);
        assert_ne!(key_of(&old), key_of(&client));
        assert!(world.record(&old).is_none());
        assert_eq!(client.sees().await.as_deref(), Some(&after));
    }
}

#[tokio::test]
async fn set_after_start_is_that_start_with_the_newer_value() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let said = client
        .does(|slot| {
            slot.start(login("alice", 5))?;
            let id = slot.public_id();
            slot.set(login("alice", 6))?;
            assert_eq!(slot.public_id(), id);
            slot.rotate_id()
        })
        .await;
    assert_eq!(said, Said::Sent);
    assert_eq!(world.storage.calls(), [Load, Create, Delete]);
    assert_eq!(client.sees().await.unwrap().visits, 6);
}

#[tokio::test]
async fn a_server_error_drops_a_start_and_leaves_the_old_session() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let slot = client.open().await;
    slot.start(login("bob", 5)).unwrap();
    assert_eq!(client.fails(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(world.storage.calls(), [Load]);
    assert_eq!(client.sees().await.as_deref(), Some(&login("alice", 1)));
}

#[tokio::test]
async fn a_start_that_cannot_end_the_old_session_takes_the_new_one_back() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.storage.fault(Delete, Fault::Fail, 1);
    let slot = client.open().await;
    slot.start(login("alice", 5)).unwrap();
    assert!(matches!(
        client.ends(&slot).await,
        Err(SessionError::Unavailable(_))
    ));
    let keys = world.storage.keys();
    assert_eq!(world.storage.calls(), [Load, Create, Delete, Delete]);
    assert_eq!((keys[0], keys[1]), (keys[2], keys[3]));
    assert!(world.record_at(&keys[1]).is_none());
    assert_eq!(client.sees().await.as_deref(), Some(&login("alice", 1)));
}

#[tokio::test]
async fn a_start_whose_end_of_the_old_session_lost_its_reply_looks_again() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.storage.fault(Delete, Fault::LoseReply, 1);
    assert_eq!(
        client.does(|slot| slot.start(login("alice", 5))).await,
        Said::Sent
    );
    assert_eq!(world.storage.calls(), [Load, Create, Delete, Latest]);
}

#[tokio::test]
async fn a_create_whose_reply_is_lost_is_recognised_by_its_revision() {
    let world = World::new();
    let mut client = Client::new(&world.server());
    world.storage.fault(Create, Fault::LoseReply, 1);
    assert_eq!(client.does(|slot| slot.set(login("alice", 5))).await, Said::Sent);
    assert_eq!(world.storage.calls(), [Create, Latest]);
    assert!(client.sees().await.is_some());

    let mut client = Client::new(&world.server());
    world.storage.fault(Create, Fault::LoseRequest, 1);
    let slot = client.open().await;
    slot.set(login("alice", 5)).unwrap();
    assert!(matches!(
        client.ends(&slot).await,
        Err(SessionError::OutcomeUnknown(_))
    ));
}

/// An engine whose handles come from a counter, and how many were asked for.
fn counting(world: &mut World, len: usize) -> (Engine<Login>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    world.environment.id_generator = Some(Arc::new(move |request: &dyn RequestView| {
        let region = request.header("x-region").map_or(b'-', |value| value[0]);
        let counter = counter.clone();
        move || {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            let mut handle = vec![region; len];
            handle[len - 1] = u8::try_from(number).unwrap();
            handle
        }
    }));
    (world.server(), asked)
}

#[tokio::test]
async fn a_taken_handle_is_tried_anew_three_times() {
    let mut world = World::new();
    let (engine, asked) = counting(&mut world, 16);
    let mut client = Client::new(&engine);
    world.storage.fault(Create, Fault::Exists, 3);
    let slot = client.open().await;
    slot.set(login("alice", 1)).unwrap();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    assert_eq!(world.storage.calls(), [Create; 4]);
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    assert_eq!(slot.public_id().unwrap().as_bytes()[15], 3);

    let mut client = Client::new(&engine);
    world.storage.fault(Create, Fault::Exists, 4);
    let slot = client.open().await;
    slot.set(login("alice", 1)).unwrap();
    let Err(SessionError::Id(error)) = client.ends(&slot).await else {
        panic!("no handle was free");
    };
    assert!(matches!(*error, IdError::Taken(4)), "{error}");
    assert_eq!(world.storage.calls(), [Create; 4]);
    assert_eq!(asked.load(Ordering::SeqCst), 8);
    assert!(!client.has_token());
}

struct Region;

impl RequestView for Region {
    fn header(&self, name: &str) -> Option<&[u8]> {
        name.eq_ignore_ascii_case("X-Region").then_some(b"eu")
    }
}

#[tokio::test]
async fn a_generator_of_ones_own_sees_the_request_and_shapes_the_handle_alone() {
    for len in [16, 17, 64] {
        let mut world = World::new();
        let (engine, _) = counting(&mut world, len);
        let mut client = Client::new(&engine);
        let slot = client.try_open(&Region).await.unwrap();
        slot.set(login("alice", 1)).unwrap();
        assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
        let token = crate::support::decode(client.token());
        assert_eq!(token.len(), len + 32);
        assert_eq!(token[..len], *slot.public_id().unwrap().as_bytes());
        assert!(token[..len - 1].iter().all(|byte| *byte == b'e'));
        assert_eq!(client.sees().await.unwrap().visits, 1);
    }
}

#[tokio::test]
async fn a_handle_of_a_wrong_length_is_an_error_before_anything_is_written() {
    for len in [1, 15, 65, 1000] {
        let mut world = World::new();
        let (engine, _) = counting(&mut world, len);
        let slot = Client::new(&engine).open().await;
        let Err(SessionError::Id(error)) = slot.start(login("alice", 1)) else {
            panic!("{len} bytes were accepted");
        };
        assert!(matches!(*error, IdError::Length(wrong) if wrong == len));
        assert_eq!(slot.get(), None);
        assert_eq!(world.storage.calls(), []);
    }
}

#[tokio::test]
async fn a_generator_is_asked_for_handles_only_when_a_session_starts() {
    let mut world = World::new();
    let (engine, asked) = counting(&mut world, 16);
    let mut client = world.alice(&engine).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    client.reads().await;
    client.does(|slot| slot.set(login("alice", 2))).await;
    client.does(|slot| slot.rotate_id()).await;
    client
        .runs(async |slot| {
            slot.update(|login| login.visits += 1).await.unwrap();
        })
        .await;
    client.does(|slot| slot.clear()).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_session_can_be_revoked_by_its_public_id() {
    let world = World::new();
    let engine = world.server();
    let client = world.alice(&engine).await;
    let id = client.open().await.public_id().unwrap();
    let shown = id.to_string();
    world.storage.calls();
    assert!(engine.revoke(&shown.parse().unwrap()).await.unwrap());
    assert!(!engine.revoke(&id).await.unwrap());
    assert_eq!(world.storage.calls(), [Delete, Delete]);
    assert_eq!(client.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn two_logins_of_one_session_leave_one_session_each_and_not_the_old() {
    let world = World::new();
    let mut one = world.alice(&world.server()).await;
    let old = key_of(&one);
    let mut other = one.clone();
    let (first, second) = (one.open().await, other.open().await);
    first.start(login("alice", 2)).unwrap();
    second.start(login("bob", 3)).unwrap();
    at_once(one.ends(&first)).unwrap();
    at_once(other.ends(&second)).unwrap();
    assert!(world.record_at(&old).is_none());
    assert_eq!(one.sees().await.unwrap().visits, 2);
    assert_eq!(other.sees().await.unwrap().visits, 3);
}
