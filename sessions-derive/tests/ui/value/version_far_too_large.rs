use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
#[session(version = 99999999999)]
struct Cart {}

#[derive(CoreSession, Serialize, Deserialize)]
#[session(version = -1)]
struct Login {}

fn main() {}
