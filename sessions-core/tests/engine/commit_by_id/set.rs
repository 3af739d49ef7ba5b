//! What becomes of a value that is set.

use sessions_core::{
    Clock, SerializerError, Session, SessionError, SessionSerializer, SessionSpec, engine::SessionStatus,
    options::OnConflict, serializer::Shape,
};

use crate::support::{
    Checked, Client, Create, Delete, Fault, Latest, Load, Login, ReplaceEpoch, ReplaceRevision, Said, Touch,
    World, at_once, decode, encode, key_of, login, mins, nobody,
};

#[tokio::test]
async fn set_where_no_token_came_creates_a_session_when_the_response_head_is_ready() {
    let world = World::new();
    let mut client = Client::new(&world.server());
    let slot = client.open().await;
    slot.set(login("alice", 1)).unwrap();
    assert_eq!(world.storage.calls(), []);
    assert_eq!(slot.get().unwrap().visits, 1);
    assert!(slot.is_new());
    let id = slot.public_id();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    assert_eq!(world.storage.calls(), [Create]);
    assert_eq!(slot.get().unwrap().visits, 1);
    let record = world.record(&client).unwrap();
    assert_eq!(Some(&record.public_id), id.as_ref());
    assert_eq!(record.times.authenticated, Some(world.clock.now()));
    assert_eq!(client.sees().await.as_deref(), Some(&login("alice", 1)));
}

#[tokio::test]
async fn a_session_of_nobody_was_not_authenticated() {
    let world = World::new();
    let mut client = Client::new(&world.server());
    client.does(|slot| slot.set(nobody(1))).await;
    assert_eq!(world.record(&client).unwrap().times.authenticated, None);
}

#[tokio::test]
async fn nobody_set_first_and_somebody_then_in_one_request_was_authenticated() {
    let world = World::new();
    let mut client = Client::new(&world.server());
    client
        .does(|slot| {
            slot.set(nobody(1))?;
            slot.set(login("alice", 1))
        })
        .await;
    assert_eq!(
        world.record(&client).unwrap().times.authenticated,
        Some(world.clock.now())
    );
}

#[tokio::test]
async fn set_on_a_dead_token_creates_a_session_and_never_adopts_the_clients_handle() {
    let world = World::new();
    let engine = world.server();
    let chosen = encode(&[7; 48]);
    let mut client = Client::showing(&engine, [chosen]);
    assert_eq!(client.does(|slot| slot.set(login("alice", 1))).await, Said::Sent);
    assert_eq!(world.storage.calls(), [Load, Create]);
    assert_ne!(decode(client.token())[..16], [7; 16]);
    assert_eq!(client.sees().await.unwrap().visits, 1);
}

#[tokio::test]
async fn set_on_an_expired_token_creates_a_session_with_another_handle() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let before = key_of(&client);
    world.pass(mins(30));
    assert_eq!(client.does(|slot| slot.set(login("alice", 1))).await, Said::Sent);
    assert_eq!(world.storage.calls(), [Load, Create]);
    assert_ne!(key_of(&client), before);
}

#[tokio::test]
async fn set_on_a_stale_token_creates_a_session_and_leaves_the_other() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let mut behind = client.clone();
    client.does(|slot| slot.rotate_id()).await;
    world.storage.calls();
    assert_eq!(behind.does(|slot| slot.set(login("alice", 9))).await, Said::Sent);
    assert_eq!(world.storage.calls(), [Load, Create]);
    assert_ne!(key_of(&behind), key_of(&client));
    assert_eq!(client.sees().await.unwrap().visits, 1);
}

#[tokio::test]
async fn set_on_an_ambiguous_request_is_a_start_that_ends_both() {
    let world = World::new();
    let engine = world.server();
    let (one, other) = (world.alice(&engine).await, world.alice(&engine).await);
    let mut both = Client::showing(&engine, [one.token(), other.token()]);
    assert_eq!(both.does(|slot| slot.set(login("alice", 9))).await, Said::Sent);
    assert_eq!(world.storage.calls(), [Load, Load, Create, Delete, Delete]);
    assert!(world.record(&one).is_none() && world.record(&other).is_none());
    assert_eq!(both.sees().await.unwrap().visits, 9);
}

#[tokio::test]
async fn set_of_the_same_value_is_a_read() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    assert_eq!(
        client.does(|slot| slot.set(login("alice", 1))).await,
        Said::Nothing
    );
    assert_eq!(world.storage.calls(), [Load]);
    world.pass(mins(2));
    assert_eq!(
        client.does(|slot| slot.set(login("alice", 1))).await,
        Said::Nothing
    );
    assert_eq!(world.storage.calls(), [Load, Touch]);
}

#[tokio::test]
async fn set_back_to_the_same_value_is_a_read() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let said = client
        .does(|slot| {
            slot.set(login("alice", 2))?;
            slot.set(login("alice", 1))
        })
        .await;
    assert_eq!(said, Said::Nothing);
    assert_eq!(world.storage.calls(), [Load]);
}

#[tokio::test]
async fn set_of_the_same_value_with_always_send_sends_the_same_token() {
    let world = World::new();
    let mut client = world
        .alice(&world.server_with(|options| options.always_send()))
        .await;
    let token = client.token().to_owned();
    assert_eq!(client.does(|slot| slot.set(login("alice", 1))).await, Said::Sent);
    assert_eq!(world.storage.calls(), [Load, Latest]);
    assert_eq!(client.does(|slot| slot.set(login("alice", 2))).await, Said::Sent);
    assert_eq!(world.storage.calls(), [Load, ReplaceEpoch, Latest]);
    assert_eq!(client.token(), token);
}

#[tokio::test]
async fn set_of_another_value_replaces_it_within_the_epoch_and_sends_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let before = world.record(&client).unwrap();
    world.pass(mins(5));
    assert_eq!(
        client.does(|slot| slot.set(login("alice", 2))).await,
        Said::Nothing
    );
    assert_eq!(world.storage.calls(), [Load, ReplaceEpoch]);
    let after = world.record(&client).unwrap();
    assert_eq!(client.sees().await.unwrap().visits, 2);
    assert_eq!((after.epoch, &after.secrets), (before.epoch, &before.secrets));
    assert_eq!(after.times.created, before.times.created);
    assert_eq!(after.times.idle_deadline, world.clock.now().after(mins(30)));
}

#[tokio::test]
async fn the_last_of_two_concurrent_sets_wins() {
    let world = World::new();
    let mut one = world.alice(&world.server()).await;
    let mut other = one.clone();
    let (first, second) = (one.open().await, other.open().await);
    first.set(login("alice", 10)).unwrap();
    second.set(login("alice", 20)).unwrap();
    assert_eq!(one.ends(&first).await.unwrap(), Said::Nothing);
    assert_eq!(other.ends(&second).await.unwrap(), Said::Nothing);
    assert_eq!(one.sees().await.unwrap().visits, 20);
}

#[tokio::test]
async fn set_after_another_requests_rotation_is_dropped() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let mut slow = client.clone();
    let slot = slow.open().await;
    client.does(|slot| slot.rotate_id()).await;
    slot.set(login("alice", 9)).unwrap();
    world.storage.calls();
    assert_eq!(slow.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(world.storage.calls(), [ReplaceEpoch, Latest]);
    assert_eq!(client.sees().await.unwrap().visits, 1);
    assert_eq!(slot.get(), None);
    assert_eq!(slot.status(), SessionStatus::Ended);
}

#[tokio::test]
async fn set_after_another_requests_clear_is_dropped_and_revives_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let mut slow = client.clone();
    let key = key_of(&client);
    let slot = slow.open().await;
    client.does(|slot| slot.clear()).await;
    slot.set(login("alice", 9)).unwrap();
    world.storage.calls();
    assert_eq!(slow.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(world.storage.calls(), [ReplaceEpoch]);
    assert!(world.record_at(&key).is_none());
}

#[tokio::test]
async fn set_on_a_session_that_expires_during_the_request_is_dropped() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let slot = client.open().await;
    slot.set(login("alice", 9)).unwrap();
    world.pass(mins(30));
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(client.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn with_reject_a_set_over_another_write_is_a_conflict_and_writes_nothing() {
    let world = World::new();
    let engine = world.server_with(|options| options.on_conflict(OnConflict::Reject));
    let mut client = world.alice(&engine).await;
    let mut slow = client.clone();
    let slot = slow.open().await;
    client.does(|slot| slot.set(login("alice", 2))).await;
    slot.set(login("alice", 9)).unwrap();
    world.storage.calls();
    assert!(matches!(slow.ends(&slot).await, Err(SessionError::Conflict)));
    assert_eq!(world.storage.calls(), [ReplaceRevision]);
    assert_eq!(client.sees().await.unwrap().visits, 2);
}

#[tokio::test]
async fn with_reject_a_rotation_that_carries_a_value_is_a_conflict_too() {
    let world = World::new();
    let engine = world.server_with(|options| options.on_conflict(OnConflict::Reject));
    let mut client = world.alice(&engine).await;
    let mut slow = client.clone();
    let slot = slow.open().await;
    client.does(|slot| slot.set(login("alice", 2))).await;
    slot.set(login("alice", 9)).unwrap();
    slot.rotate_id().unwrap();
    assert!(matches!(slow.ends(&slot).await, Err(SessionError::Conflict)));
    assert_eq!(client.sees().await.unwrap().visits, 2);
}

#[tokio::test]
async fn with_reject_a_touch_by_another_request_is_no_conflict() {
    let world = World::new();
    let engine = world.server_with(|options| options.on_conflict(OnConflict::Reject));
    let mut client = world.alice(&engine).await;
    let mut slow = client.clone();
    let slot = slow.open().await;
    world.pass(mins(2));
    client.reads().await;
    slot.set(login("alice", 9)).unwrap();
    assert_eq!(slow.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(client.sees().await.unwrap().visits, 9);
}

#[tokio::test]
async fn with_reject_ones_own_update_is_no_conflict() {
    let world = World::new();
    let engine = world.server_with(|options| options.on_conflict(OnConflict::Reject));
    let mut client = world.alice(&engine).await;
    let slot = client.open().await;
    slot.update(|login| login.visits += 1).await.unwrap();
    slot.set(login("alice", 9)).unwrap();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(client.sees().await.unwrap().visits, 9);
}

#[tokio::test]
async fn get_or_set_with_starts_a_session_only_where_there_is_none() {
    let world = World::new();
    let mut client = Client::new(&world.server());
    let said = client
        .does(|slot| {
            assert_eq!(slot.get_or_set_with(|| nobody(3))?.visits, 3);
            assert_eq!(slot.get_or_set_with(|| nobody(4))?.visits, 3);
            Ok(())
        })
        .await;
    assert_eq!(said, Said::Sent);
    world.storage.calls();
    let said = client
        .does(|slot| {
            assert_eq!(slot.get_or_set_with(|| nobody(5))?.visits, 3);
            Ok(())
        })
        .await;
    assert_eq!(said, Said::Nothing);
    assert_eq!(world.storage.calls(), [Load]);
}

#[tokio::test]
async fn a_server_error_drops_what_was_set() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let slot = client.open().await;
    slot.set(login("alice", 9)).unwrap();
    assert_eq!(client.fails(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(world.storage.calls(), [Load]);
    assert_eq!(client.sees().await.unwrap().visits, 1);

    let mut nobodys = Client::new(client.engine());
    let slot = nobodys.open().await;
    slot.set(login("alice", 9)).unwrap();
    assert_eq!(nobodys.fails(&slot).await.unwrap(), Said::Nothing);
    assert!(!nobodys.has_token());
}

#[tokio::test]
async fn a_dead_token_is_removed_with_a_server_error_that_dropped_a_set() {
    let world = World::new();
    let mut client = Client::showing(&world.server(), ["nonsense"]);
    let slot = client.open().await;
    slot.set(login("alice", 9)).unwrap();
    assert_eq!(client.fails(&slot).await.unwrap(), Said::Removed);
    assert_eq!(world.storage.calls(), []);
}

#[tokio::test]
async fn a_commit_whose_storage_fails_is_an_error_and_sends_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.storage.fault(ReplaceEpoch, Fault::Fail, 1);
    world.storage.fault(Create, Fault::Fail, 1);
    let slot = client.open().await;
    slot.set(login("alice", 9)).unwrap();
    assert!(matches!(
        client.ends(&slot).await,
        Err(SessionError::Unavailable(_))
    ));
    let mut new = Client::new(client.engine());
    let slot = new.open().await;
    slot.set(login("alice", 9)).unwrap();
    assert!(matches!(new.ends(&slot).await, Err(SessionError::Unavailable(_))));
    assert!(!new.has_token());
}

#[tokio::test]
async fn a_set_whose_reply_is_lost_is_recognised_by_its_revision() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.storage.fault(ReplaceEpoch, Fault::LoseReply, 1);
    assert_eq!(
        client.does(|slot| slot.set(login("alice", 9))).await,
        Said::Nothing
    );
    assert_eq!(client.sees().await.unwrap().visits, 9);

    world.storage.fault(ReplaceEpoch, Fault::LoseRequest, 1);
    let slot = client.open().await;
    slot.set(login("alice", 10)).unwrap();
    assert!(matches!(
        client.ends(&slot).await,
        Err(SessionError::OutcomeUnknown(_))
    ));
    assert_eq!(client.sees().await.unwrap().visits, 9);
}

#[tokio::test]
async fn after_the_commit_the_session_can_be_read_and_not_changed() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let slot = client.open().await;
    slot.set(login("alice", 2)).unwrap();
    client.ends(&slot).await.unwrap();
    world.storage.calls();
    assert_eq!(slot.get().unwrap().visits, 2);
    assert_eq!(slot.get_or_set_with(Login::default).unwrap().visits, 2);
    let refused = [
        slot.set(login("alice", 3)).checked().unwrap_err(),
        slot.start(login("alice", 3)).checked().unwrap_err(),
        slot.clear().checked().unwrap_err(),
        slot.rotate_id().checked().unwrap_err(),
        slot.update(|_| ()).await.checked().unwrap_err(),
        slot.update_or_insert_with(Login::default, |_| ())
            .await
            .checked()
            .unwrap_err(),
        slot.take().await.checked().unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, SessionError::AlreadyCommitted), "{error}");
    }
    assert_eq!(world.storage.calls(), []);
    assert!(slot.still_live().await.unwrap());
    client.does(|slot| slot.clear()).await;
    assert!(!slot.still_live().await.unwrap());

    let mut none = Client::new(client.engine());
    let slot = none.open().await;
    none.ends(&slot).await.unwrap();
    assert!(matches!(
        slot.get_or_set_with(Login::default).checked(),
        Err(SessionError::AlreadyCommitted)
    ));
}

/// Writes what it cannot read back.
struct Unreadable(bool);

struct OneWay;

impl SessionSerializer<Unreadable> for OneWay {
    const FORMAT: &'static str = "one way";

    fn shape() -> Shape {
        Shape::named("one way")
    }

    fn serialize(value: &Unreadable, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        out.push(value.0.into());
        Ok(())
    }

    fn deserialize(bytes: &[u8]) -> Result<Unreadable, SerializerError> {
        match bytes {
            [0] => Ok(Unreadable(false)),
            _ => Err(SerializerError::new("not that")),
        }
    }
}

impl Session for Unreadable {
    const SPEC: SessionSpec = SessionSpec::new("one_way");
    type Serializer = OneWay;
}

#[tokio::test]
#[cfg(debug_assertions)]
async fn a_value_that_cannot_be_read_back_is_an_error_before_it_is_written() {
    let world = World::new();
    let by_value = world.client_side(&sessions_core::protection::Encrypted::new(&crate::support::ring(
        1,
    )));
    for engine in [world.server::<Unreadable>(), by_value] {
        let mut client = Client::new(&engine);
        client.does(|slot| slot.set(Unreadable(false))).await;
        let slot = client.open().await;
        let refused = [
            slot.set(Unreadable(true)).checked().unwrap_err(),
            slot.start(Unreadable(true)).checked().unwrap_err(),
            // Were it written, the second of these would never come to an end.
            at_once(slot.update(|value| value.0 = true))
                .checked()
                .unwrap_err(),
            at_once(slot.update(|value| value.0 = true))
                .checked()
                .unwrap_err(),
        ];
        for error in refused {
            assert!(matches!(error, SessionError::Serializer(_)), "{error}");
        }
        let new = Client::new(&engine);
        assert!(matches!(
            new.open()
                .await
                .update_or_insert_with(|| Unreadable(true), |_| ())
                .await
                .checked(),
            Err(SessionError::Serializer(_))
        ));
        assert!(client.sees().await.is_some());
    }
}
