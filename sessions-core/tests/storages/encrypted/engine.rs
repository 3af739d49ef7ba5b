//! The sessions of an application whose storage cannot read them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sessions_core::{
    KeyRing, ManualClock, Principal, Session, SessionError, SessionSpec, ToPrincipal,
    engine::{Engine, Environment, Opening, Outcome, SessionStatus, Slot, TokenAction},
    options::Options,
    serializer::Bincode,
    storage::{EncryptedStorage, MemoryStorage},
};

use super::{key, ring};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Login {
    user: String,
    visits: u32,
}

impl Session for Login {
    const SPEC: SessionSpec = SessionSpec::new("login");
    type Serializer = Bincode;

    fn principal(&self) -> Option<Principal> {
        self.user.to_principal()
    }
}

/// A node over these sessions, with these keys.
fn node(behind: &MemoryStorage, keys: &KeyRing) -> Engine<Login> {
    let environment = Environment {
        clock: Arc::new(ManualClock::default()),
        ..Environment::default()
    };
    let storage = EncryptedStorage::new(behind.clone(), keys).unwrap();
    Engine::server_side(&environment, Arc::new(storage), &Options::of::<Login>()).unwrap()
}

/// What a client keeps.
#[derive(Default)]
struct Client(Option<String>);

impl Client {
    async fn open(&self, at: &Engine<Login>) -> Result<Slot<Login>, SessionError> {
        let opened = match at.open(self.0.iter().map(String::as_bytes), &()) {
            Opening::Ready(slot) => Ok(slot),
            Opening::Loading(loading) => loading.finish().await,
            Opening::Failed(error) => Err(error),
        };
        opened.inspect_err(|error| leaks::check_error(error))
    }

    async fn does(&mut self, at: &Engine<Login>, handler: impl AsyncFnOnce(&Slot<Login>)) {
        let slot = self.open(at).await.unwrap();
        handler(&slot).await;
        match slot.commit(Outcome::Answered).await.unwrap() {
            TokenAction::Keep => {}
            TokenAction::Send { token, .. } => {
                leaks::remember_token(token.expose().as_bytes());
                self.0 = Some(token.expose().to_owned());
            }
            TokenAction::Remove { .. } => self.0 = None,
        }
    }

    async fn logs_in(at: &Engine<Login>, user: &str) -> Self {
        let mut client = Self::default();
        client
            .does(at, async |slot| {
                slot.label("a telephone").unwrap();
                let (user, visits) = (user.to_owned(), 1);
                slot.start(Login { user, visits }).unwrap();
            })
            .await;
        client
    }

    async fn visits(&self, at: &Engine<Login>) -> Option<u32> {
        self.open(at).await.unwrap().get().map(|login| login.visits)
    }
}

#[tokio::test]
async fn a_session_lives_through_all_that_can_happen_to_it() {
    let engine = node(&MemoryStorage::new(), &ring());
    let alice = Principal::new("alice");
    let mut client = Client::logs_in(&engine, "alice").await;
    let other = Client::logs_in(&engine, "alice").await;
    let bob = Client::logs_in(&engine, "bob").await;
    assert_eq!(client.visits(&engine).await, Some(1));
    client
        .does(&engine, async |slot| {
            slot.update(|login| login.visits += 1).await.unwrap().unwrap();
        })
        .await;
    assert_eq!(client.visits(&engine).await, Some(2));
    client
        .does(&engine, async |slot| {
            let user = "alice".to_owned();
            slot.set(Login { user, visits: 3 }).unwrap();
        })
        .await;
    assert_eq!(client.visits(&engine).await, Some(3));
    let before = client.0.clone();
    client.does(&engine, async |slot| slot.rotate_id().unwrap()).await;
    assert_ne!(client.0, before);
    assert_eq!(client.visits(&engine).await, Some(3));
    client.does(&engine, async |slot| slot.renew_id().unwrap()).await;
    assert_eq!(client.visits(&engine).await, Some(3));

    let listed = engine.list(&alice).await.unwrap();
    let labels = listed.iter().map(|session| session.label.as_deref());
    assert_eq!(labels.collect::<Vec<_>>(), [Some("a telephone"); 2]);
    let id = other.open(&engine).await.unwrap().public_id().unwrap();
    assert!(!engine.revoke_of(&Principal::new("bob"), &id).await.unwrap());
    assert!(engine.revoke_of(&alice, &id).await.unwrap());
    assert_eq!(engine.revoke_all(&alice).await.unwrap(), 1);
    assert_eq!(client.visits(&engine).await, None);
    assert_eq!(bob.visits(&engine).await, Some(1));
    assert_eq!(engine.revoke_everyone().await.unwrap(), 1);
}

#[tokio::test]
async fn a_node_without_the_key_answers_with_an_error_and_the_client_keeps_its_session() {
    let behind = MemoryStorage::new();
    let both = node(&behind, &KeyRing::new(key(1)).rotate(key(2)));
    let early = node(&behind, &KeyRing::new(key(1)));
    let client = Client::logs_in(&both, "alice").await;
    assert!(matches!(
        client.open(&early).await,
        Err(SessionError::Unavailable(_))
    ));
    assert_eq!(client.visits(&both).await, Some(1));
    // Somebody new, and the end of all of them, need no key that is missing.
    let new = Client::logs_in(&early, "alice").await;
    assert_eq!(new.visits(&early).await, Some(1));
    assert_eq!(early.revoke_all(&Principal::new("alice")).await.unwrap(), 2);
    assert_eq!(client.visits(&both).await, None);
}

#[tokio::test]
async fn a_session_under_a_revoked_key_is_over_and_its_token_removed() {
    let behind = MemoryStorage::new();
    let mut client = Client::logs_in(&node(&behind, &ring()), "alice").await;
    let after = node(&behind, &ring().rotate(key(2)).revoke(key(1).id()));
    let status = client.open(&after).await.unwrap().status();
    assert_eq!(status, SessionStatus::Invalid);
    client
        .does(&after, async |slot| assert_eq!(slot.get(), None))
        .await;
    assert_eq!(client.0, None);
    assert_eq!(
        Client::logs_in(&after, "alice").await.visits(&after).await,
        Some(1)
    );
}
