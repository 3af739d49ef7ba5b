//! What a request does that only reads.

use sessions_core::{
    Clock, SessionError,
    engine::{Opening, Outcome, SessionStatus, TokenAction},
};

use crate::support::{
    Checked, Client, Fault, Latest, Load, Login, Note, Said, Touch, World, login, mins, ring, secs,
};

#[test]
fn a_request_without_a_token_asks_nothing_of_the_storage() {
    let world = World::new();
    let Opening::Ready(slot) = world.server::<Login>().open([], &()) else {
        panic!("there is nothing to load");
    };
    assert_eq!(slot.get(), None);
    assert_eq!(slot.status(), SessionStatus::Absent);
    assert!(matches!(slot.commit_if_settled(), Some(TokenAction::Keep)));
    assert_eq!(world.storage.calls(), []);
}

#[tokio::test]
async fn a_live_session_within_the_touch_interval_is_loaded_and_nothing_else() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.pass(secs(59));
    assert_eq!(client.reads().await, Said::Nothing);
    assert_eq!(world.storage.calls(), [Load]);
}

#[tokio::test]
async fn a_read_within_the_touch_interval_is_settled_without_waiting() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let slot = client.open().await;
    assert!(matches!(slot.commit_if_settled(), Some(TokenAction::Keep)));
    assert!(matches!(
        slot.clear().checked(),
        Err(SessionError::AlreadyCommitted)
    ));
}

#[tokio::test]
async fn a_live_session_past_the_touch_interval_is_touched_once() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.pass(secs(60));
    assert!(client.open().await.commit_if_settled().is_none());
    world.storage.calls();
    let before = world.record(&client).unwrap();
    assert_eq!(client.reads().await, Said::Nothing);
    assert_eq!(world.storage.calls(), [Load, Touch]);
    let after = world.record(&client).unwrap();
    assert_eq!(after.revision, before.revision);
    assert_eq!(after.times.last_seen, world.clock.now());
    assert_eq!(after.times.idle_deadline, world.clock.now().after(mins(30)));
    assert_eq!(client.reads().await, Said::Nothing);
    assert_eq!(world.storage.calls(), [Load]);
}

#[tokio::test]
async fn always_send_sends_the_same_token_again_with_every_read() {
    let world = World::new();
    let mut client = world
        .alice(&world.server_with(|options| options.always_send()))
        .await;
    let token = client.token().to_owned();
    assert_eq!(client.reads().await, Said::Sent);
    assert_eq!(client.token(), token);
    assert_eq!(world.storage.calls(), [Load, Latest]);
    world.pass(mins(2));
    assert_eq!(client.reads().await, Said::Sent);
    assert_eq!(client.token(), token);
    assert_eq!(world.storage.calls(), [Load, Touch, Latest]);
}

#[tokio::test]
async fn with_always_send_a_slow_request_sends_nothing_that_was_replaced_meanwhile() {
    let world = World::new();
    let engine = world.server_with(|options| options.always_send());
    for what in ["rotate", "start", "clear"] {
        let mut client = world.alice(&engine).await;
        let mut slow = client.clone();
        let slot = slow.open().await;
        client
            .does(|slot| match what {
                "rotate" => slot.rotate_id(),
                "start" => slot.start(login("alice", 2)),
                _ => slot.clear(),
            })
            .await;
        assert_eq!(slow.ends(&slot).await.unwrap(), Said::Nothing, "{what}");
    }
}

#[tokio::test]
async fn with_always_send_a_slow_request_sends_the_successor_of_what_was_renewed_meanwhile() {
    let world = World::new();
    let engine = world.server_with(|options| options.always_send());
    for confirmed in [false, true] {
        let mut client = world.alice(&engine).await;
        let mut slow = client.clone();
        let slot = slow.open().await;
        client.does(|slot| slot.renew_id()).await;
        if confirmed {
            client.reads().await;
        }
        assert_eq!(slow.ends(&slot).await.unwrap(), Said::Sent);
        assert_eq!(slow.token(), client.token());
    }
}

#[tokio::test]
async fn with_always_send_a_request_that_outlasts_the_grace_sends_nothing() {
    let world = World::new();
    let engine = world.server_with(|options| options.always_send());
    let mut client = world.alice(&engine).await;
    let mut slow = client.clone();
    let slot = slow.open().await;
    client.does(|slot| slot.renew_id()).await;
    client.reads().await;
    world.pass(secs(31));
    assert_eq!(slow.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(client.reads().await, Said::Sent);
}

#[tokio::test]
async fn a_malformed_token_is_removed_and_never_reaches_the_storage() {
    let world = World::new();
    let engine = world.server::<Login>();
    let long = "A".repeat(10_000);
    for text in [
        "",
        "A",
        "AAAA",
        "not base64!",
        "=",
        "a b",
        "\u{1f40b}",
        long.as_str(),
    ] {
        let mut client = Client::showing(&engine, [text]);
        let slot = client.open().await;
        assert_eq!(slot.get(), None);
        assert_eq!(slot.status(), SessionStatus::Invalid);
        assert_eq!(client.ends(&slot).await.unwrap(), Said::Removed, "{text:.20}");
    }
    assert_eq!(world.storage.calls(), []);
}

#[tokio::test]
async fn a_forged_secret_is_removed_and_changes_nothing() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let before = world.record(&client).unwrap();
    let mut bytes = crate::support::decode(client.token());
    bytes[20] ^= 1;
    let mut forger = Client::showing(client.engine(), [crate::support::encode(&bytes)]);
    assert_eq!(forger.reads().await, Said::Removed);
    assert_eq!(world.storage.calls(), [Load]);
    assert_eq!(world.record(&client).unwrap(), before);
    assert_eq!(client.reads().await, Said::Nothing);
}

#[tokio::test]
async fn an_expired_session_is_removed() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.pass(mins(30));
    assert_eq!(client.status().await, SessionStatus::Invalid);
    world.storage.calls();
    assert_eq!(client.reads().await, Said::Removed);
    assert_eq!(world.storage.calls(), [Load]);
}

#[tokio::test]
async fn an_unknown_session_is_removed_and_never_adopted() {
    let world = World::new();
    let engine = world.server::<Login>();
    let chosen = crate::support::encode(&[7; 48]);
    let mut client = Client::showing(&engine, [chosen]);
    assert_eq!(client.reads().await, Said::Removed);
    assert_eq!(world.storage.calls(), [Load]);
}

#[tokio::test]
async fn an_unreadable_record_is_removed() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.storage.fault(Load, Fault::Unreadable, 1);
    assert_eq!(client.reads().await, Said::Removed);
    assert_eq!(world.storage.calls(), [Load]);
}

#[tokio::test]
async fn a_payload_that_cannot_be_decoded_is_removed() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.tamper(&client, |record| {
        record.payload = sessions_core::Payload::new([9_u8; 3]);
    });
    assert_eq!(client.reads().await, Said::Removed);
    assert_eq!(world.storage.calls(), [Load]);
}

#[tokio::test]
async fn a_record_of_another_name_under_the_key_is_no_session() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.tamper(&client, |record| record.name = "pre_auth".into());
    assert_eq!(client.reads().await, Said::Removed);
}

#[tokio::test]
async fn a_token_of_one_name_opens_no_session_of_another_in_the_same_storage() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    assert_eq!(
        client.at(&world.server::<Note>()).status().await,
        SessionStatus::Invalid
    );
    let renamed = world.server_with::<Login>(|options| options.name("pre_auth"));
    assert_eq!(client.at(&renamed).status().await, SessionStatus::Invalid);
    let mut elsewhere = World::new();
    elsewhere.storage = world.storage.clone();
    elsewhere.environment.application = "shop".into();
    assert_eq!(
        client.at(&elsewhere.server::<Login>()).status().await,
        SessionStatus::Invalid
    );
}

#[tokio::test]
async fn a_rotated_away_token_is_stale_and_neither_removed_nor_replaced() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let mut behind = client.clone();
    client.does(|slot| slot.rotate_id()).await;
    world.storage.calls();
    let slot = behind.open().await;
    assert_eq!(slot.get(), None);
    assert_eq!(slot.status(), SessionStatus::Stale);
    assert_eq!(behind.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(world.storage.calls(), [Load]);
}

#[tokio::test]
async fn a_token_is_still_stale_after_eight_rotations_and_forgotten_after_nine() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    let behind = client.clone();
    for _ in 0..8 {
        client.does(|slot| slot.rotate_id()).await;
    }
    assert_eq!(behind.status().await, SessionStatus::Stale);
    client.does(|slot| slot.rotate_id()).await;
    assert_eq!(behind.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn a_session_of_a_newer_version_is_left_alone() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.tamper(&client, |record| record.schema.version += 1);
    let before = world.record(&client).unwrap();
    world.pass(mins(5));
    let slot = client.open().await;
    assert_eq!(slot.get(), None);
    assert_eq!(slot.status(), SessionStatus::Foreign);
    assert!(matches!(
        slot.set(login("alice", 2)).checked(),
        Err(SessionError::Foreign)
    ));
    assert!(matches!(
        slot.get_or_set_with(Login::default).checked(),
        Err(SessionError::Foreign)
    ));
    assert!(matches!(
        slot.update(|login| login.visits).await.checked(),
        Err(SessionError::Foreign)
    ));
    assert!(matches!(
        slot.update_or_insert_with(Login::default, |_| ()).await.checked(),
        Err(SessionError::Foreign)
    ));
    assert!(matches!(slot.take().await.checked(), Err(SessionError::Foreign)));
    slot.rotate_id().unwrap();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(world.storage.calls(), [Load]);
    assert_eq!(world.record(&client).unwrap(), before);
}

#[tokio::test]
async fn two_live_tokens_are_ambiguous_and_nothing_is_told() {
    let world = World::new();
    let engine = world.server();
    let (one, other) = (world.alice(&engine).await, world.alice(&engine).await);
    let mut both = Client::showing(&engine, [one.token(), other.token()]);
    world.pass(mins(5));
    let slot = both.open().await;
    assert_eq!(slot.get(), None);
    assert_eq!(slot.status(), SessionStatus::Ambiguous);
    assert_eq!(both.ends(&slot).await.unwrap(), Said::Nothing);
    assert_eq!(world.storage.calls(), [Load, Load]);
}

#[tokio::test]
async fn of_several_tokens_the_one_that_is_live_counts() {
    let world = World::new();
    let engine = world.server();
    let live = world.alice(&engine).await;
    let unknown = crate::support::encode(&[7; 48]);
    for tokens in [
        [live.token(), "nonsense", unknown.as_str()],
        [unknown.as_str(), "nonsense", live.token()],
    ] {
        let mut client = Client::showing(&engine, tokens);
        assert_eq!(client.sees().await.unwrap().visits, 1);
        assert_eq!(client.reads().await, Said::Nothing);
    }
}

#[tokio::test]
async fn at_most_three_distinct_tokens_are_tried() {
    let world = World::new();
    let engine = world.server();
    let live = world.alice(&engine).await;
    let unknown: Vec<String> = (0..3).map(|n| crate::support::encode(&[n; 48])).collect();
    let mut tokens = vec![unknown[0].clone(); 5];
    tokens.extend([unknown[1].clone(), live.token().to_owned()]);
    // Repetitions do not count.
    assert_eq!(
        Client::showing(&engine, tokens.clone()).status().await,
        SessionStatus::Live
    );
    assert_eq!(world.storage.calls(), [Load, Load, Load]);
    tokens.insert(0, unknown[2].clone());
    // The fourth may be good, so it is not removed for the sake of the others.
    let mut crowded = Client::showing(&engine, tokens);
    assert_eq!(crowded.status().await, SessionStatus::Ambiguous);
    assert_eq!(world.storage.calls(), [Load, Load, Load]);
    assert_eq!(crowded.reads().await, Said::Nothing);
}

#[tokio::test]
async fn of_more_than_three_tokens_a_planted_one_is_not_used_in_place_of_the_clients_own() {
    let world = World::new();
    let engine = world.server();
    let (planted, own) = (world.alice(&engine).await, world.alice(&engine).await);
    let junk = |n| crate::support::encode(&[n; 48]);
    let tokens = [
        planted.token().to_owned(),
        junk(1),
        junk(2),
        own.token().to_owned(),
    ];
    let mut crowded = Client::showing(&engine, tokens);
    assert_eq!(crowded.status().await, SessionStatus::Ambiguous);
    assert_eq!(crowded.sees().await, None);
    // Whoever logs out ends what was looked at, whosever it is.
    assert_eq!(crowded.does(|slot| slot.clear()).await, Said::Removed);
    assert_eq!(planted.status().await, SessionStatus::Invalid);
    assert_eq!(own.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn one_session_under_two_signatures_is_one_session() {
    let world = World::new();
    let old = world.server_with(|options| options.signed(&ring(1)));
    let client = world.alice(&old).await;
    let engine = world.server_with::<Login>(|options| {
        options
            .signed(&ring(1).rotate(crate::support::key(2)))
            .always_send()
    });
    let mut resent = client.at(&engine);
    assert_eq!(resent.reads().await, Said::Sent);
    assert_ne!(resent.token(), client.token());
    let both = Client::showing(&engine, [client.token(), resent.token()]);
    assert_eq!(both.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn a_forged_signature_never_reaches_the_storage() {
    let world = World::new();
    let engine = world.server_with(|options| options.signed(&ring(1)));
    let mut client = world.alice(&engine).await;
    assert_eq!(client.reads().await, Said::Nothing);
    assert_eq!(world.storage.calls(), [Load]);
    let mut bytes = crate::support::decode(client.token());
    bytes[30] ^= 1;
    let mut forger = Client::showing(&engine, [crate::support::encode(&bytes)]);
    assert_eq!(forger.reads().await, Said::Removed);
    let unsigned = world.alice(&world.server()).await;
    assert_ne!(unsigned.at(&engine).status().await, SessionStatus::Live);
    let mut stranger = client.at(&world.server_with::<Login>(|options| options.signed(&ring(2))));
    assert_eq!(stranger.reads().await, Said::Nothing);
    assert_eq!(world.storage.calls(), []);
}

#[tokio::test]
async fn that_a_session_is_over_is_never_said_from_a_copy() {
    let world = World::new();
    let mut client = world.alice(&world.server()).await;
    world.storage.copy(world.record(&client).unwrap());
    client.does(|slot| slot.rotate_id()).await;
    world.storage.calls();
    assert_eq!(client.sees().await.unwrap().visits, 1);
    assert_eq!(world.storage.calls(), [Load, Latest]);
}

#[tokio::test]
async fn a_copy_that_shows_a_live_session_is_believed() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    world.storage.copy(world.record(&client).unwrap());
    assert_eq!(client.status().await, SessionStatus::Live);
    assert_eq!(world.storage.calls(), [Load]);
}

#[tokio::test]
async fn a_session_that_the_handler_only_looked_at_is_read() {
    let world = World::new();
    let client = world.alice(&world.server()).await;
    let slot = client.open().await;
    assert!(!slot.is_new());
    assert_eq!(slot.created_at(), Some(world.clock.now()));
    assert_eq!(slot.expires_at(), Some(world.clock.now().after(mins(30))));
    assert_eq!(
        slot.public_id(),
        Some(world.record(&client).unwrap().public_id.clone())
    );
    assert!(slot.still_live().await.unwrap());
    assert!(matches!(
        slot.commit(Outcome::ServerError).await,
        Ok(TokenAction::Keep)
    ));
}
