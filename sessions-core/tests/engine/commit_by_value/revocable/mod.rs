//! Sessions that the client keeps and the server can end: what is ended stays so for every copy of a token, whoever is
//! late, and nothing is known of the others.

mod ends;
mod lasting;
mod late;
mod outages;
mod places;
mod principals;
mod skewed;

use std::sync::Arc;

use sessions_core::{
    ManualClock, Principal, PublicId, Session, SessionStorage,
    engine::{Engine, Environment},
    options::Options,
    protection::Encrypted,
};

use crate::support::{Client, Login, Said, World, login, ring};

fn engine(world: &World) -> Engine<Login> {
    on(world, world.storage.clone())
}

fn on<T: Session>(world: &World, storage: impl SessionStorage) -> Engine<T> {
    world.client_side_with(&Encrypted::new(&ring(1)), |options| options.revocable(storage))
}

/// A node with the same storage and a clock of its own.
fn node(world: &World, clock: &ManualClock) -> Engine<Login> {
    let environment = Environment {
        clock: Arc::new(clock.clone()),
        ..world.environment.clone()
    };
    let options = Options::of::<Login>().revocable(world.storage.clone());
    Engine::client_side(&environment, &Encrypted::new(&ring(1)), &options).unwrap()
}

fn alice() -> Principal {
    Principal::new("alice")
}

async fn log_in(engine: &Engine<Login>, user: &str) -> Client<Login> {
    let mut client = Client::new(engine);
    assert_eq!(client.does(|slot| slot.start(login(user, 1))).await, Said::Sent);
    client
}

async fn id(client: &Client<Login>) -> PublicId {
    client.open().await.public_id().unwrap()
}
