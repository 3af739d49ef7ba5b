//! What was known of a session's client when it began, and what the application makes of another one.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use sessions_core::{
    ClientContext, ContextVerdict, RequestView,
    engine::{Engine, SessionStatus, Slot},
    events::{Revocation, SessionEvent, SessionEventKind},
    protection::Encrypted,
};

use crate::support::{Client, Delete, Fault, Login, Said, World, decode, hours, login, mins, ring};

/// The browser that the request says it is of.
struct By(&'static str);

impl RequestView for By {
    fn header(&self, name: &str) -> Option<&[u8]> {
        (name == "user-agent").then_some(self.0.as_bytes())
    }

    fn peer_addr(&self) -> Option<IpAddr> {
        Some([192, 0, 2, 7].into())
    }
}

type Seen = Arc<Mutex<Vec<(Option<Vec<u8>>, Vec<u8>)>>>;

/// Says this of another browser than the one that has started the session.
#[derive(Clone)]
struct SameBrowser(ContextVerdict, Seen);

impl ClientContext for SameBrowser {
    fn observe(&self, request: &dyn RequestView) -> Vec<u8> {
        request.header("user-agent").unwrap_or_default().to_vec()
    }

    fn judge(&self, stored: Option<&[u8]>, observed: &[u8]) -> ContextVerdict {
        let mut seen = self.1.lock().unwrap();
        seen.push((stored.map(<[u8]>::to_vec), observed.to_vec()));
        match stored {
            Some(stored) if stored != observed => self.0,
            _ => ContextVerdict::Allow,
        }
    }
}

fn same_browser(verdict: ContextVerdict) -> SameBrowser {
    SameBrowser(verdict, Seen::default())
}

/// Sessions by id and by value, with this hook.
fn both(world: &World, hook: &SameBrowser) -> [Engine<Login>; 2] {
    [
        world.server_with(|options| options.client_context(hook.clone())),
        world.client_side_with(&Encrypted::new(&ring(1)), |options| {
            options.client_context(hook.clone())
        }),
    ]
}

async fn open(client: &Client<Login>, by: &'static str) -> Slot<Login> {
    client.try_open(&By(by)).await.unwrap()
}

/// Alice's session, started by a fox.
async fn alice(engine: &Engine<Login>) -> Client<Login> {
    let mut client = Client::new(engine);
    let slot = open(&client, "fox").await;
    slot.start(login("alice", 1)).unwrap();
    assert_eq!(client.ends(&slot).await.unwrap(), Said::Sent);
    client
}

#[tokio::test]
async fn what_was_observed_at_the_login_is_compared_with_every_later_request() {
    let world = World::new();
    let hook = same_browser(ContextVerdict::StepUp);
    for engine in both(&world, &hook) {
        let mut client = alice(&engine).await;
        assert_eq!(
            hook.1.lock().unwrap().drain(..).count(),
            0,
            "no session, nothing to judge"
        );
        for by in ["fox", "cat"] {
            let slot = open(&client, by).await;
            assert_eq!(slot.get().as_deref(), Some(&login("alice", 1)));
            client.ends(&slot).await.unwrap();
        }
        let fox = Some(b"fox".to_vec());
        let seen: Vec<_> = hook.1.lock().unwrap().drain(..).collect();
        assert_eq!(seen, [(fox.clone(), b"fox".to_vec()), (fox, b"cat".to_vec())]);
    }
}

#[tokio::test]
async fn no_later_write_changes_what_was_observed_at_the_login() {
    let world = World::new();
    let hook = same_browser(ContextVerdict::StepUp);
    for engine in both(&world, &hook) {
        let mut client = alice(&engine).await;
        for change in [
            |slot: &Slot<Login>| slot.set(login("alice", 2)),
            |slot: &Slot<Login>| slot.rotate_id(),
            |slot: &Slot<Login>| slot.renew_id(),
        ] {
            let slot = open(&client, "cat").await;
            change(&slot).unwrap();
            client.ends(&slot).await.unwrap();
        }
        let slot = open(&client, "cat").await;
        slot.update(|value| value.visits += 1).await.unwrap();
        client.ends(&slot).await.unwrap();
        world.pass(mins(10));
        let slot = open(&client, "cat").await;
        client.ends(&slot).await.unwrap();
        assert!(open(&client, "cat").await.needs_step_up());
        assert!(!open(&client, "fox").await.needs_step_up());
    }
}

#[tokio::test]
async fn a_step_up_leaves_the_session_and_takes_its_freshness_until_the_next_login() {
    let world = World::new();
    for engine in both(&world, &same_browser(ContextVerdict::StepUp)) {
        let mut client = alice(&engine).await;
        let slot = open(&client, "fox").await;
        assert!(slot.is_fresh(hours(1)).await.unwrap());
        let slot = open(&client, "cat").await;
        assert_eq!(slot.status(), SessionStatus::Live);
        assert!(slot.needs_step_up());
        assert!(!slot.is_fresh(hours(1)).await.unwrap());
        slot.set(login("alice", 2)).unwrap();
        assert!(slot.needs_step_up(), "a write proves nothing");
        slot.start(login("alice", 3)).unwrap();
        assert!(!slot.needs_step_up());
        assert!(slot.is_fresh(hours(1)).await.unwrap());
        client.ends(&slot).await.unwrap();
        assert!(!slot.needs_step_up());
        assert!(
            open(&client, "cat").await.is_fresh(hours(1)).await.unwrap(),
            "it is the cat's now"
        );
        assert!(open(&client, "fox").await.needs_step_up());
    }
}

#[tokio::test]
async fn a_revocation_ends_the_session_for_everybody_and_is_told() {
    let mut world = World::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&told);
    world.environment.listener = Some(Arc::new(move |event: &SessionEvent<'_>| {
        to.lock()
            .unwrap()
            .push((event.kind, event.public_id.cloned(), event.peer));
    }));
    let [engine, _] = both(&world, &same_browser(ContextVerdict::Revoke));
    let client = alice(&engine).await;
    let id = open(&client, "fox").await.public_id();
    let mut thief = client.clone();
    told.lock().unwrap().clear();
    let slot = open(&thief, "cat").await;
    assert_eq!((slot.get(), slot.status()), (None, SessionStatus::Invalid));
    assert_eq!(thief.ends(&slot).await.unwrap(), Said::Removed);
    let revoked = SessionEventKind::Revoked(Revocation::Context);
    assert_eq!(
        *told.lock().unwrap(),
        [(revoked, id, Some([192, 0, 2, 7].into()))]
    );
    assert_eq!(
        open(&client, "fox").await.get(),
        None,
        "its own client has to log in again"
    );
    assert!(world.record(&client).is_none());
}

#[tokio::test]
async fn a_revocation_that_the_storage_refuses_is_an_error_and_no_session() {
    let world = World::new();
    let [engine, _] = both(&world, &same_browser(ContextVerdict::Revoke));
    let client = alice(&engine).await;
    world.storage.fault(Delete, Fault::Fail, 1);
    assert!(client.try_open(&By("cat")).await.is_err());
    assert!(world.record(&client).is_some());
    let slot = open(&client, "cat").await;
    assert_eq!(slot.get(), None, "the next one ends it");
    assert!(world.record(&client).is_none());
}

#[tokio::test]
async fn what_the_client_keeps_is_taken_from_the_one_that_shows_it() {
    let world = World::new();
    let [_, engine] = both(&world, &same_browser(ContextVerdict::Revoke));
    let client = alice(&engine).await;
    let mut thief = client.clone();
    let slot = open(&thief, "cat").await;
    assert_eq!(slot.get(), None);
    assert_eq!(thief.ends(&slot).await.unwrap(), Said::Removed);
}

#[tokio::test]
async fn sessions_of_before_there_was_a_hook_are_judged_without_what_was_not_stored() {
    let world = World::new();
    let hook = same_browser(ContextVerdict::Revoke);
    let before = [world.server(), world.client_side(&Encrypted::new(&ring(1)))];
    for (before, engine) in before.iter().zip(both(&world, &hook)) {
        let client = alice(before).await.at(&engine);
        assert_eq!(open(&client, "cat").await.status(), SessionStatus::Live);
        let seen: Vec<_> = hook.1.lock().unwrap().drain(..).collect();
        assert_eq!(seen, [(None, b"cat".to_vec())]);
    }
}

#[tokio::test]
async fn without_a_hook_what_was_stored_is_kept_and_nobody_asks() {
    let world = World::new();
    let hook = same_browser(ContextVerdict::StepUp);
    let without = [world.server(), world.client_side(&Encrypted::new(&ring(1)))];
    for (engine, without) in both(&world, &hook).iter().zip(&without) {
        let mut elsewhere = alice(engine).await.at(without);
        let slot = open(&elsewhere, "cat").await;
        assert!(!slot.needs_step_up());
        slot.set(login("alice", 7)).unwrap();
        elsewhere.ends(&slot).await.unwrap();
        assert!(open(&elsewhere.at(engine), "cat").await.needs_step_up());
    }
}

#[tokio::test]
async fn a_client_cannot_make_the_storage_keep_more_than_256_bytes() {
    let world = World::new();
    let hook = same_browser(ContextVerdict::Revoke);
    let long: &str = Box::leak("long ".repeat(100).into_boxed_str());
    for engine in both(&world, &hook) {
        let mut client = Client::new(&engine);
        let slot = open(&client, long).await;
        slot.start(login("alice", 1)).unwrap();
        client.ends(&slot).await.unwrap();
        assert_eq!(
            open(&client, long).await.status(),
            SessionStatus::Live,
            "and compares as many"
        );
        if engine.is_client_side() {
            assert!(decode(client.token()).len() < 600);
        } else {
            let record = world.record(&client).unwrap();
            assert_eq!(record.client_context.as_deref(), Some(&long.as_bytes()[..256]));
        }
    }
}

#[tokio::test]
async fn nothing_is_stored_of_the_client_without_a_hook() {
    let world = World::new();
    let engine = world.server();
    let client = alice(&engine).await;
    assert_eq!(world.record(&client).unwrap().client_context, None);
}

#[tokio::test]
async fn what_the_client_keeps_is_ended_for_everybody_where_it_can_be() {
    let world = World::new();
    let storage = world.storage.clone();
    let engine = world.client_side_with(&Encrypted::new(&ring(1)), |options| {
        let options = options.client_context(same_browser(ContextVerdict::Revoke));
        options.revocable(storage)
    });
    let client = alice(&engine).await;
    assert_eq!(open(&client, "fox").await.status(), SessionStatus::Live);
    assert_eq!(open(&client, "cat").await.status(), SessionStatus::Invalid);
    assert_eq!(open(&client, "fox").await.status(), SessionStatus::Invalid);
}
