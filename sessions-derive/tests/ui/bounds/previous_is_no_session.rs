use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

struct CartV1;

impl From<CartV1> for Cart {
    fn from(_: CartV1) -> Self {
        Self
    }
}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(version = 2, previous = CartV1)]
struct Cart;

fn main() {}
