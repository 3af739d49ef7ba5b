//! What a listener is told: each thing once, after it has happened, with the public id and never a secret.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use sessions_core::{
    Principal, PublicId, RequestView, SessionError,
    engine::{SessionStatus, Slot},
    events::{
        Rejection, Revocation, SessionEvent,
        SessionEventKind::{self as Kind, *},
        Staleness,
    },
    options::{OnReuse, OverLimit},
    protection::Encrypted,
};

use crate::support::{
    Client, Delete, Fault, Login, Note, ReplaceEpoch, World, days, decode, encode, hours, login, mins, ring,
    secs,
};

type Event = (Kind, Option<PublicId>, Option<IpAddr>);

/// What was told, in order.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Event>>>);

impl Told {
    /// A world whose events are written down.
    fn world() -> (World, Self) {
        let mut world = World::new();
        let told = Self::default();
        let to = told.clone();
        world.environment.listener = Some(Arc::new(move |event: &SessionEvent<'_>| {
            assert!(["login", "note"].contains(&event.session), "{event:?}");
            leaks::check("an event", format!("{event:?} {}", event.kind).as_bytes());
            let told = (event.kind, event.public_id.cloned(), event.peer);
            to.0.lock().unwrap().push(told);
        }));
        (world, told)
    }

    /// What was told since it was last asked.
    fn kinds(&self) -> Vec<Kind> {
        let told = std::mem::take(&mut *self.0.lock().unwrap());
        told.into_iter().map(|(kind, ..)| kind).collect()
    }

    /// The same, with ids.
    fn with_ids(&self) -> Vec<(Kind, Option<PublicId>)> {
        let told = std::mem::take(&mut *self.0.lock().unwrap());
        told.into_iter().map(|(kind, id, _)| (kind, id)).collect()
    }
}

struct From(&'static str);

impl RequestView for From {
    fn header(&self, _: &str) -> Option<&[u8]> {
        None
    }

    fn peer_addr(&self) -> Option<IpAddr> {
        Some(self.0.parse().unwrap())
    }
}

async fn id(client: &Client<Login>) -> Option<PublicId> {
    client.open().await.public_id()
}

#[tokio::test]
async fn a_life_is_told_from_its_beginning_to_its_end() {
    let (world, told) = Told::world();
    let engine = world.server_with::<Login>(|options| options.renew_every(mins(10)));
    let mut client = Client::new(&engine);
    client.does(|slot| slot.start(login("alice", 1))).await;
    let alice = id(&client).await;
    assert_eq!(told.with_ids(), [(Created, alice.clone())]);
    client.does(|slot| slot.set(login("alice", 2))).await;
    client.reads().await;
    assert_eq!(told.kinds(), [], "use is no event");
    world.pass(mins(10));
    client.reads().await;
    assert_eq!(told.kinds(), [], "a successor was sent, and has not come back");
    client.reads().await;
    assert_eq!(told.with_ids(), [(Renewed, alice.clone())]);
    client.does(|slot| slot.rotate_id()).await;
    assert_eq!(told.with_ids(), [(Rotated, alice.clone())]);
    client.does(|slot| slot.clear()).await;
    assert_eq!(told.with_ids(), [(Cleared, alice)]);
}

#[tokio::test]
async fn a_login_in_place_of_a_session_is_the_end_of_that() {
    let (world, told) = Told::world();
    let mut client = world.alice(&world.server()).await;
    let old = id(&client).await;
    told.kinds();
    client.does(|slot| slot.start(login("alice", 2))).await;
    let new = id(&client).await;
    assert_eq!(told.with_ids(), [(Cleared, old), (Created, new.clone())]);
    client.runs(async |slot| drop(slot.take().await.unwrap())).await;
    assert_eq!(told.with_ids(), [(Cleared, new)]);
}

#[tokio::test]
async fn a_sealed_life_is_told_as_well() {
    let (world, told) = Told::world();
    let engine = world.client_side::<Login>(&Encrypted::new(&ring(1)));
    let mut client = Client::new(&engine);
    client.does(|slot| slot.start(login("alice", 1))).await;
    let first = id(&client).await;
    assert_eq!(told.with_ids(), [(Created, first.clone())]);
    client.does(|slot| slot.rotate_id()).await;
    let second = id(&client).await;
    assert_ne!(first, second);
    assert_eq!(told.with_ids(), [(Rotated, second.clone())]);
    let copy = client.clone();
    client.does(|slot| slot.clear()).await;
    assert_eq!(told.with_ids(), [(Cleared, second.clone())]);
    world.pass(mins(30));
    assert_eq!(copy.status().await, SessionStatus::Invalid);
    assert_eq!(told.with_ids(), [(Expired, second)]);
}

#[tokio::test]
async fn an_end_is_told_once_whoever_comes_second() {
    let (world, told) = Told::world();
    world.storage.keep_index();
    let engine = world.server::<Login>();
    let mut client = world.alice(&engine).await;
    let alice = id(&client).await;
    let slot = client.open().await;
    told.kinds();
    engine.revoke(alice.as_ref().unwrap()).await.unwrap();
    assert_eq!(told.with_ids(), [(Revoked(Revocation::Asked), alice.clone())]);
    slot.clear().unwrap();
    client.ends(&slot).await.unwrap();
    engine.revoke(alice.as_ref().unwrap()).await.unwrap();
    assert_eq!(told.kinds(), []);
}

#[tokio::test]
async fn who_ended_a_session_is_told() {
    let (world, told) = Told::world();
    world.storage.keep_index();
    let engine = world.server_with::<Login>(|options| options.max_per_principal(2, OverLimit::EvictOldest));
    let oldest = world.alice(&engine).await;
    let evicted = id(&oldest).await;
    world.pass(secs(1));
    let other = world.alice(&engine).await;
    let other = id(&other).await;
    world.pass(secs(1));
    told.kinds();
    let newest = world.alice(&engine).await;
    let newest = id(&newest).await;
    assert_eq!(
        told.with_ids(),
        [(Revoked(Revocation::Evicted), evicted), (Created, newest.clone())]
    );
    let ended = engine.revoke_all(&Principal::new("alice")).await;
    assert_eq!(ended.unwrap(), 2);
    assert_eq!(
        told.with_ids(),
        [
            (Revoked(Revocation::Asked), other),
            (Revoked(Revocation::Asked), newest)
        ]
    );
}

#[tokio::test]
async fn a_login_beyond_the_limit_is_told() {
    let (world, told) = Told::world();
    world.storage.keep_index();
    let engine = world.server_with::<Login>(|options| options.max_per_principal(1, OverLimit::Reject));
    let _first = world.alice(&engine).await;
    told.kinds();
    let mut second = Client::new(&engine);
    let slot = second.open().await;
    slot.start(login("alice", 2)).unwrap();
    let refused = second.ends(&slot).await;
    assert!(matches!(refused, Err(SessionError::LimitReached)), "{refused:?}");
    assert_eq!(told.kinds(), [LimitReached]);
}

#[tokio::test]
async fn a_token_that_was_replaced_is_told_and_what_becomes_of_its_session() {
    let (world, told) = Told::world();
    let engine = world.server_with::<Login>(|options| options.on_reuse(OnReuse::Revoke));
    let mut client = world.alice(&engine).await;
    let alice = id(&client).await;
    let stolen = client.clone();
    client.does(|slot| slot.rotate_id()).await;
    told.kinds();
    assert_eq!(stolen.status().await, SessionStatus::Stale);
    assert_eq!(told.with_ids(), [(Stale(Staleness::Replaced), alice.clone())]);
    world.pass(mins(1));
    assert_eq!(stolen.status().await, SessionStatus::Stale);
    assert_eq!(
        told.with_ids(),
        [
            (Stale(Staleness::Replaced), alice.clone()),
            (Revoked(Revocation::Reused), alice)
        ]
    );
}

#[tokio::test]
async fn why_a_token_is_no_session_is_told() {
    let (world, told) = Told::world();
    let engine = world.server::<Login>();
    let mut client = world.alice(&engine).await;
    let alice = id(&client).await;
    let token = decode(client.token());
    told.kinds();

    Client::showing(&engine, ["no token"]).sees().await;
    assert_eq!(told.with_ids(), [(Rejected(Rejection::Malformed), None)]);

    let mut made_up = token.clone();
    made_up[47] ^= 1;
    Client::showing(&engine, [encode(&made_up)]).sees().await;
    assert_eq!(told.with_ids(), [(Rejected(Rejection::Forged), alice.clone())]);

    made_up[0] ^= 1;
    Client::showing(&engine, [encode(&made_up)]).sees().await;
    let claimed = PublicId::from_bytes(&made_up[..16]).ok();
    assert_eq!(told.with_ids(), [(Rejected(Rejection::Unknown), claimed)]);

    world.tamper(&client, |record| {
        record.payload = sessions_core::Payload::new([7; 3])
    });
    client.sees().await;
    assert_eq!(
        told.with_ids(),
        [(Rejected(Rejection::Undecodable), alice.clone())]
    );

    world.pass(hours(1));
    client.reads().await;
    assert_eq!(told.with_ids(), [(Rejected(Rejection::Unknown), alice)]);
}

#[tokio::test]
async fn of_an_unknown_token_no_more_is_told_than_what_can_be_no_secret() {
    let (world, told) = Told::world();
    let engine = world.server::<Login>();
    // The handle of such a token would reach into what is a secret where the token comes from.
    Client::showing(&engine, [encode(&[5; 17 + 32])]).sees().await;
    assert_eq!(told.with_ids(), [(Rejected(Rejection::Unknown), None)]);
}

#[tokio::test]
async fn tokens_that_are_of_no_use_here_are_told() {
    let (world, told) = Told::world();
    let sealing = world.client_side::<Login>(&Encrypted::new(&ring(1)));
    let mut client = Client::new(&sealing);
    client.does(|slot| slot.start(login("alice", 1))).await;
    told.kinds();

    let other = world.client_side::<Login>(&Encrypted::new(&ring(2)));
    client.at(&other).sees().await;
    assert_eq!(told.kinds(), [Stale(Staleness::UnknownKey)]);

    let engine = world.server::<Login>();
    let tokens = ["a", "b", "c", "d"].map(|text| text.repeat(8));
    Client::showing(&engine, tokens).sees().await;
    let rejected = Rejected(Rejection::Malformed);
    assert_eq!(
        told.kinds(),
        [Stale(Staleness::TooMany), rejected, rejected, rejected]
    );

    let (one, two) = (world.alice(&engine).await, world.alice(&engine).await);
    told.kinds();
    Client::showing(&engine, [one.token(), two.token()]).sees().await;
    assert_eq!(told.kinds(), [Ambiguous]);
}

#[tokio::test]
async fn a_write_that_is_dropped_is_told() {
    let (world, told) = Told::world();
    let engine = world.server::<Login>();
    let mut client = world.alice(&engine).await;
    let alice = id(&client).await;
    let slot = client.open().await;
    slot.set(login("alice", 2)).unwrap();
    engine.revoke(alice.as_ref().unwrap()).await.unwrap();
    told.kinds();
    client.ends(&slot).await.unwrap();
    assert_eq!(told.with_ids(), [(LostWrite, alice)]);
}

#[tokio::test]
async fn a_value_that_no_browser_would_keep_is_told() {
    let (world, told) = Told::world();
    let engine = world.client_side::<Note>(&Encrypted::new(&ring(1)));
    let slot = Client::new(&engine).open().await;
    let refused = slot.set(Note::new("x".repeat(5000)));
    assert!(matches!(refused, Err(SessionError::TooLargeForTransport { .. })));
    let kinds = told.kinds();
    assert!(matches!(kinds[..], [TooLarge { size: 4097.. }]), "{kinds:?}");
}

#[tokio::test]
async fn nothing_is_told_of_a_write_that_did_not_happen() {
    let (world, told) = Told::world();
    let engine = world.server::<Login>();
    let mut client = world.alice(&engine).await;
    told.kinds();
    world.storage.fault(Delete, Fault::Fail, 1);
    let slot = client.open().await;
    slot.clear().unwrap();
    client.ends(&slot).await.unwrap_err();
    world.storage.fault(ReplaceEpoch, Fault::Fail, 1);
    let slot = client.open().await;
    slot.set(login("alice", 2)).unwrap();
    client.ends(&slot).await.unwrap_err();
    assert_eq!(told.kinds(), []);
    world.storage.fault(Delete, Fault::LoseReply, 1);
    client.does(|slot| slot.clear()).await;
    assert_eq!(told.kinds(), [Cleared], "it has happened, which a load has shown");
}

#[tokio::test]
async fn a_listener_that_panics_stops_nothing() {
    let mut world = World::new();
    world.environment.listener = Some(Arc::new(|_: &SessionEvent<'_>| {
        panic!("a listener of little use")
    }));
    let heard = crate::support::listening();
    let engine = world.server::<Login>();
    let mut client = world.alice(&engine).await;
    let copy = client.clone();
    assert_eq!(client.sees().await.as_deref(), Some(&login("alice", 1)));
    client.does(|slot| slot.clear()).await;
    assert_eq!(copy.sees().await, None, "it has ended all the same");
    let errors = heard.errors();
    assert!(
        errors.iter().all(|line| line.contains("listener panicked")),
        "{errors:?}"
    );
    assert_eq!(errors.len(), 3, "created, cleared, rejected: {errors:?}");
}

#[tokio::test]
async fn the_peer_of_the_request_is_told() {
    let (world, told) = Told::world();
    let engine = world.server::<Login>();
    let mut client = Client::new(&engine);
    let slot = client.try_open(&From("192.0.2.7")).await.unwrap();
    slot.start(login("alice", 1)).unwrap();
    client.ends(&slot).await.unwrap();
    Client::showing(&engine, [encode(&[9; 48])])
        .try_open(&From("2001:db8::1"))
        .await
        .unwrap();
    world.pass(days(1));
    client.try_open(&From("192.0.2.8")).await.unwrap();
    let peers: Vec<_> = told
        .0
        .lock()
        .unwrap()
        .iter()
        .map(|(_, _, peer)| peer.unwrap().to_string())
        .collect();
    assert_eq!(peers, ["192.0.2.7", "2001:db8::1", "192.0.2.8"]);
}

#[tokio::test]
async fn a_throttle_keeps_tokens_from_being_looked_at_and_leaves_them_to_the_client() {
    let mut world = World::new();
    world.environment.throttle = Some(Arc::new(|request: &dyn RequestView| {
        request.peer_addr() != Some("192.0.2.7".parse().unwrap())
    }));
    let engine = world.server::<Login>();
    let client = world.alice(&engine).await;
    let refused = client.try_open(&From("192.0.2.7")).await;
    assert!(matches!(refused, Err(SessionError::Throttled)), "{refused:?}");
    assert_eq!(world.storage.calls(), [], "the storage was not asked");
    let slot = client.try_open(&From("192.0.2.8")).await.unwrap();
    assert_eq!(slot.status(), SessionStatus::Live);
    let nothing = Client::new(&engine).try_open(&From("192.0.2.7")).await.unwrap();
    assert_eq!(
        nothing.status(),
        SessionStatus::Absent,
        "who shows nothing is no guesser"
    );
}

#[tokio::test]
async fn the_end_of_sessions_that_clients_keep_is_told_where_they_can_be_ended() {
    let (world, told) = Told::world();
    let storage = world.storage.clone();
    let engine =
        world.client_side_with::<Login>(&Encrypted::new(&ring(1)), |options| options.revocable(storage));
    let mut client = Client::new(&engine);
    client.does(|slot| slot.start(login("alice", 1))).await;
    let first = id(&client).await;
    let behind = client.clone();
    client.does(|slot| slot.rotate_id()).await;
    let second = id(&client).await;
    assert_eq!(
        told.with_ids(),
        [(Created, first.clone()), (Rotated, second.clone())]
    );
    assert_eq!(behind.status().await, SessionStatus::Stale);
    assert_eq!(told.with_ids(), [(Stale(Staleness::Replaced), first)]);

    let copy = client.clone();
    client.does(|slot| slot.clear()).await;
    assert_eq!(copy.status().await, SessionStatus::Invalid);
    assert_eq!(
        told.with_ids(),
        [(Cleared, second.clone()), (Rejected(Rejection::Ended), second)]
    );

    client.does(|slot| slot.start(login("alice", 2))).await;
    let third = id(&client).await;
    told.kinds();
    engine.revoke(third.as_ref().unwrap()).await.unwrap();
    engine.revoke(third.as_ref().unwrap()).await.unwrap();
    assert_eq!(told.with_ids(), [(Revoked(Revocation::Asked), third)], "once");
    engine.revoke_all(&Principal::new("alice")).await.unwrap();
    assert_eq!(
        told.with_ids(),
        [(Revoked(Revocation::Asked), None)],
        "nobody knows which"
    );
}

#[tokio::test]
async fn a_listener_may_look_at_the_session_that_it_is_told_of() {
    let mut world = World::new();
    let slot: Arc<Mutex<Option<Slot<Note>>>> = Arc::default();
    let told = Told::default();
    let (seen, to) = (Arc::clone(&slot), told.clone());
    world.environment.listener = Some(Arc::new(move |event: &SessionEvent<'_>| {
        if let Some(slot) = &*seen.lock().unwrap() {
            let _ = slot.get();
        }
        let event = (event.kind, event.public_id.cloned(), event.peer);
        to.0.lock().unwrap().push(event);
    }));
    let engine = world.client_side::<Note>(&Encrypted::new(&ring(1)));
    let opened = Client::new(&engine).try_open(&From("192.0.2.7")).await.unwrap();
    *slot.lock().unwrap() = Some(opened.clone());
    let long = || Note::new("x".repeat(5000));
    opened.set(long()).unwrap_err();
    opened.start(long()).unwrap_err();
    opened.get_or_set_with(long).unwrap_err();
    opened.update_or_insert_with(long, |_| ()).await.unwrap_err();
    let peers: Vec<_> = told.0.lock().unwrap().iter().map(|(_, _, peer)| *peer).collect();
    assert_eq!(
        peers,
        [Some([192, 0, 2, 7].into()); 4],
        "each is told, with the peer"
    );
    opened.set(Note::new("short")).unwrap();
    opened
        .update(|note| note.text = "x".repeat(5000))
        .await
        .unwrap_err();
    assert_eq!(told.kinds().len(), 5);
}
