use serde::{Deserialize, Serialize};
use sessions_actix::{Session, Sessions, storage::DirectoryStorage};

#[derive(Session, Serialize, Deserialize)]
struct Cart;

fn main() {
    let _ = Sessions::builder().server_side::<Cart>(DirectoryStorage::open("sessions"));
}
