use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(crate = sessions_core)]
struct Cart;

fn main() {}
