use serde::{Deserialize, Serialize};
use sessions_actix::{Session, Sessions, storage::MemoryStorage};

#[derive(Session, Serialize, Deserialize)]
struct CartV1 {
    item: u32,
}

#[derive(Session, Serialize, Deserialize)]
#[session(version = 2, previous = CartV1)]
struct Cart {
    items: Vec<u32>,
}

impl From<CartV1> for Cart {
    fn from(old: CartV1) -> Self {
        Self { items: vec![old.item] }
    }
}

fn main() {
    let _ = Sessions::builder()
        .server_side::<Cart>(MemoryStorage::new())
        .write_previous::<Cart>();
}
