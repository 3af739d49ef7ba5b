use serde::{Deserialize, Serialize};
use sessions_actix::{Session, Sessions, storage::MemoryStorage};

#[derive(Session, Serialize, Deserialize)]
struct Cart {
    items: Vec<u32>,
}

fn main() {
    let _ = Sessions::builder()
        .server_side::<Cart>(MemoryStorage::new())
        .write_previous::<Cart>();
}
