use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(idle_timeout = "0s")]
struct Cart;

fn main() {}
