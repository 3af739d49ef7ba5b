use serde::{Deserialize, Serialize};
use sessions_core::engine::Engine;
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
struct Cart;

pub fn written(engine: Engine<Cart>) {
    let _ = engine.write_previous();
}

fn main() {}
