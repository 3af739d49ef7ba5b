use serde::{Deserialize, Serialize};
use sessions_actix::{Session, Sessions, storage::MemoryStorage};

#[derive(Session, Serialize, Deserialize)]
struct Cart;

fn main() {
    let _ = Sessions::builder().client_side::<Cart>(MemoryStorage::new());
}
