use sessions_derive::CoreSession;
use serde::{Deserialize, Serialize};

#[derive(CoreSession, Serialize, Deserialize)]
#[serde(tag = "type")]
struct Cart {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(flatten)]
    items: Vec<u8>,
    #[serde(skip_serializing)]
    total: u64,
    #[serde(skip)]
    cached: u64,
    #[serde(skip, skip_serializing_if = "Option::is_none")]
    never: Option<u64>,
}

fn main() {}
