//! Two releases at work on one session at the same time, and upgrades that panic.

use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Waker},
};

use serde::{Deserialize, Serialize};
use sessions_core::{
    Schema, Session, SessionError, SessionSpec, Upgrade,
    engine::{Engine, SessionStatus},
    protection::Encrypted,
    serializer::{Bincode, Json},
};

use crate::support::{Client, Said, World, ring};

const fn spec(version: u32) -> SessionSpec {
    let mut spec = SessionSpec::new("cart");
    spec.version = version;
    spec
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Old {
    items: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct New {
    items: Vec<u32>,
}

static BROKEN: AtomicBool = AtomicBool::new(false);

impl From<Old> for New {
    fn from(old: Old) -> Self {
        assert!(old.items != 13 || !BROKEN.load(Ordering::Relaxed), "not thirteen");
        Self {
            items: vec![old.items],
        }
    }
}

impl Session for Old {
    const SPEC: SessionSpec = spec(1);
    type Serializer = Bincode;
}

impl Session for New {
    const SPEC: SessionSpec = spec(2);
    type Serializer = Bincode;

    fn previous() -> Vec<Upgrade<Self>> {
        Upgrade::chain::<Old>()
    }
}

/// One client, by id, at both releases.
async fn both(world: &World) -> (Client<Old>, Client<New>) {
    let mut old = Client::new(&world.server());
    old.does(|slot| slot.set(Old { items: 7 })).await;
    let new = old.at(&world.server());
    (old, new)
}

#[tokio::test]
async fn an_update_on_an_old_node_finds_that_a_new_one_was_faster() {
    let world = World::new();
    let (old, mut new) = both(&world).await;
    let slot = old.open().await;
    new.runs(async |slot| {
        slot.update(|cart| cart.items.push(8)).await.unwrap();
    })
    .await;
    let updated = slot.update(|cart| cart.items += 1).await;
    assert!(matches!(updated, Err(SessionError::Foreign)), "{updated:?}");
    assert_eq!(new.sees().await.unwrap().items, [7, 8]);
}

#[tokio::test]
async fn a_set_with_a_rotation_on_an_old_node_leaves_what_a_new_one_has_written_meanwhile() {
    let world = World::new();
    let (mut old, mut new) = both(&world).await;
    let slot = old.open().await;
    new.runs(async |slot| {
        slot.update(|cart| cart.items.push(8)).await.unwrap();
    })
    .await;
    slot.set(Old { items: 9 }).unwrap();
    slot.rotate_id().unwrap();
    let ended = old.ends(&slot).await;
    assert!(matches!(ended, Err(SessionError::Foreign)), "{ended:?}");
    assert_eq!(new.sees().await.unwrap().items, [7, 8]);
}

#[tokio::test]
async fn a_take_on_an_old_node_leaves_what_a_new_one_has_written_meanwhile() {
    let world = World::new();
    let (old, mut new) = both(&world).await;
    let slot = old.open().await;
    new.runs(async |slot| {
        slot.update(|cart| cart.items.push(8)).await.unwrap();
    })
    .await;
    let taken = slot.take().await;
    assert!(matches!(taken, Err(SessionError::Foreign)), "{taken:?}");
    assert_eq!(new.sees().await.unwrap().items, [7, 8]);
}

#[tokio::test]
async fn a_set_on_an_old_node_leaves_what_a_new_one_has_written_meanwhile() {
    let world = World::new();
    let (mut old, mut new) = both(&world).await;
    let slot = old.open().await;
    new.runs(async |slot| {
        slot.update(|cart| cart.items.push(8)).await.unwrap();
    })
    .await;
    slot.set(Old { items: 1 }).unwrap();
    let ended = old.ends(&slot).await;
    assert!(matches!(ended, Err(SessionError::Foreign)), "{ended:?}");
    assert_eq!(new.sees().await.unwrap().items, [7, 8]);
}

#[tokio::test]
async fn an_upgrade_that_panics_destroys_nothing() {
    for by_id in [true, false] {
        let world = World::new();
        let protection = Encrypted::new(&ring(1));
        let engines: (Engine<Old>, Engine<New>) = if by_id {
            (world.server(), world.server())
        } else {
            (world.client_side(&protection), world.client_side(&protection))
        };
        let mut old = Client::new(&engines.0);
        old.does(|slot| slot.set(Old { items: 13 })).await;
        let new = old.at(&engines.1);
        BROKEN.store(true, Ordering::Relaxed);
        for _ in 0..2 {
            // Nothing here waits, so that one poll is all of it.
            let opened = std::panic::catch_unwind(AssertUnwindSafe(|| {
                let mut context = Context::from_waker(Waker::noop());
                pin!(new.status()).as_mut().poll(&mut context)
            }));
            assert!(opened.is_err(), "it has to be seen");
        }
        assert_eq!(old.sees().await, Some(Arc::new(Old { items: 13 })));
        BROKEN.store(false, Ordering::Relaxed);
        assert_eq!(new.status().await, SessionStatus::Live);
        assert_eq!(new.clone().sees().await.unwrap().items, [13]);
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Full {
    items: Vec<u32>,
}

/// The next release: nobody has raised the version for what is only left out when it is written.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Sparse {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    items: Vec<u32>,
}

impl Session for Full {
    const SPEC: SessionSpec = spec(1);
    type Serializer = Json;
}

impl Session for Sparse {
    const SPEC: SessionSpec = spec(1);
    type Serializer = Json;
}

#[tokio::test]
async fn what_names_its_fields_and_lacks_one_is_ignored_and_kept() {
    assert_eq!(Schema::of::<Full>(), Schema::of::<Sparse>());
    for by_id in [true, false] {
        let world = World::new();
        let protection = Encrypted::new(&ring(1));
        let engines: (Engine<Full>, Engine<Sparse>) = if by_id {
            (world.server(), world.server())
        } else {
            (world.client_side(&protection), world.client_side(&protection))
        };
        let mut new = Client::new(&engines.1);
        new.does(|slot| slot.set(Sparse { items: Vec::new() })).await;
        let mut old = new.at(&engines.0);
        assert_eq!(old.status().await, SessionStatus::Stale);
        assert_eq!(old.reads().await, Said::Nothing);
        assert_eq!(new.sees().await, Some(Arc::new(Sparse { items: Vec::new() })));
    }
}
