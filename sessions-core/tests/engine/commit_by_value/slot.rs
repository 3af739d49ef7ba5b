//! What each thing that a handler can do tells the client.

use sessions_core::{
    Clock, SessionError,
    engine::{Engine, SessionStatus},
    protection::{Encrypted, Signed},
};

use crate::support::{
    Checked, Client, Login, MILLI, Note, Said, World, at_once, days, hours, login, mins, nobody, ring, secs,
};

fn engine(world: &World) -> Engine<Login> {
    world.client_side(&Encrypted::new(&ring(1)))
}

#[tokio::test]
async fn a_session_lives_in_its_token_alone() {
    let world = World::new();
    let mut client = Client::new(&engine(&world));
    let slot = client.open().await;
    slot.set(login("alice", 1)).unwrap();
    assert!(slot.is_new());
    let id = slot.public_id();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    let slot = client.open().await;
    assert_eq!(slot.get().as_deref(), Some(&login("alice", 1)));
    assert_eq!((slot.public_id(), slot.is_new()), (id, false));
    assert_eq!(slot.created_at(), Some(world.clock.now()));
    assert_eq!(slot.expires_at(), Some(world.clock.now().after(mins(30))));
    assert!(slot.still_live().await.unwrap());
    assert_eq!(world.storage.calls(), []);
}

#[tokio::test]
async fn a_read_sends_nothing_within_the_touch_interval_and_the_token_once_past_it() {
    let world = World::new();
    let mut client = world.alice(&engine(&world)).await;
    let created = world.clock.now();
    world.pass(mins(3) - MILLI);
    assert_eq!(client.reads().await, Said::Nothing);
    world.pass(MILLI);
    assert!(client.open().await.commit_if_settled().is_none());
    assert_eq!(client.reads().await, Said::Sent);
    let slot = client.open().await;
    assert_eq!(slot.expires_at(), Some(created.after(mins(33))));
    assert_eq!(slot.created_at(), Some(created));
    assert_eq!(slot.get().as_deref(), Some(&login("alice", 1)));
    assert_eq!(client.reads().await, Said::Nothing);
}

#[tokio::test]
async fn always_send_sends_with_every_read() {
    let world = World::new();
    let engine = world.client_side_with::<Login>(&Encrypted::new(&ring(1)), |options| options.always_send());
    let mut client = world.alice(&engine).await;
    assert_eq!(client.reads().await, Said::Sent);
    assert_eq!(client.sees().await.unwrap().visits, 1);
    let mut none = Client::new(&engine);
    assert_eq!(none.reads().await, Said::Nothing);
}

#[tokio::test]
async fn a_changed_value_is_sent_and_an_equal_one_is_not() {
    let world = World::new();
    let mut client = world.alice(&engine(&world)).await;
    assert_eq!(
        client.does(|slot| slot.set(login("alice", 1))).await,
        Said::Nothing
    );
    let id = client.open().await.public_id();
    world.pass(mins(1));
    assert_eq!(client.does(|slot| slot.set(login("alice", 2))).await, Said::Sent);
    let slot = client.open().await;
    assert_eq!(slot.get().unwrap().visits, 2);
    assert_eq!(slot.public_id(), id);
    assert_eq!(slot.expires_at(), Some(world.clock.now().after(mins(30))));
}

#[tokio::test]
async fn a_server_error_drops_what_was_set_and_started() {
    let world = World::new();
    let mut client = world.alice(&engine(&world)).await;
    for start in [false, true] {
        let slot = client.open().await;
        if start {
            slot.start(login("bob", 9)).unwrap();
        } else {
            slot.set(login("alice", 9)).unwrap();
        }
        assert_eq!(client.fails(&slot).await.unwrap(), Said::Nothing);
        assert_eq!(client.sees().await.as_deref(), Some(&login("alice", 1)));
    }
}

#[tokio::test]
async fn update_is_sent_with_a_server_error_too() {
    let world = World::new();
    let mut client = world.alice(&engine(&world)).await;
    for failing in [false, true] {
        let slot = client.open().await;
        let visits = slot.get().unwrap().visits;
        slot.update(|login| login.visits += 1).await.unwrap();
        slot.update(|login| login.visits += 1).await.unwrap();
        assert_eq!(slot.get().unwrap().visits, visits + 2);
        let said = if failing {
            client.fails(&slot).await
        } else {
            client.ends(&slot).await
        };
        assert_eq!(said.unwrap(), Said::Sent);
        assert_eq!(client.sees().await.unwrap().visits, visits + 2);
    }
}

#[tokio::test]
async fn a_set_that_a_server_error_drops_does_not_take_an_update_with_it() {
    let world = World::new();
    let mut client = world.alice(&engine(&world)).await;
    let slot = client.open().await;
    slot.update(|login| login.visits = 5).await.unwrap();
    slot.set(login("alice", 9)).unwrap();
    assert_eq!(client.fails(&slot).await.unwrap(), Said::Sent);
    assert_eq!(client.sees().await.unwrap().visits, 5);
}

#[tokio::test]
async fn an_update_that_changes_nothing_sends_nothing() {
    let world = World::new();
    let mut client = world.alice(&engine(&world)).await;
    let said = client
        .runs(async |slot| {
            assert_eq!(slot.update(|login| login.visits).await.unwrap(), Some(1));
        })
        .await;
    assert_eq!(said, Said::Nothing);
}

#[tokio::test]
async fn update_may_not_change_the_principal_and_set_with_another_is_a_start() {
    let world = World::new();
    let mut client = world.alice(&engine(&world)).await;
    let slot = client.open().await;
    let id = slot.public_id();
    assert!(matches!(
        slot.update(|login| login.user = None).await.checked(),
        Err(SessionError::PrincipalChanged)
    ));
    world.pass(mins(10));
    slot.set(login("bob", 1)).unwrap();
    assert_ne!(slot.public_id(), id);
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    assert_eq!(client.open().await.created_at(), Some(world.clock.now()));
}

#[tokio::test]
async fn update_or_insert_with_starts_a_session_and_sends_with_a_server_error_too() {
    let world = World::new();
    let mut client = Client::new(&engine(&world));
    let slot = client.open().await;
    slot.update_or_insert_with(|| nobody(1), |login| login.visits += 1)
        .await
        .unwrap();
    assert_eq!(client.fails(&slot).await.unwrap(), Said::Sent);
    assert_eq!(client.sees().await.unwrap().visits, 2);
}

#[tokio::test]
async fn start_gives_a_new_id_and_fresh_deadlines_and_rotate_id_a_new_id_alone() {
    let world = World::new();
    let mut client = world.alice(&engine(&world)).await;
    let (created, first) = (world.clock.now(), client.open().await.public_id());
    world.pass(mins(10));
    assert_eq!(client.does(|slot| slot.rotate_id()).await, Said::Sent);
    let slot = client.open().await;
    let second = slot.public_id();
    assert_ne!(second, first);
    assert_eq!(slot.created_at(), Some(created));
    assert_eq!(slot.get().as_deref(), Some(&login("alice", 1)));
    assert_eq!(
        client.does(|slot| slot.start(login("alice", 1))).await,
        Said::Sent
    );
    let slot = client.open().await;
    assert_ne!(slot.public_id(), second);
    assert_eq!(slot.created_at(), Some(world.clock.now()));
}

#[tokio::test]
async fn rotate_id_carries_the_value_and_survives_a_server_error_without_it() {
    let world = World::new();
    let mut client = world.alice(&engine(&world)).await;
    let said = client
        .does(|slot| {
            slot.rotate_id()?;
            slot.set(login("alice", 2))
        })
        .await;
    assert_eq!(said, Said::Sent);
    assert_eq!(client.sees().await.unwrap().visits, 2);
    let before = client.open().await.public_id();
    let slot = client.open().await;
    slot.rotate_id().unwrap();
    slot.set(login("alice", 3)).unwrap();
    assert_eq!(client.fails(&slot).await.unwrap(), Said::Sent);
    let slot = client.open().await;
    assert_eq!(slot.get().unwrap().visits, 2);
    assert_ne!(slot.public_id(), before);
}

#[tokio::test]
async fn clear_and_take_remove_the_token() {
    let world = World::new();
    let engine =
        world.client_side_with::<Login>(&Encrypted::new(&ring(1)), |options| options.clear_site_data());
    let mut client = world.alice(&engine).await;
    let slot = client.open().await;
    slot.clear().unwrap();
    slot.set(login("alice", 9)).unwrap();
    assert_eq!(client.fails(&slot).await.unwrap(), Said::RemovedWithSiteData);

    let mut client = world.alice(&engine).await;
    let slot = client.open().await;
    assert_eq!(slot.take().await.unwrap().as_deref(), Some(&login("alice", 1)));
    assert_eq!(slot.take().await.unwrap(), None);
    assert_eq!(client.fails(&slot).await.unwrap(), Said::Removed);

    let mut none = Client::new(&engine);
    assert_eq!(none.does(|slot| slot.clear()).await, Said::Nothing);
    let mut dead = Client::showing(&engine, ["no token!"]);
    assert_eq!(dead.reads().await, Said::Removed);
}

#[tokio::test]
async fn of_two_live_tokens_of_one_session_the_later_issued_counts() {
    let world = World::new();
    let engine = engine(&world);
    let early = world.alice(&engine).await;
    world.pass(secs(1));
    let mut late = early.clone();
    late.does(|slot| slot.set(login("alice", 2))).await;
    for tokens in [[early.token(), late.token()], [late.token(), early.token()]] {
        let both = Client::showing(&engine, tokens);
        assert_eq!(both.sees().await.unwrap().visits, 2);
    }
}

#[tokio::test]
async fn of_two_live_sessions_of_one_user_the_later_issued_counts() {
    let world = World::new();
    let engine = engine(&world);
    let early = world.alice(&engine).await;
    world.pass(secs(1));
    let mut late = world.alice(&engine).await;
    late.does(|slot| slot.set(login("alice", 2))).await;
    for tokens in [[early.token(), late.token()], [late.token(), early.token()]] {
        let both = Client::showing(&engine, tokens);
        assert_eq!(both.sees().await.unwrap().visits, 2);
    }
}

/// Any host of the site can set a cookie for all of them, if the name is without `__Host-`.
#[tokio::test]
async fn a_session_that_another_host_has_set_is_not_used_in_place_of_the_clients_own() {
    let world = World::new();
    let engine = engine(&world);
    let own = world.alice(&engine).await;
    world.pass(secs(1));
    let mut tossed = Client::new(&engine);
    tossed.does(|slot| slot.start(login("mallory", 1))).await;
    let mut again = own.clone();
    world.pass(mins(5));
    again.reads().await;
    for tokens in [
        vec![own.token(), tossed.token()],
        vec![tossed.token(), own.token()],
        vec![own.token(), tossed.token(), again.token()],
        vec![own.token(), again.token(), tossed.token()],
    ] {
        let mut both = Client::showing(&engine, tokens);
        assert_eq!(both.status().await, SessionStatus::Ambiguous);
        assert_eq!(both.sees().await, None);
        assert_eq!(both.reads().await, Said::Nothing);
        assert_eq!(both.does(|slot| slot.start(login("alice", 3))).await, Said::Sent);
        assert_eq!(both.sees().await.unwrap().visits, 3);
    }
}

#[tokio::test]
async fn two_live_sessions_of_nobody_are_ambiguous_as_each_may_be_anybodys() {
    let world = World::new();
    let engine = engine(&world);
    let mut clients = [Client::new(&engine), Client::new(&engine)];
    for client in &mut clients {
        client.does(|slot| slot.set(nobody(1))).await;
        world.pass(secs(1));
    }
    let both = Client::showing(&engine, clients.iter().map(Client::token));
    assert_eq!(both.status().await, SessionStatus::Ambiguous);
}

#[tokio::test]
async fn a_value_that_is_too_long_is_refused_when_it_is_set_and_changes_nothing() {
    let world = World::new();
    let engine = world.client_side::<Note>(&Encrypted::new(&ring(1)));
    let mut client = Client::new(&engine);
    client.does(|slot| slot.set(Note::new("short"))).await;
    let long = || Note::new("x".repeat(4096));
    let slot = client.open().await;
    slot.rotate_id().unwrap();
    for error in [
        slot.set(long()).checked().unwrap_err(),
        slot.start(long()).checked().unwrap_err(),
        slot.update(|note| *note = long()).await.checked().unwrap_err(),
    ] {
        let SessionError::TooLargeForTransport { size, limit } = error else {
            panic!("{error}");
        };
        assert!(size > 5461 && limit == 4096, "{size} {limit}");
    }
    assert_eq!(slot.get().unwrap().text, "short");
    slot.set(Note::new("other")).unwrap();
    assert!(slot.update(|note| *note = long()).await.is_err());
    assert_eq!(slot.get().unwrap().text, "other");
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    assert_eq!(client.sees().await.unwrap().text, "other");
    let none = Client::new(&engine).open().await;
    assert!(none.update_or_insert_with(long, |_| ()).await.is_err());
    assert_eq!(none.get(), None);
}

#[tokio::test]
async fn whatever_is_sent_fits_and_can_be_read_back() {
    let world = World::new();
    let engine = world.client_side::<Note>(&Encrypted::new(&ring(1)));
    let mut longest = 0;
    for len in 2700..3072 {
        let mut client = Client::new(&engine);
        let slot = client.open().await;
        match slot.set(Note::new("x".repeat(len))) {
            Ok(()) => {
                client.ends(&slot).await.unwrap();
                let size = client.token().len() + "note".len();
                assert!(size <= 4096);
                longest = longest.max(size);
                assert_eq!(client.sees().await.unwrap().text.len(), len);
            }
            Err(error) => assert!(
                matches!(error, SessionError::TooLargeForTransport { size, .. } if size > 4096),
                "{error}"
            ),
        }
    }
    assert!(longest > 4090, "{longest}");
}

#[tokio::test]
async fn a_persistent_token_is_kept_for_max_age_each_time_that_it_is_sent() {
    let world = World::new();
    let engine =
        world.client_side_with::<Login>(&Encrypted::new(&ring(1)), |options| options.max_age(days(30)));
    let mut client = Client::new(&engine);
    let set = |visits| move |slot: &sessions_core::engine::Slot<Login>| slot.set(nobody(visits));
    assert_eq!(client.does(set(1)).await, Said::SentFor(days(30)));
    world.pass(days(20));
    assert_eq!(client.reads().await, Said::SentFor(days(30)));
    world.pass(days(20));
    assert_eq!(client.does(set(2)).await, Said::SentFor(days(30)));
}

#[tokio::test]
async fn by_id_a_persistent_token_is_kept_for_what_is_left_of_the_absolute_lifetime() {
    let world = World::new();
    let engine = world.server_with::<Login>(|options| options.max_age(hours(1)).absolute_lifetime(hours(10)));
    let mut client = Client::new(&engine);
    let said = client.does(|slot| slot.set(nobody(1))).await;
    assert_eq!(said, Said::SentFor(hours(10)));
    world.pass(mins(30));
    assert_eq!(client.reads().await, Said::Nothing);
    let said = client.does(|slot| slot.rotate_id()).await;
    assert_eq!(said, Said::SentFor(mins(570)));
}

#[tokio::test]
async fn a_token_from_the_future_is_accepted_within_five_seconds() {
    let world = World::new();
    let client = world.alice(&engine(&world)).await;
    let issued = world.clock.now().as_millis();
    world
        .clock
        .set(sessions_core::Timestamp::from_millis(issued - 5000));
    assert_eq!(client.status().await, SessionStatus::Live);
    world
        .clock
        .set(sessions_core::Timestamp::from_millis(issued - 5001));
    // Its client keeps it: this node's clock may be the one that is wrong.
    assert_eq!(client.status().await, SessionStatus::Stale);
    let mut client = client.clone();
    assert_eq!(client.reads().await, Said::Nothing);
}

#[tokio::test]
async fn there_is_nothing_to_revoke() {
    let world = World::new();
    let engine = engine(&world);
    let id = world.alice(&engine).await.open().await.public_id().unwrap();
    assert!(matches!(
        engine.revoke(&id).await.checked(),
        Err(SessionError::NotServerSide)
    ));
}

#[tokio::test]
async fn after_the_commit_the_session_can_be_read_and_not_changed() {
    let world = World::new();
    let mut client = world.alice(&engine(&world)).await;
    let slot = client.open().await;
    slot.set(login("alice", 2)).unwrap();
    client.ends(&slot).await.unwrap();
    assert_eq!(slot.get().unwrap().visits, 2);
    for error in [
        slot.set(login("alice", 3)).checked().unwrap_err(),
        slot.clear().checked().unwrap_err(),
        slot.update(|_| ()).await.checked().unwrap_err(),
        slot.take().await.checked().unwrap_err(),
    ] {
        assert!(matches!(error, SessionError::AlreadyCommitted), "{error}");
    }
    assert!(slot.still_live().await.unwrap());
    world.pass(mins(30));
    assert!(!slot.still_live().await.unwrap());
}

#[tokio::test]
async fn nothing_of_it_ever_waits() {
    let world = World::new();
    let mut client = Client::new(&world.client_side::<Login>(&Signed::new(&ring(1))));
    let said = at_once(client.runs(async |slot| {
        slot.update_or_insert_with(|| nobody(1), |_| ()).await.unwrap();
        slot.update(|login| login.visits += 1).await.unwrap();
        slot.rotate_id().unwrap();
    }));
    assert_eq!(said, Said::Sent);
}
