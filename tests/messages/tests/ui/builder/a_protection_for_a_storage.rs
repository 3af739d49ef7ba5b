use serde::{Deserialize, Serialize};
use sessions_actix::{
    Session, Sessions,
    protection::{Encrypted, KeyRing},
};

#[derive(Session, Serialize, Deserialize)]
struct Cart;

fn main() {
    let keys = KeyRing::from_env("SESSION_KEY").unwrap();
    let _ = Sessions::builder().server_side::<Cart>(Encrypted::new(&keys));
}
