//! All sessions of a principal, all but one, and everyone's.

use sessions_core::{SessionError, engine::SessionStatus};

use super::{alice, engine, id, log_in};
use crate::support::{
    Checked, Client, Create, Login, ReplaceRevision, Said, World, at_once, login, mins, nobody, secs,
};

#[tokio::test]
async fn revoke_all_ends_a_principals_sessions_and_no_others() {
    let world = World::new();
    let engine = engine(&world);
    let alices = [log_in(&engine, "alice").await, log_in(&engine, "alice").await];
    let bob = log_in(&engine, "bob").await;
    let mut visitor = Client::new(&engine);
    visitor.does(|slot| slot.set(nobody(1))).await;
    engine.revoke_all(&alice()).await.unwrap();
    for client in &alices {
        assert_eq!(client.status().await, SessionStatus::Invalid);
    }
    assert_eq!(bob.status().await, SessionStatus::Live);
    assert_eq!(visitor.status().await, SessionStatus::Live);
}

#[tokio::test]
async fn a_login_after_all_were_ended_is_good_in_the_same_millisecond() {
    let world = World::new();
    let engine = engine(&world);
    for _ in 0..3 {
        engine.revoke_all(&alice()).await.unwrap();
        let client = log_in(&engine, "alice").await;
        assert_eq!(client.status().await, SessionStatus::Live);
        engine.revoke_all(&alice()).await.unwrap();
        assert_eq!(client.status().await, SessionStatus::Invalid);
    }
}

#[tokio::test]
async fn revoke_others_keeps_exactly_the_one_that_is_named() {
    let world = World::new();
    let engine = engine(&world);
    let mut mine = log_in(&engine, "alice").await;
    let other = log_in(&engine, "alice").await;
    let before = mine.clone();
    engine.revoke_others(&alice(), &id(&mine).await).await.unwrap();
    assert_eq!(other.status().await, SessionStatus::Invalid);
    for minutes in [0, 10] {
        world.pass(mins(minutes));
        mine.reads().await;
        assert_eq!(mine.status().await, SessionStatus::Live);
    }
    mine.does(|slot| slot.set(login("alice", 2))).await;
    assert_eq!(mine.does(|slot| slot.rotate_id()).await, Said::Sent);
    assert_eq!(mine.sees().await.unwrap().visits, 2);
    assert_eq!(before.status().await, SessionStatus::Stale);
    assert_eq!(other.status().await, SessionStatus::Invalid);
    // A new id is a session like any other.
    engine.revoke_all(&alice()).await.unwrap();
    assert_eq!(mine.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn a_request_may_end_its_principals_other_sessions_and_rotate_its_own_id() {
    let world = World::new();
    let engine = engine(&world);
    let mut mine = log_in(&engine, "alice").await;
    let (copy, other) = (mine.clone(), log_in(&engine, "alice").await);
    let keep = id(&mine).await;
    let said = mine
        .runs(async |slot| {
            slot.rotate_id().unwrap();
            world.pass(secs(1));
            engine.revoke_others(&alice(), &keep).await.unwrap();
        })
        .await;
    assert_eq!(said, Said::Sent);
    assert_eq!(mine.status().await, SessionStatus::Live);
    assert_eq!(copy.status().await, SessionStatus::Stale);
    assert_eq!(other.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn the_next_one_to_end_others_says_which_one_is_kept() {
    let world = World::new();
    let engine = engine(&world);
    let (one, two) = (log_in(&engine, "alice").await, log_in(&engine, "alice").await);
    let (first, second) = (id(&one).await, id(&two).await);
    engine.revoke_others(&alice(), &first).await.unwrap();
    let three = log_in(&engine, "alice").await;
    let third = id(&three).await;
    engine.revoke_others(&alice(), &first).await.unwrap();
    assert_eq!(one.status().await, SessionStatus::Live, "kept twice");
    assert_eq!(three.status().await, SessionStatus::Invalid);
    // Whoever keeps one that was ended does not bring it back.
    for ended in [&second, &third] {
        engine.revoke_others(&alice(), ended).await.unwrap();
        for client in [&one, &two, &three] {
            assert_eq!(client.status().await, SessionStatus::Invalid);
        }
    }
    engine.revoke_others(&alice(), &first).await.unwrap();
    assert_eq!(one.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn whoever_keeps_a_session_that_was_ended_does_not_bring_it_back() {
    let world = World::new();
    let engine = engine(&world);
    let client = log_in(&engine, "alice").await;
    let id = id(&client).await;
    // A request of it is under way, and asks for its others to be ended.
    engine.revoke_all(&alice()).await.unwrap();
    engine.revoke_others(&alice(), &id).await.unwrap();
    engine.revoke_others(&alice(), &id).await.unwrap();
    assert_eq!(client.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn revoke_everyone_ends_everyones_sessions_kept_ones_and_nobodys_too() {
    let world = World::new();
    let engine = engine(&world);
    let clients = [log_in(&engine, "alice").await, log_in(&engine, "bob").await];
    let mut visitor = Client::new(&engine);
    visitor.does(|slot| slot.set(nobody(1))).await;
    engine
        .revoke_others(&alice(), &id(&clients[0]).await)
        .await
        .unwrap();
    engine.revoke_everyone().await.unwrap();
    for client in clients.iter().chain([&visitor]) {
        assert_eq!(client.status().await, SessionStatus::Invalid);
    }
    let mut visitor = Client::new(&engine);
    visitor.does(|slot| slot.set(nobody(1))).await;
    assert_eq!(visitor.status().await, SessionStatus::Live);
    engine.revoke_everyone().await.unwrap();
    assert_eq!(visitor.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn whatever_was_ended_before_everything_ends_what_was_begun_since() {
    let world = World::new();
    let engine = engine(&world);
    for everyone_first in [true, false, true, false] {
        // All within one millisecond, so that each has only marks to go by.
        if everyone_first {
            engine.revoke_everyone().await.unwrap();
        }
        for _ in 0..3 {
            engine.revoke_all(&alice()).await.unwrap();
        }
        let client = log_in(&engine, "alice").await;
        assert_eq!(client.status().await, SessionStatus::Live);
        if everyone_first {
            engine.revoke_all(&alice()).await.unwrap();
        } else {
            engine.revoke_everyone().await.unwrap();
        }
        assert_eq!(client.status().await, SessionStatus::Invalid);
    }
}

#[tokio::test]
async fn a_login_that_began_before_is_refused_and_gets_no_token() {
    for everyone in [false, true] {
        let world = World::new();
        let engine = engine(&world);
        let mut client = Client::new(&engine);
        let slot = client.open().await;
        slot.start(login("alice", 1)).unwrap();
        let inserting = Client::new(&engine).open().await;
        world.pass(secs(1));
        if everyone {
            engine.revoke_everyone().await.unwrap();
        } else {
            engine.revoke_all(&alice()).await.unwrap();
        }
        let refused = client.ends(&slot).await;
        assert!(matches!(refused, Err(SessionError::Contended)));
        assert!(!client.has_token());
        let inserted = inserting
            .update_or_insert_with(|| login("alice", 1), |_| ())
            .await;
        assert!(matches!(inserted.checked(), Err(SessionError::Contended)));
        // Another principal's is refused only if it was everyone's.
        let mut bob = Client::new(&engine);
        assert_eq!(bob.does(|slot| slot.start(login("bob", 1))).await, Said::Sent);
        assert_eq!(log_in(&engine, "alice").await.status().await, SessionStatus::Live);
    }
}

#[tokio::test]
async fn a_request_that_has_ended_all_sessions_may_start_one() {
    let world = World::new();
    let engine = engine(&world);
    let mut client = log_in(&engine, "alice").await;
    let copy = client.clone();
    let slot = client.open().await;
    world.pass(secs(1));
    engine.revoke_all(&alice()).await.unwrap();
    slot.begin_anew(engine.now());
    slot.start(login("alice", 2)).unwrap();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    assert_eq!(client.status().await, SessionStatus::Live);
    assert_eq!(copy.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn a_login_that_was_answered_before_all_were_ended_is_ended_with_them() {
    for everyone in [false, true] {
        let world = World::new();
        let engine = engine(&world);
        let mut client = log_in(&engine, "alice").await;
        let slot = client.open().await;
        slot.start(login("alice", 2)).unwrap();
        // It has looked at what was ended, and only has its old session to end.
        let ending = engine.clone();
        world.storage.before(Create, move |_, _| {
            at_once(async {
                if everyone {
                    ending.revoke_everyone().await.unwrap();
                } else {
                    ending.revoke_all(&alice()).await.unwrap();
                }
            });
        });
        assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
        assert_eq!(client.status().await, SessionStatus::Invalid, "{everyone}");
    }
}

#[tokio::test]
async fn those_who_end_a_principals_sessions_at_once_all_do() {
    let world = World::new();
    let engine = engine(&world);
    let mine = log_in(&engine, "alice").await;
    let (keep, other) = (id(&mine).await, log_in(&engine, "alice").await);
    for op in [Create, ReplaceRevision] {
        let ending = engine.clone();
        world.storage.before(op, move |_, _| {
            at_once(ending.revoke_all(&alice())).unwrap();
        });
        engine.revoke_others(&alice(), &keep).await.unwrap();
        assert_eq!(other.status().await, SessionStatus::Invalid);
        assert_eq!(
            mine.status().await,
            SessionStatus::Invalid,
            "it was ended before it was kept"
        );
    }
}

#[tokio::test]
async fn a_value_that_fits_when_it_is_set_fits_when_sessions_were_ended_meanwhile() {
    let world = World::new();
    let engine = engine(&world);
    let user = "x".repeat(2880);
    let mut client = Client::new(&engine);
    let long = || Login {
        user: None,
        visits: u32::MAX,
    };
    let slot = client.open().await;
    slot.set(long()).unwrap();
    engine.revoke_everyone().await.unwrap();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    let mut client = Client::new(&engine);
    let slot = client.open().await;
    slot.set(login(&user, 1)).unwrap();
    let before = engine.revoke_everyone().await;
    before.unwrap();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    assert_eq!(client.sees().await.unwrap().user.as_deref(), Some(user.as_str()));
}
