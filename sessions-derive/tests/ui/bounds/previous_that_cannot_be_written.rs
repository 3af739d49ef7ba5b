use serde::{Deserialize, Serialize};
use sessions_core::engine::Engine;
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
struct CartV1;

impl From<CartV1> for Cart {
    fn from(_: CartV1) -> Self {
        Self
    }
}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(version = 2, previous = CartV1)]
pub struct Cart;

pub fn written(engine: Engine<Cart>) {
    let _ = engine.write_previous();
}

fn main() {}
