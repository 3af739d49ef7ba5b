use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(idle_timeout = "30 minuts")]
struct Cart;

fn main() {}
