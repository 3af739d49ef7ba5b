//! The sessions of a principal: found, ended, and never more than allowed.

use std::sync::Arc;

use sessions_core::{
    ConfigError, Principal, PublicId, SessionError,
    engine::{Engine, SessionInfo, SessionStatus},
    options::{Options, OverLimit},
    protection::Encrypted,
    storage::MemoryStorage,
};

use crate::support::{
    Checked, Client, Create, Delete, Fault, Latest, Login, Said, World, at_once, hours, key_of, login, mins,
    nobody, ring, secs,
};

fn indexed(world: &World) -> Engine<Login> {
    limited(world, None)
}

fn limited(world: &World, limit: Option<(usize, OverLimit)>) -> Engine<Login> {
    world.storage.keep_index();
    world.server_with(|options| match limit {
        Some((sessions, beyond)) => options.max_per_principal(sessions, beyond),
        None => options,
    })
}

fn alice() -> Principal {
    Principal::new("alice")
}

async fn log_in(engine: &Engine<Login>, user: &str) -> Client<Login> {
    let mut client = Client::new(engine);
    assert_eq!(client.does(|slot| slot.start(login(user, 1))).await, Said::Sent);
    client
}

async fn listed(engine: &Engine<Login>, user: &str) -> Vec<PublicId> {
    let sessions = engine.list(&Principal::new(user)).await.unwrap();
    sessions.into_iter().map(|session| session.public_id).collect()
}

async fn id(client: &Client<Login>) -> PublicId {
    client.open().await.public_id().unwrap()
}

#[tokio::test]
async fn a_list_shows_a_principals_sessions_and_nobody_elses() {
    let world = World::new();
    let engine = indexed(&world);
    let mut first = Client::new(&engine);
    first
        .does(|slot| {
            slot.label("Firefox on Linux")?;
            slot.start(login("alice", 1))
        })
        .await;
    let created = sessions_core::Clock::now(&world.clock);
    world.pass(mins(5));
    let second = log_in(&engine, "alice").await;
    log_in(&engine, "bob").await;
    first.reads().await;
    let now = sessions_core::Clock::now(&world.clock);

    let sessions = engine.list(&alice()).await.unwrap();
    assert_eq!(
        sessions[0],
        SessionInfo {
            public_id: id(&first).await,
            created,
            authenticated: Some(created),
            last_seen: now,
            expires: now.after(mins(30)),
            label: Some("Firefox on Linux".into()),
        }
    );
    assert_eq!(sessions[1].public_id, id(&second).await);
    assert_eq!((sessions.len(), sessions[1].label.clone()), (2, None));
    assert_eq!(listed(&engine, "bob").await.len(), 1);
    assert_eq!(listed(&engine, "nobody").await, []);
    assert_eq!(engine.count().await.unwrap(), 3);
}

#[tokio::test]
async fn revoke_all_ends_a_principals_sessions_and_no_others() {
    let world = World::new();
    let engine = indexed(&world);
    let clients = [log_in(&engine, "alice").await, log_in(&engine, "alice").await];
    let bob = log_in(&engine, "bob").await;
    assert_eq!(engine.revoke_all(&alice()).await.unwrap(), 2);
    for client in &clients {
        assert_eq!(client.status().await, SessionStatus::Invalid);
    }
    assert_eq!(bob.status().await, SessionStatus::Live);
    assert_eq!(listed(&engine, "alice").await, []);
    assert_eq!(engine.revoke_all(&alice()).await.unwrap(), 0);
}

#[tokio::test]
async fn revoke_others_keeps_the_one_that_is_named() {
    let world = World::new();
    let engine = indexed(&world);
    let mine = log_in(&engine, "alice").await;
    let other = log_in(&engine, "alice").await;
    let keep = id(&mine).await;
    assert_eq!(engine.revoke_others(&alice(), &keep).await.unwrap(), 1);
    assert_eq!(mine.status().await, SessionStatus::Live);
    assert_eq!(other.status().await, SessionStatus::Invalid);
    assert_eq!(listed(&engine, "alice").await, [keep]);
}

#[tokio::test]
async fn revoke_everyone_ends_the_sessions_of_this_name() {
    let world = World::new();
    let engine = indexed(&world);
    let users: Vec<_> = (0..30).map(|user| user.to_string()).collect();
    for user in &users {
        log_in(&engine, user).await;
    }
    let mut visitor = Client::new(&engine);
    visitor.does(|slot| slot.set(nobody(1))).await;
    assert_eq!(engine.revoke_everyone().await.unwrap(), 31);
    assert_eq!(engine.count().await.unwrap(), 0);
    assert_eq!(visitor.status().await, SessionStatus::Invalid);
    assert_eq!(listed(&engine, "7").await, []);
}

#[tokio::test]
async fn the_index_is_right_after_whatever_ends_a_session() {
    let world = World::new();
    let engine = indexed(&world);
    let mut cleared = log_in(&engine, "alice").await;
    let mut taken = log_in(&engine, "alice").await;
    let mut restarted = log_in(&engine, "alice").await;
    let mut handed_over = log_in(&engine, "alice").await;
    let revoked = log_in(&engine, "alice").await;
    let mut rotated = log_in(&engine, "alice").await;
    assert_eq!(listed(&engine, "alice").await.len(), 6);

    cleared.does(|slot| slot.clear()).await;
    taken.runs(async |slot| drop(slot.take().await.unwrap())).await;
    restarted.does(|slot| slot.start(login("alice", 2))).await;
    handed_over.does(|slot| slot.set(login("bob", 2))).await;
    assert!(engine.revoke(&id(&revoked).await).await.unwrap());
    rotated.does(|slot| slot.rotate_id()).await;

    let mut expected = [id(&restarted).await, id(&rotated).await];
    let mut found = listed(&engine, "alice").await;
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(listed(&engine, "bob").await, [id(&handed_over).await]);

    world.pass(mins(30));
    assert_eq!(listed(&engine, "alice").await, []);
}

#[tokio::test]
async fn a_session_of_nobody_is_in_no_list_until_it_is_somebodys() {
    let world = World::new();
    let engine = indexed(&world);
    let mut client = Client::new(&engine);
    client.does(|slot| slot.set(nobody(1))).await;
    assert_eq!(listed(&engine, "alice").await, []);
    client.does(|slot| slot.set(login("alice", 1))).await;
    assert_eq!(listed(&engine, "alice").await, [id(&client).await]);
    let mut inserted = Client::new(&engine);
    inserted
        .runs(async |slot| {
            slot.update_or_insert_with(|| login("alice", 1), |_| ())
                .await
                .unwrap();
        })
        .await;
    assert_eq!(listed(&engine, "alice").await.len(), 2);
}

#[tokio::test]
async fn beyond_the_limit_the_oldest_session_goes() {
    let world = World::new();
    let engine = limited(&world, Some((2, OverLimit::EvictOldest)));
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(log_in(&engine, "alice").await);
        world.pass(secs(1));
    }
    let statuses = [
        clients[0].status().await,
        clients[1].status().await,
        clients[2].status().await,
        clients[3].status().await,
    ];
    use SessionStatus::{Invalid, Live};
    assert_eq!(statuses, [Invalid, Invalid, Live, Live]);
    assert_eq!(listed(&engine, "alice").await.len(), 2);
}

#[tokio::test]
async fn a_login_beyond_the_limit_looks_at_no_more_sessions_than_may_stay() {
    let world = World::new();
    let without = indexed(&world);
    for _ in 0..20 {
        log_in(&without, "alice").await;
        world.pass(secs(1));
    }
    let engine = limited(&world, Some((3, OverLimit::EvictOldest)));
    world.storage.calls();
    let newest = log_in(&engine, "alice").await;
    let calls = world.storage.calls();
    let count = |op| calls.iter().filter(|call| **call == op).count();
    assert_eq!((count(Latest), count(Delete)), (2, 18));
    let left = listed(&engine, "alice").await;
    assert_eq!((left.len(), left.last()), (3, Some(&id(&newest).await)));
}

#[tokio::test]
async fn beyond_the_limit_a_login_is_refused_until_another_session_ends() {
    let world = World::new();
    let engine = limited(&world, Some((2, OverLimit::Reject)));
    let mut one = log_in(&engine, "alice").await;
    let other = log_in(&engine, "alice").await;
    let mut third = Client::new(&engine);
    let refused = async |third: &mut Client<Login>| {
        let slot = third.open().await;
        slot.start(login("alice", 1)).unwrap();
        matches!(third.ends(&slot).await, Err(SessionError::LimitReached))
    };
    assert!(refused(&mut third).await);
    assert!(!third.has_token());
    assert_eq!(engine.count().await.unwrap(), 2);
    // A new login in place of one's own is not one more.
    one.does(|slot| slot.start(login("alice", 2))).await;
    assert_eq!(other.status().await, SessionStatus::Live);
    one.does(|slot| slot.clear()).await;
    third.does(|slot| slot.start(login("alice", 1))).await;
    let mut fourth = Client::new(&engine);
    assert!(refused(&mut fourth).await);
    // Those that have expired do not count, whoever has looked at them since.
    world.pass(mins(30));
    fourth.does(|slot| slot.start(login("alice", 1))).await;
    assert_eq!(listed(&engine, "alice").await, [id(&fourth).await]);
}

#[tokio::test]
async fn logins_at_once_leave_no_more_than_allowed() {
    for beyond in [OverLimit::EvictOldest, OverLimit::Reject] {
        let world = World::new();
        let engine = limited(&world, Some((3, beyond)));
        let logins = (0..16).map(|_| {
            let mut client = Client::new(&engine);
            tokio::spawn(async move {
                let slot = client.open().await;
                slot.start(login("alice", 1)).unwrap();
                match client.ends(&slot).await {
                    Ok(said) => assert_eq!(said, Said::Sent),
                    Err(error) => assert!(matches!(error, SessionError::LimitReached), "{error}"),
                }
            })
        });
        for login in logins.collect::<Vec<_>>() {
            login.await.unwrap();
        }
        assert_eq!(listed(&engine, "alice").await.len(), 3, "{beyond:?}");
        assert_eq!(engine.count().await.unwrap(), 3, "{beyond:?}");
    }
}

#[tokio::test]
async fn a_login_that_began_before_its_principals_sessions_were_ended_is_refused() {
    let world = World::new();
    let engine = indexed(&world);
    let mut client = Client::new(&engine);
    let slot = client.open().await;
    world.pass(secs(1));
    engine.revoke_all(&alice()).await.unwrap();
    slot.start(login("alice", 1)).unwrap();
    assert!(matches!(client.ends(&slot).await, Err(SessionError::Contended)));
    assert_eq!(engine.count().await.unwrap(), 0);
    log_in(&engine, "alice").await;
    assert_eq!(listed(&engine, "alice").await.len(), 1);
}

#[tokio::test]
async fn a_request_that_has_ended_all_sessions_may_start_one() {
    let world = World::new();
    let engine = indexed(&world);
    let mut client = Client::new(&engine);
    let slot = client.open().await;
    world.pass(secs(1));
    engine.revoke_all(&alice()).await.unwrap();
    slot.begin_anew(engine.now());
    slot.start(login("alice", 1)).unwrap();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    assert_eq!(listed(&engine, "alice").await, [id(&client).await]);
}

#[tokio::test]
async fn a_login_that_is_under_way_when_all_are_ended_ends_as_well() {
    let world = World::new();
    let engine = indexed(&world);
    let mut client = Client::new(&engine);
    let slot = client.open().await;
    slot.start(login("alice", 1)).unwrap();
    let other = world.other_node::<Login>();
    // The place is reserved, and the record not yet there.
    world.storage.before(Create, move |_, _| {
        assert_eq!(at_once(other.revoke_all(&alice())).unwrap(), 0);
    });
    assert!(matches!(client.ends(&slot).await, Err(SessionError::Contended)));
    assert_eq!(engine.count().await.unwrap(), 0);
    assert_eq!(listed(&engine, "alice").await, []);
}

#[tokio::test]
async fn a_login_whose_record_is_not_stored_gives_its_place_back() {
    let world = World::new();
    let engine = limited(&world, Some((1, OverLimit::Reject)));
    let mut client = Client::new(&engine);
    world.storage.fault(Create, Fault::Fail, 1);
    let slot = client.open().await;
    slot.start(login("alice", 1)).unwrap();
    assert!(matches!(
        client.ends(&slot).await,
        Err(SessionError::Unavailable(_))
    ));
    log_in(&engine, "alice").await;
}

#[tokio::test]
async fn a_login_whose_old_session_cannot_be_ended_leaves_nothing_new() {
    let world = World::new();
    let engine = indexed(&world);
    let mut client = log_in(&engine, "alice").await;
    let before = id(&client).await;
    let slot = client.open().await;
    slot.start(login("alice", 2)).unwrap();
    world.storage.fault(Delete, Fault::Fail, 1);
    assert!(client.ends(&slot).await.is_err());
    assert_eq!(listed(&engine, "alice").await, [before]);
    assert_eq!(engine.count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_member_whose_record_is_gone_is_dropped_when_it_is_met() {
    let world = World::new();
    let engine = limited(&world, Some((1, OverLimit::Reject)));
    let client = log_in(&engine, "alice").await;
    let now = sessions_core::Clock::now(&world.clock);
    let storage = world.storage.inner();
    // As after a crash between the two.
    assert!(
        at_once(sessions_core::SessionStorage::delete(
            storage,
            key_of(&client),
            now
        ))
        .unwrap()
    );
    log_in(&engine, "alice").await;
    assert_eq!(listed(&engine, "alice").await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_looked_up_says_so() {
    let world = World::new();
    let sealed = world.client_side::<Login>(&Encrypted::new(&ring(1)));
    assert!(matches!(
        sealed.list(&alice()).await.checked(),
        Err(SessionError::NotServerSide)
    ));
    assert!(matches!(
        sealed.revoke_all(&alice()).await.checked(),
        Err(SessionError::NotServerSide)
    ));
    // The spy keeps no index unless told.
    let plain = world.server::<Login>();
    assert!(matches!(
        plain.list(&alice()).await.checked(),
        Err(SessionError::NotIndexed)
    ));
    assert!(matches!(
        plain.count().await.checked(),
        Err(SessionError::NotIndexed)
    ));
    let options = Options::of::<Login>().max_per_principal(3, OverLimit::Reject);
    let refused = Engine::<Login>::server_side(&world.environment, world.storage.clone(), &options);
    assert!(matches!(refused, Err(ConfigError::Option { .. })));
    let options = Options::of::<Login>().max_per_principal(0, OverLimit::Reject);
    let refused = Engine::<Login>::server_side(&world.environment, Arc::new(MemoryStorage::new()), &options);
    assert!(matches!(refused, Err(ConfigError::Option { .. })));
}

#[tokio::test]
async fn applications_that_share_a_storage_do_not_see_one_anothers_sessions() {
    let mut world = World::new();
    let shop = indexed(&world);
    world.environment.application = "forum".into();
    let forum = indexed(&world);
    log_in(&shop, "alice").await;
    let there = log_in(&forum, "alice").await;
    assert_eq!(listed(&shop, "alice").await.len(), 1);
    assert_eq!(shop.revoke_everyone().await.unwrap(), 1);
    assert_eq!(there.status().await, SessionStatus::Live);
    assert_eq!(
        (shop.count().await.unwrap(), forum.count().await.unwrap()),
        (0, 1)
    );
    world.pass(hours(1));
    assert_eq!(forum.count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_session_is_ended_by_its_id_for_its_own_principal_alone() {
    let world = World::new();
    let engine = indexed(&world);
    let (alice, mut guest) = (log_in(&engine, "alice").await, Client::new(&engine));
    guest.does(|slot| slot.set(nobody(1))).await;
    let (hers, nobodys) = (id(&alice).await, id(&guest).await);
    for (who, whose) in [
        ("bob", &hers),
        ("", &hers),
        ("alice", &nobodys),
        ("bob", &nobodys),
    ] {
        assert!(!engine.revoke_of(&Principal::new(who), whose).await.unwrap());
    }
    assert_eq!(alice.status().await, SessionStatus::Live);
    assert_eq!(guest.status().await, SessionStatus::Live);
    assert!(engine.revoke_of(&self::alice(), &hers).await.unwrap());
    assert_eq!(alice.status().await, SessionStatus::Invalid);
    assert_eq!(listed(&engine, "alice").await, []);
    assert!(
        !engine.revoke_of(&self::alice(), &hers).await.unwrap(),
        "only once"
    );
}

#[tokio::test]
async fn a_label_is_cut_at_a_character_within_256_bytes() {
    let world = World::new();
    let engine = indexed(&world);
    for (text, kept) in [
        ("", 0),
        ("Firefox on Linux", 16),
        (&*"x".repeat(256), 256),
        (&*"x".repeat(10_000), 256),
        (&*"\u{20AC}".repeat(100), 255),
    ] {
        let mut client = Client::new(&engine);
        client
            .does(|slot| {
                slot.label(text)?;
                slot.start(login("alice", 1))
            })
            .await;
        let label = world.record(&client).unwrap().label.clone().unwrap();
        assert_eq!((label.len(), text.starts_with(&*label)), (kept, true));
    }
}

#[tokio::test]
async fn an_eviction_that_fails_leaves_the_client_what_it_has() {
    let world = World::new();
    let engine = limited(&world, Some((1, OverLimit::EvictOldest)));
    let other = log_in(&engine, "alice").await;
    let mut client = Client::new(&engine);
    client.does(|slot| slot.set(nobody(1))).await;
    let guest = id(&client).await;
    let slot = client.open().await;
    slot.start(login("alice", 2)).unwrap();
    world.storage.fault(Delete, Fault::Fail, 1);
    assert!(client.ends(&slot).await.is_err());
    assert_eq!(
        client.open().await.public_id(),
        Some(guest),
        "its old session is there"
    );
    assert_eq!(listed(&engine, "alice").await, [id(&other).await]);
}

#[tokio::test]
async fn a_login_in_place_of_ones_own_session_evicts_nobody() {
    let world = World::new();
    let engine = limited(&world, Some((2, OverLimit::EvictOldest)));
    let other = log_in(&engine, "alice").await;
    world.pass(secs(1));
    let mut client = log_in(&engine, "alice").await;
    world.pass(secs(1));
    client.does(|slot| slot.start(login("alice", 2))).await;
    assert_eq!(
        listed(&engine, "alice").await,
        [id(&other).await, id(&client).await]
    );
}

#[tokio::test]
async fn a_session_that_this_version_cannot_read_keeps_its_place_and_can_be_ended() {
    let world = World::new();
    let engine = limited(&world, Some((1, OverLimit::Reject)));
    let client = log_in(&engine, "alice").await;
    let newer = id(&client).await;
    let unreadable = || world.storage.fault(Latest, Fault::Unreadable, 1);
    unreadable();
    assert_eq!(
        listed(&engine, "alice").await,
        [],
        "there is nothing to be shown of it"
    );
    let mut second = Client::new(&engine);
    let slot = second.open().await;
    slot.start(login("alice", 1)).unwrap();
    unreadable();
    assert!(matches!(
        second.ends(&slot).await,
        Err(SessionError::LimitReached)
    ));
    assert_eq!(client.status().await, SessionStatus::Live);
    unreadable();
    assert!(!engine.revoke_of(&Principal::new("bob"), &newer).await.unwrap());
    unreadable();
    assert!(engine.revoke_of(&alice(), &newer).await.unwrap());
    assert_eq!(client.status().await, SessionStatus::Invalid);
    assert_eq!(listed(&engine, "alice").await, []);

    let client = log_in(&engine, "alice").await;
    unreadable();
    assert_eq!(listed(&engine, "alice").await, []);
    assert_eq!(engine.revoke_all(&alice()).await.unwrap(), 1);
    assert_eq!(client.status().await, SessionStatus::Invalid);
}

#[tokio::test]
async fn a_clock_that_was_ahead_locks_nobody_out_when_it_is_set_right() {
    let world = World::new();
    let engine = indexed(&world);
    let right = sessions_core::Clock::now(&world.clock);
    world.pass(hours(24 * 365));
    log_in(&engine, "alice").await;
    engine.revoke_all(&alice()).await.unwrap();
    world.clock.set(right);
    log_in(&engine, "alice").await;
    assert_eq!(listed(&engine, "alice").await.len(), 1);
}
