use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
struct CartV1;

#[derive(CoreSession, Serialize, Deserialize)]
#[session(version = 2, previous = CartV1)]
struct Cart;

fn main() {}
