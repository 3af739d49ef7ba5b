use serde::{Deserialize, Serialize};
use sessions_derive::CoreSession;

#[derive(CoreSession, Serialize, Deserialize)]
#[session(max_size = 4096, size_limit = "4 kB", limit = 1)]
struct Cart {}

fn main() {}
