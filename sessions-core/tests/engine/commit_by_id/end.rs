//! `rotate_id` and `clear`: they happen whatever becomes of the response.

use sessions_core::{Clock, SessionError, engine::SessionStatus};

use crate::support::{
    Client, Create, Delete, Fault, Latest, Load, Login, ReplaceRevision, Said, World, at_once, encode,
    key_of, login, mins, nobody, tamper,
};

#[tokio::test]
async fn rotate_id_replaces_the_secret_in_one_write_and_keeps_all_else() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let old = client.clone();
    let before = world.record(&client).unwrap();
    world.pass(mins(10));
    let slot = client.open().await;
    slot.rotate_id().unwrap();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    assert_eq!(world.storage.calls(), [Load, ReplaceRevision]);
    let after = world.record(&client).unwrap();
    assert_ne!(client.token(), old.token());
    assert_eq!(key_of(&client), key_of(&old));
    assert_eq!(slot.public_id().as_ref(), Some(&before.public_id));
    assert_eq!(after.epoch, before.epoch + 1);
    assert_eq!(after.times.absolute_deadline, before.times.absolute_deadline);
    assert_eq!(after.times.created, before.times.created);
    assert_eq!(after.times.authenticated, before.times.authenticated);
    assert_eq!(after.payload, before.payload);
    assert_eq!(old.status().await, SessionStatus::Stale);
    assert_eq!(client.sees().await.unwrap().visits, 1);
}

#[tokio::test]
async fn rotate_id_carries_the_value_in_the_same_write() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    for first_set in [true, false] {
        let visits = 2 + u32::from(first_set);
        let said = client
            .does(|slot| {
                if first_set {
                    slot.set(login("alice", visits))?;
                    slot.rotate_id()
                } else {
                    slot.rotate_id()?;
                    slot.set(login("alice", visits))
                }
            })
            .await;
        assert_eq!(said, Said::Sent);
        assert_eq!(world.storage.calls(), [Load, ReplaceRevision]);
        assert_eq!(client.sees().await.unwrap().visits, visits);
        world.storage.calls();
    }
}

#[tokio::test]
async fn a_server_error_drops_the_value_and_rotates_all_the_same() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let old = client.clone();
    let slot = client.open().await;
    slot.set(login("alice", 9)).unwrap();
    slot.rotate_id().unwrap();
    assert_eq!(client.fails(&slot).await.unwrap(), Said::Sent);
    assert_eq!(world.storage.calls(), [Load, ReplaceRevision]);
    assert_eq!(client.sees().await.unwrap().visits, 1);
    assert_eq!(old.status().await, SessionStatus::Stale);
}

#[tokio::test]
async fn rotate_id_where_there_is_no_session_is_nothing() {
    let world = World::new();
    let mut client = Client::new(&world.server::<Login>());
    assert_eq!(client.does(|slot| slot.rotate_id()).await, Said::Nothing);
    let mut dead = Client::showing(client.engine(), ["nonsense"]);
    assert_eq!(dead.does(|slot| slot.rotate_id()).await, Said::Removed);
    assert_eq!(world.storage.calls(), []);
}

#[tokio::test]
async fn rotate_id_keeps_what_another_request_writes_meanwhile() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let mut other = client.at(&world.other_node::<Login>());
    world.storage.before(ReplaceRevision, move |_, _| {
        at_once(other.does(|slot| slot.set(login("alice", 50))));
    });
    let slot = client.open().await;
    slot.rotate_id().unwrap();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    assert_eq!(
        world.storage.calls(),
        [Load, ReplaceRevision, Latest, ReplaceRevision]
    );
    assert_eq!(client.sees().await.unwrap().visits, 50);
    assert_eq!(slot.get().unwrap().visits, 50);
}

#[tokio::test]
async fn rotate_id_after_another_rotation_is_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let mut slow = client.clone();
    let slot = slow.open().await;
    slot.rotate_id().unwrap();
    client.does(|slot| slot.rotate_id()).await;
    world.storage.calls();
    assert_eq!(slow.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(world.storage.calls(), [ReplaceRevision, Latest]);
    assert_eq!(client.sees().await.unwrap().visits, 1);
    assert_eq!(slow.status().await, SessionStatus::Stale);
}

#[tokio::test]
async fn rotate_id_after_another_requests_clear_is_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let mut slow = client.clone();
    let key = key_of(&client);
    let slot = slow.open().await;
    slot.rotate_id().unwrap();
    slot.set(login("alice", 9)).unwrap();
    client.does(|slot| slot.clear()).await;
    assert_eq!(slow.ends(&slot).await.unwrap(), Said::Nothing);
    assert!(world.record_at(&key).is_none());
}

#[tokio::test(start_paused = true)]
async fn rotate_id_under_endless_contention_is_an_error_and_sends_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    for n in 0..16 {
        let clock = world.clock.clone();
        world.storage.before(ReplaceRevision, move |inner, key| {
            tamper(inner, key, &clock, |record| record.revision.0[1] = n);
        });
    }
    let slot = client.open().await;
    slot.rotate_id().unwrap();
    assert!(matches!(client.ends(&slot).await, Err(SessionError::Contended)));
    assert_eq!(client.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn a_rotation_whose_reply_is_lost_is_recognised_by_its_revision() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.storage.fault(ReplaceRevision, Fault::LoseReply, 1);
    assert_eq!(client.does(|slot| slot.rotate_id()).await, Said::Sent);
    assert_eq!(client.status().await, SessionStatus::Live);
    world.storage.fault(ReplaceRevision, Fault::LoseRequest, 1);
    let slot = client.open().await;
    slot.rotate_id().unwrap();
    assert!(matches!(
        client.ends(&slot).await,
        Err(SessionError::OutcomeUnknown(_))
    ));
}

#[tokio::test]
async fn clear_deletes_a_live_session_and_removes_the_token() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let copy = client.clone();
    let slot = client.open().await;
    slot.clear().unwrap();
    assert_eq!(slot.get(), None);
    assert_eq!(slot.status(), SessionStatus::Ended);
    assert_eq!(world.storage.calls(), [Load]);
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Removed);
    assert_eq!(world.storage.calls(), [Delete]);
    assert_eq!(copy.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn clear_on_an_ambiguous_request_deletes_both() {
    let world = World::new();
    let engine = world.server();
    let (one, other) = (world.alice(&engine).await, world.alice(&engine).await);
    let mut both = Client::showing(&engine, [one.token(), other.token()]);
    assert_eq!(both.does(|slot| slot.clear()).await, Said::Removed);
    assert_eq!(world.storage.calls(), [Load, Load, Delete, Delete]);
    assert!(world.record(&one).is_none() && world.record(&other).is_none());
}

#[tokio::test]
async fn clear_on_a_dead_or_stale_token_removes_it_and_deletes_nothing() {
    let world = World::new();
    let engine = world.server::<Login>();
    let mut unknown = Client::showing(&engine, [encode(&[7; 48])]);
    assert_eq!(unknown.does(|slot| slot.clear()).await, Said::Removed);
    assert_eq!(world.storage.calls(), [Load]);
    let mut client = world.alice(&engine).await;
    let mut behind = client.clone();
    client.does(|slot| slot.rotate_id()).await;
    world.storage.calls();
    assert_eq!(behind.does(|slot| slot.clear()).await, Said::Removed);
    assert_eq!(world.storage.calls(), [Load]);
    assert_eq!(client.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn clear_where_no_token_came_is_nothing() {
    let world = World::new();
    let mut client = Client::new(&world.server_with::<Login>(|options| options.clear_site_data()));
    assert_eq!(client.does(|slot| slot.clear()).await, Said::Nothing);
    let said = client
        .does(|slot| {
            slot.set(login("alice", 1))?;
            slot.clear()
        })
        .await;
    assert_eq!(said, Said::Nothing);
    assert_eq!(world.storage.calls(), []);
}

#[tokio::test]
async fn clear_asks_for_the_sites_data_to_go_only_where_that_is_set() {
    let world = World::new();
    let engine = world.server_with(|options| options.clear_site_data());
    let mut client = world.alice(&engine).await;
    assert_eq!(client.does(|slot| slot.clear()).await, Said::RemovedWithSiteData);
    let mut dead = Client::showing(&engine, ["nonsense"]);
    assert_eq!(dead.reads().await, Said::Removed);
}

#[tokio::test]
async fn clear_drops_what_came_before_it() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let said = client
        .does(|slot| {
            slot.start(login("bob", 1))?;
            slot.rotate_id()?;
            slot.clear()
        })
        .await;
    assert_eq!(said, Said::Removed);
    assert_eq!(world.storage.calls(), [Load, Delete]);
}

#[tokio::test]
async fn set_after_clear_is_a_new_session() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let old = client.clone();
    let said = client
        .does(|slot| {
            slot.clear()?;
            // Not even the value that was there is the session that was there.
            slot.set(login("alice", 1))
        })
        .await;
    assert_eq!(said, Said::Sent);
    assert_eq!(world.storage.calls(), [Load, Create, Delete]);
    assert_ne!(key_of(&client), key_of(&old));
    assert_eq!(world.record(&client).unwrap().times.created, world.clock.now());
    assert_eq!(old.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn update_after_clear_finds_nothing_and_update_or_insert_with_a_new_session() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let old = key_of(&client);
    let said = client
        .runs(async |slot| {
            slot.clear().unwrap();
            assert_eq!(slot.update(|_| ()).await.unwrap(), None);
            assert_eq!(slot.take().await.unwrap(), None);
            slot.update_or_insert_with(|| nobody(1), |_| ()).await.unwrap();
        })
        .await;
    assert_eq!(said, Said::Sent);
    assert_eq!(world.storage.calls(), [Load, Create, Delete]);
    assert!(world.record_at(&old).is_none());
    assert_eq!(client.sees().await.as_deref(), Some(&nobody(1)));
}

#[tokio::test]
async fn a_server_error_clears_all_the_same() {
    let world = World::new();
    let engine = world.server();
    for then_set in [false, true] {
        let mut client = world.alice(&engine).await;
        let slot = client.open().await;
        slot.clear().unwrap();
        if then_set {
            slot.set(login("alice", 9)).unwrap();
        }
        assert_eq!(client.fails(&slot).await.unwrap(), Said::Removed);
        assert_eq!(world.storage.calls(), [Load, Delete]);
    }
}

#[tokio::test]
async fn a_clear_that_fails_is_an_error_and_removes_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.storage.fault(Delete, Fault::Fail, 1);
    let slot = client.open().await;
    slot.clear().unwrap();
    assert!(matches!(
        client.ends(&slot).await,
        Err(SessionError::Unavailable(_))
    ));
    assert_eq!(client.status().await, SessionStatus::Live);
    world.storage.fault(Delete, Fault::LoseRequest, 1);
    let slot = client.open().await;
    slot.clear().unwrap();
    assert!(matches!(
        client.ends(&slot).await,
        Err(SessionError::OutcomeUnknown(_))
    ));
}

#[tokio::test]
async fn clear_of_what_another_request_has_ended_succeeds() {
    let world = World::new();
    let mut one = world.alice(&world.server()).await;
    let mut other = one.clone();
    let (first, second) = (one.open().await, other.open().await);
    first.clear().unwrap();
    second.clear().unwrap();
    assert_eq!(one.ends(&first).await.unwrap(), Said::Removed);
    assert_eq!(other.ends(&second).await.unwrap(), Said::Removed);
}

#[tokio::test]
async fn clear_after_update_or_insert_with_ends_what_that_created() {
    let world = World::new();
    let mut client = Client::new(&world.server());
    let slot = client.open().await;
    slot.update_or_insert_with(|| nobody(1), |_| ()).await.unwrap();
    slot.clear().unwrap();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Removed);
    assert_eq!(world.storage.calls(), [Create, Delete]);
}
