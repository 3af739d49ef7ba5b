use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
struct Login {
    #[session(principal)]
    member: bool,
}

fn main() {}
