//! `update_or_insert_with` and `take`: what is created and ended when it is awaited.

use std::{
    pin::pin,
    task::{Context, Waker},
};

use sessions_core::{Clock, SessionError, SessionStorage, storage::Read};

use crate::support::{
    Checked, Client, Create, Delete, Fault, Latest, Load, Login, ReplaceRevision, Said, Stepped, World,
    at_once, key_of, login, mins, nobody,
};

#[tokio::test]
async fn update_or_insert_with_creates_at_once_and_sends_with_a_server_error_too() {
    let world = World::new();
    let engine = world.server::<Login>();
    let rotated = {
        let mut client = world.alice(&engine).await;
        let behind = client.token().to_owned();
        client.does(|slot| slot.rotate_id()).await;
        behind
    };
    for token in [None, Some("nonsense"), Some(rotated.as_str())] {
        let mut client = Client::showing(&engine, token);
        let slot = client.open().await;
        world.storage.calls();
        let visits = slot
            .update_or_insert_with(
                || nobody(1),
                |login| {
                    login.visits += 1;
                    login.visits
                },
            )
            .await;
        assert_eq!(visits.unwrap(), 2);
        assert_eq!(world.storage.calls(), [Create]);
        assert!(slot.is_new());
        slot.update(|login| login.visits += 1).await.unwrap();
        assert_eq!(world.storage.calls(), [ReplaceRevision]);
        assert_eq!(client.fails(&slot).await.unwrap(), Said::Sent);
        assert_eq!(world.storage.calls(), []);
        assert_eq!(client.sees().await.unwrap().visits, 3);
    }
}

#[tokio::test]
async fn update_or_insert_with_on_a_live_session_is_an_update() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let said = client
        .runs(async |slot| {
            slot.update_or_insert_with(|| unreachable!(), |login| login.visits += 1)
                .await
                .unwrap();
        })
        .await;
    assert_eq!(said, Said::Nothing);
    assert_eq!(world.storage.calls(), [Load, ReplaceRevision]);
}

#[tokio::test]
async fn update_or_insert_with_that_the_response_overtakes_leaves_no_session_behind() {
    let mut world = World::new();
    world.environment.storage_timeout = mins(10);
    let storage = std::sync::Arc::new(Stepped::default());
    let engine = world.server_on::<Login>(storage.clone());
    let mut client = Client::new(&engine);
    let slot = client.open().await;
    storage.stepping(true);
    let mut late = pin!(slot.update_or_insert_with(|| nobody(1), |_| ()));
    assert!(
        late.as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    storage.stepping(false);
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);
    assert!(matches!(
        late.await.checked(),
        Err(SessionError::AlreadyCommitted)
    ));
    let [key] = storage.created()[..] else {
        panic!("one was created");
    };
    let now = world.clock.now();
    assert!(at_once(storage.load(key, Read::Latest, now)).unwrap().is_none());
    assert_eq!(slot.get(), None);
}

#[tokio::test]
async fn clones_of_a_handle_are_one_session() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let slot = client.open().await;
    let clone = slot.clone();
    let updated = tokio::spawn(async move {
        clone.update(|login| login.visits += 1).await.unwrap();
        clone.rotate_id().unwrap();
        clone
    });
    let clone = updated.await.unwrap();
    assert_eq!(slot.get().unwrap().visits, 2);
    world.storage.calls();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    assert_eq!(world.storage.calls(), [ReplaceRevision]);
    assert!(matches!(
        clone.clear().checked(),
        Err(SessionError::AlreadyCommitted)
    ));
    assert_eq!(client.sees().await.unwrap().visits, 2);
}

#[tokio::test]
async fn update_or_insert_with_on_an_ambiguous_request_ends_both() {
    let world = World::new();
    let engine = world.server();
    let (one, other) = (world.alice(&engine).await, world.alice(&engine).await);
    let mut both = Client::showing(&engine, [one.token(), other.token()]);
    let said = both
        .runs(async |slot| {
            slot.update_or_insert_with(|| nobody(0), |login| login.visits += 1)
                .await
                .unwrap();
        })
        .await;
    assert_eq!(said, Said::Sent);
    assert_eq!(world.storage.calls(), [Load, Load, Create, Delete, Delete]);
    assert_eq!(both.sees().await.unwrap().visits, 1);
}

#[tokio::test]
async fn take_gives_the_value_to_exactly_one_request() {
    let world = World::new();
    let mut one = world.alice(&world.server()).await;
    let mut other = one.clone();
    let (first, second) = (one.open().await, other.open().await);
    world.storage.calls();
    assert_eq!(first.take().await.unwrap().as_deref(), Some(&login("alice", 1)));
    assert_eq!(second.take().await.unwrap(), None);
    assert_eq!(world.storage.calls(), [Latest, Delete, Latest]);
    assert_eq!((first.get(), first.take().await.unwrap()), (None, None));
    assert_eq!(one.ends(&first).await.unwrap(), Said::Removed);
    assert_eq!(other.fails(&second).await.unwrap(), Said::Removed);
    assert_eq!(world.storage.calls(), []);
}

#[tokio::test]
async fn take_gives_what_another_request_has_written_meanwhile() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let mut other = client.clone();
    let slot = client.open().await;
    other
        .runs(async |slot| {
            slot.update(|login| login.visits = 100).await.unwrap();
        })
        .await;
    assert_eq!(slot.take().await.unwrap().unwrap().visits, 100);
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Removed);
}

#[tokio::test]
async fn take_of_a_session_whose_id_was_rotated_meanwhile_is_none_and_ends_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let mut rotating = client.clone();
    let slot = client.open().await;
    rotating.runs(async |slot| slot.rotate_id().unwrap()).await;
    assert_eq!(slot.take().await.unwrap(), None);
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(rotating.sees().await.unwrap().visits, 1);
}

#[tokio::test]
async fn take_where_there_is_no_session_is_none_and_asks_nothing() {
    let world = World::new();
    let mut client = Client::new(&world.server::<Login>());
    let slot = client.open().await;
    assert_eq!(slot.take().await.unwrap(), None);
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(world.storage.calls(), []);
}

#[tokio::test]
async fn take_of_a_value_that_waits_gives_that_and_ends_the_session() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let slot = client.open().await;
    slot.set(login("alice", 5)).unwrap();
    assert_eq!(slot.take().await.unwrap().unwrap().visits, 5);
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Removed);
    assert_eq!(world.storage.calls(), [Load, Latest, Delete]);

    let mut new = Client::new(client.engine());
    let slot = new.open().await;
    slot.set(login("alice", 5)).unwrap();
    assert_eq!(slot.take().await.unwrap().unwrap().visits, 5);
    assert_eq!(slot.get(), None);
    assert_eq!(new.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(world.storage.calls(), []);
}

#[tokio::test]
async fn a_session_set_after_take_is_a_new_one() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let before = key_of(&client);
    let said = client
        .runs(async |slot| {
            slot.take().await.unwrap();
            slot.set(login("alice", 7)).unwrap();
        })
        .await;
    assert_eq!(said, Said::Sent);
    assert_eq!(world.storage.calls(), [Load, Latest, Delete, Create]);
    assert_ne!(key_of(&client), before);
    assert_eq!(client.sees().await.unwrap().visits, 7);
}

#[tokio::test]
async fn a_take_whose_reply_is_lost_gives_the_value_to_nobody() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let slot = client.open().await;
    world.storage.fault(Delete, Fault::LoseReply, 1);
    assert!(matches!(
        slot.take().await.checked(),
        Err(SessionError::OutcomeUnknown(_))
    ));
    assert_eq!(slot.take().await.unwrap(), None);
}
