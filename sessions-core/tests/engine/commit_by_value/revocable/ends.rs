//! One session, ended by its own request or by its id.

use std::sync::{Arc, mpsc};

use sessions_core::{
    SessionError,
    engine::{SessionStatus, Slot},
    events::{SessionEvent, SessionEventKind},
};

use super::{alice, engine, id, log_in, node};
use crate::support::{
    Checked, Client, Create, Latest, Load, Login, Said, World, at_once, hours, login, mins, nobody,
};

#[tokio::test]
async fn a_copy_of_a_token_is_dead_after_a_logout_at_every_node() {
    let world = World::new();
    let engine = engine(&world);
    let mut client = log_in(&engine, "alice").await;
    let copy = client.clone();
    assert_eq!(client.does(|slot| slot.clear()).await, Said::Removed);
    for node in [&engine, &node(&world, &world.clock)] {
        let mut copy = copy.at(node);
        assert_eq!(copy.status().await, SessionStatus::Invalid);
        assert_eq!(copy.reads().await, Said::Removed);
    }
}

/// fastify/secure-session marked a deleted session in the cookie that it sent, and took the one before it again.
#[tokio::test]
async fn cve_2024_31999_a_sealed_session_that_was_deleted_cannot_be_replayed() {
    let world = World::new();
    let engine = engine(&world);
    let mut client = log_in(&engine, "alice").await;
    let (deleted, used) = (client.clone(), client.clone());
    client.does(|slot| slot.clear()).await;
    for pass in [mins(0), mins(29)] {
        world.pass(pass);
        assert_eq!(deleted.sees().await, None);
    }
    // Nor does using it keep it, whatever the request does.
    let mut used = used;
    for said in [
        used.clone().does(|slot| slot.set(login("alice", 2))).await,
        used.clone().does(|slot| slot.get_or_set_with(|| nobody(7))).await,
    ] {
        assert_eq!(said, Said::Sent, "of a session of its own");
    }
    assert_eq!(used.does(|slot| slot.rotate_id()).await, Said::Removed);
}

#[tokio::test]
async fn a_copy_is_dead_after_a_login_and_after_take() {
    let world = World::new();
    let engine = engine(&world);
    let mut started = log_in(&engine, "alice").await;
    let copy = started.clone();
    started.does(|slot| slot.start(login("alice", 2))).await;
    assert_eq!(copy.status().await, SessionStatus::Invalid);
    assert_eq!(started.sees().await.unwrap().visits, 2);

    let copy = started.clone();
    let said = started
        .runs(async |slot| assert_eq!(slot.take().await.unwrap().as_deref(), Some(&login("alice", 2))))
        .await;
    assert_eq!(said, Said::Removed);
    assert_eq!(copy.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn a_copy_is_worth_nothing_after_rotate_id_and_its_client_keeps_what_it_has() {
    let world = World::new();
    let engine = engine(&world);
    let mut client = log_in(&engine, "alice").await;
    let mut copy = client.clone();
    let before = id(&client).await;
    assert_eq!(client.does(|slot| slot.rotate_id()).await, Said::Sent);
    assert_eq!(client.sees().await.as_deref(), Some(&login("alice", 1)));
    assert_ne!(id(&client).await, before);
    // It may be a request that was under way: the client's new token must not be removed for it.
    assert_eq!(copy.status().await, SessionStatus::Stale);
    assert_eq!(copy.reads().await, Said::Nothing);
    assert_eq!(copy.does(|slot| slot.clear()).await, Said::Removed);
    assert_eq!(client.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn a_logout_with_a_server_error_is_a_logout() {
    let world = World::new();
    let engine = engine(&world);
    let mut client = log_in(&engine, "alice").await;
    let copy = client.clone();
    let slot = client.open().await;
    slot.clear().unwrap();
    assert_eq!(client.fails(&slot).await.unwrap(), Said::Removed);
    assert_eq!(copy.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn a_session_is_ended_by_its_id_once() {
    let world = World::new();
    let engine = engine(&world);
    let (alices, other) = (log_in(&engine, "alice").await, log_in(&engine, "alice").await);
    let id = id(&alices).await;
    assert!(engine.revoke(&id).await.unwrap());
    assert!(!engine.revoke(&id).await.unwrap());
    assert_eq!(alices.status().await, SessionStatus::Invalid);
    assert_eq!(other.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn a_session_is_ended_by_the_id_that_it_had_before_it_was_rotated() {
    let mut world = World::new();
    let (tell, told) = mpsc::channel();
    world.environment.listener = Some(Arc::new(move |event: &SessionEvent<'_>| {
        if matches!(event.kind, SessionEventKind::Revoked(_)) {
            tell.send(event.public_id.cloned()).unwrap();
        }
    }));
    let engine = engine(&world);
    let mut client = log_in(&engine, "alice").await;
    let first = id(&client).await;
    client.does(|slot| slot.rotate_id()).await;
    client.does(|slot| slot.rotate_id()).await;
    let (second, last) = (client.clone(), id(&client).await);
    assert!(engine.revoke(&first).await.unwrap());
    assert_eq!(second.status().await, SessionStatus::Invalid);
    assert!(!engine.revoke(&first).await.unwrap());
    assert!(!engine.revoke(&last).await.unwrap());
    let told: Vec<_> = told.try_iter().collect();
    assert_eq!(told, [Some(last)], "the id that it had");
}

#[tokio::test]
async fn what_clients_keep_can_be_ended_and_neither_listed_nor_counted() {
    let world = World::new();
    let engine = engine(&world);
    let id = id(&log_in(&engine, "alice").await).await;
    for error in [
        engine.list(&alice()).await.checked().unwrap_err(),
        engine.count().await.checked().unwrap_err(),
        engine.revoke_of(&alice(), &id).await.checked().unwrap_err(),
    ] {
        assert!(matches!(error, SessionError::NotServerSide), "{error}");
    }
    assert_eq!(engine.revoke_all(&alice()).await.unwrap(), 0);
    assert_eq!(engine.revoke_others(&alice(), &id).await.unwrap(), 0);
    assert_eq!(engine.revoke_everyone().await.unwrap(), 0);
}

#[tokio::test]
async fn of_a_session_that_nobody_has_ended_nothing_is_stored() {
    let world = World::new();
    let engine = engine(&world);
    let mut client = Client::new(&engine);
    assert_eq!(client.status().await, SessionStatus::Absent);
    assert_eq!(world.storage.calls(), []);
    client.does(|slot| slot.start(login("alice", 1))).await;
    assert_eq!(
        world.storage.calls(),
        [Latest; 2],
        "its principal's and everyone's"
    );
    world.pass(mins(5));
    client.reads().await;
    client.does(|slot| slot.set(login("alice", 2))).await;
    client
        .runs(async |slot| {
            slot.update(|login| login.visits += 1).await.unwrap();
            slot.renew_id().unwrap();
        })
        .await;
    assert_eq!(world.storage.calls(), [Load; 9], "for each request its id's, too");
    let mut visitor = Client::new(&engine);
    visitor
        .runs(async |slot| {
            slot.update_or_insert_with(|| nobody(1), |_| ()).await.unwrap();
        })
        .await;
    visitor.reads().await;
    assert_eq!(
        world.storage.calls(),
        [Latest, Load, Load],
        "nobody's has no principal"
    );
    // A forged token is not worth a question.
    assert_eq!(
        Client::showing(&engine, ["AAAA"]).status().await,
        SessionStatus::Invalid
    );
    assert_eq!(world.storage.calls(), []);
    client.does(|slot| slot.clear()).await;
    assert_eq!(world.storage.calls(), [Load, Load, Load, Create]);
}

#[tokio::test]
async fn without_the_option_no_storage_is_asked_and_nothing_can_be_ended() {
    let world = World::new();
    let engine = world.client_side::<Login>(&sessions_core::protection::Encrypted::new(
        &crate::support::ring(1),
    ));
    assert!(engine.opens_at_once() && engine.purger().is_none());
    let client = at_once(log_in(&engine, "alice"));
    let id = at_once(id(&client));
    for error in [
        engine.revoke(&id).await.checked().unwrap_err(),
        engine.revoke_all(&alice()).await.checked().unwrap_err(),
        engine.revoke_others(&alice(), &id).await.checked().unwrap_err(),
        engine.revoke_everyone().await.checked().unwrap_err(),
        engine.purge_expired(1).await.checked().unwrap_err(),
    ] {
        assert!(matches!(error, SessionError::NotServerSide), "{error}");
    }
    assert_eq!(world.storage.calls(), []);
}

#[tokio::test]
async fn of_two_tokens_the_one_that_was_ended_never_counts() {
    let world = World::new();
    let engine = engine(&world);
    let early = log_in(&engine, "alice").await;
    world.pass(mins(1));
    let late = log_in(&engine, "bob").await;
    assert!(engine.revoke(&id(&late).await).await.unwrap());
    for tokens in [[early.token(), late.token()], [late.token(), early.token()]] {
        let mut both = Client::showing(&engine, tokens);
        assert_eq!(both.sees().await.as_deref(), Some(&login("alice", 1)));
        assert_eq!(both.reads().await, Said::Nothing);
    }
}

#[tokio::test]
async fn whoever_logs_out_or_in_with_several_sessions_of_one_user_ends_them_all() {
    for logs_in in [false, true] {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let world = World::new();
            let engine = engine(&world);
            let mut all = Vec::new();
            for _ in 0..3 {
                all.push(log_in(&engine, "alice").await);
                world.pass(mins(1));
            }
            let mut client = Client::showing(&engine, order.map(|nth| all[nth].token()));
            assert_eq!(client.open().await.public_id(), Some(id(&all[2]).await));
            let said = match logs_in {
                true => client.does(|slot| slot.start(login("alice", 9))).await,
                false => client.does(|slot| slot.clear()).await,
            };
            assert_eq!(said, if logs_in { Said::Sent } else { Said::Removed });
            for one in &all {
                assert_eq!(one.status().await, SessionStatus::Invalid);
            }
            assert_eq!(client.has_token(), logs_in);
            assert_eq!(client.sees().await.is_some(), logs_in);
        }
    }
}

#[tokio::test]
async fn whoever_inserts_after_a_logout_with_several_sessions_of_one_user_ends_them_all() {
    let world = World::new();
    let engine = engine(&world);
    let all = [log_in(&engine, "alice").await, log_in(&engine, "alice").await];
    let mut client = Client::showing(&engine, all.iter().map(Client::token));
    let said = client
        .runs(async |slot| {
            slot.clear().unwrap();
            slot.update_or_insert_with(|| nobody(1), |_| ()).await.unwrap();
        })
        .await;
    assert_eq!(said, Said::Sent);
    for one in &all {
        assert_eq!(one.status().await, SessionStatus::Invalid);
    }
    assert_eq!(client.sees().await.as_deref(), Some(&nobody(1)));
}

#[tokio::test]
async fn whoever_logs_out_with_sessions_of_several_users_ends_them_all() {
    let world = World::new();
    let engine = engine(&world);
    let all = [
        log_in(&engine, "alice").await,
        log_in(&engine, "alice").await,
        log_in(&engine, "mallory").await,
    ];
    for order in [[0, 1, 2], [2, 0, 1], [0, 2, 1]] {
        let all = Client::showing(&engine, order.map(|nth| all[nth].token()));
        assert_eq!(all.status().await, SessionStatus::Ambiguous);
    }
    let mut client = Client::showing(&engine, all.iter().map(Client::token));
    assert_eq!(client.does(|slot| slot.clear()).await, Said::Removed);
    for one in &all {
        assert_eq!(one.status().await, SessionStatus::Invalid);
    }
}

#[tokio::test]
async fn who_asks_whether_a_session_is_live_or_fresh_is_told_of_its_end_at_once() {
    let world = World::new();
    let engine = engine(&world);
    let client = log_in(&engine, "alice").await;
    let open = client.open().await;
    assert!(open.still_live().await.unwrap());
    assert!(open.is_fresh(mins(5)).await.unwrap());
    world.storage.calls();
    engine.revoke_all(&alice()).await.unwrap();
    assert!(!open.still_live().await.unwrap());
    assert!(!open.is_fresh(mins(5)).await.unwrap());
    let asked = world.storage.calls();
    assert!(!asked.contains(&Load), "no copy will do: {asked:?}");
}

#[tokio::test]
async fn of_requests_that_take_one_session_exactly_one_gets_it() {
    let world = World::new();
    let engine = engine(&world);
    let mut client = log_in(&engine, "alice").await;
    let slots: [Slot<Login>; 3] = [client.open().await, client.open().await, client.open().await];
    let mut values = Vec::new();
    for slot in &slots {
        values.extend(slot.take().await.unwrap());
        assert_eq!(slot.get(), None);
    }
    assert_eq!(values.len(), 1);
    assert_eq!(client.ends(&slots[2]).await.unwrap(), Said::Removed);
}

#[tokio::test]
async fn of_requests_that_take_one_session_at_the_same_time_exactly_one_gets_it() {
    let world = World::new();
    let client = log_in(&engine(&world), "alice").await;
    let (slow, fast) = (client.open().await, client.open().await);
    // Both have seen that it is there.
    world.storage.before(Create, move |_, _| {
        assert!(at_once(fast.take()).unwrap().is_some());
    });
    assert_eq!(slow.take().await.unwrap(), None);
    assert_eq!(slow.status(), SessionStatus::Ended);
}

#[tokio::test]
async fn who_takes_a_session_whose_others_were_ended_gets_nothing() {
    let world = World::new();
    let engine = engine(&world);
    let mut client = log_in(&engine, "alice").await;
    let slot = client.open().await;
    engine.revoke_all(&alice()).await.unwrap();
    assert_eq!(slot.take().await.unwrap(), None);
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Removed);
}

#[tokio::test]
async fn a_session_that_is_remembered_can_be_ended_for_all_of_its_life() {
    let world = World::new();
    let engine = engine(&world);
    let mut client = Client::new(&engine);
    client
        .does(|slot| {
            slot.remember(hours(24 * 400))?;
            slot.start(login("alice", 1))
        })
        .await;
    world.pass(hours(24 * 399));
    assert_eq!(client.status().await, SessionStatus::Live);
    engine.revoke_all(&alice()).await.unwrap();
    assert_eq!(client.status().await, SessionStatus::Invalid);
}
