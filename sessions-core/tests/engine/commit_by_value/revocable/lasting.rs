//! How long it is known that a session was ended: until it would have ended by itself, and not for ever.

use std::time::Duration;

use sessions_core::{
    Clock, MAX_LIFETIME,
    engine::{Engine, SessionStatus, keep_up},
    protection::Plain,
};

use super::{alice, engine, id, log_in};
use crate::support::{Client, Login, MILLI, Said, World, days, decode, encode, hours, login, secs};

/// Twice what clocks may be apart.
const MARGIN: Duration = secs(10);

/// A session that only its end of life ends.
async fn remembered(engine: &Engine<Login>, time: Duration) -> Client<Login> {
    let mut client = Client::new(engine);
    client
        .does(|slot| {
            slot.remember(time)?;
            slot.start(login("alice", 1))
        })
        .await;
    client
}

#[tokio::test]
async fn an_id_is_kept_until_its_session_would_have_ended_and_then_freed() {
    let world = World::new();
    let engine = engine(&world);
    let mut client = remembered(&engine, days(30)).await;
    let copy = client.clone();
    world.pass(days(10));
    client.does(|slot| slot.clear()).await;
    world.pass(days(20) - MILLI);
    assert_eq!(copy.status().await, SessionStatus::Invalid);
    world.pass(MARGIN);
    assert_eq!(engine.purge_expired(10).await.unwrap(), 0);
    world.pass(MILLI);
    assert_eq!(engine.purge_expired(10).await.unwrap(), 1);
    assert_eq!(copy.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn what_has_no_end_of_its_own_is_kept_for_as_long_as_a_session_can_live() {
    let world = World::new();
    let engine = engine(&world);
    let copy = remembered(&engine, MAX_LIFETIME).await;
    assert!(engine.revoke(&id(&copy).await).await.unwrap());
    engine.revoke_all(&alice()).await.unwrap();
    engine.revoke_everyone().await.unwrap();
    world.pass(MAX_LIFETIME - MILLI);
    assert_eq!(copy.status().await, SessionStatus::Invalid);
    world.pass(MARGIN);
    assert_eq!(engine.purge_expired(10).await.unwrap(), 0);
    world.pass(MILLI);
    assert_eq!(engine.purge_expired(10).await.unwrap(), 3);
    assert_eq!(copy.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn whatever_a_token_says_that_nobody_has_signed_no_id_is_kept_for_longer_than_that() {
    let world = World::new();
    let engine = world.client_side_with::<Login>(&Plain, |options| options.revocable(world.storage.clone()));
    let client = log_in(&engine, "alice").await;
    let mut forged = decode(client.token());
    let end = world.clock.now().after(hours(12)).as_millis().to_le_bytes();
    let at = forged.windows(8).position(|bytes| bytes == end).unwrap();
    forged[at..at + 8].fill(0xff);
    let mut client = Client::showing(&engine, [encode(&forged)]);
    assert_eq!(client.does(|slot| slot.clear()).await, Said::Removed);
    world.pass(MAX_LIFETIME + MARGIN);
    assert_eq!(engine.purge_expired(10).await.unwrap(), 1);
}

#[tokio::test]
async fn ending_a_principals_sessions_again_keeps_what_is_known_for_longer() {
    let world = World::new();
    let engine = engine(&world);
    engine.revoke_all(&alice()).await.unwrap();
    world.pass(days(100));
    let copy = remembered(&engine, MAX_LIFETIME).await;
    world.pass(hours(1));
    engine.revoke_all(&alice()).await.unwrap();
    world.pass(MAX_LIFETIME - hours(1) - MILLI);
    assert_eq!(engine.purge_expired(10).await.unwrap(), 0);
    assert_eq!(copy.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn a_login_long_after_everything_was_ended_and_forgotten_is_good() {
    let world = World::new();
    let engine = engine(&world);
    engine.revoke_everyone().await.unwrap();
    world.pass(MAX_LIFETIME + MARGIN);
    let client = log_in(&engine, "alice").await;
    assert_eq!(client.status().await, SessionStatus::Live);
    engine.revoke_everyone().await.unwrap();
    assert_eq!(client.status().await, SessionStatus::Invalid);
}

#[tokio::test(start_paused = true)]
async fn upkeep_frees_what_is_no_longer_needed() {
    let world = World::new();
    let engine = engine(&world);
    log_in(&engine, "alice").await.does(|slot| slot.clear()).await;
    let purger = engine.purger().unwrap();
    let upkeep = tokio::spawn(keep_up(secs(10), move || Some(vec![purger.clone()])));
    world.pass(hours(12) + MARGIN);
    tokio::time::sleep(secs(11)).await;
    assert_eq!(engine.purge_expired(10).await.unwrap(), 0);
    upkeep.abort();
}
