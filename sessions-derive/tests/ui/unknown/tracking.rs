use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(tracking = by_value)]
struct Cart;

fn main() {}
