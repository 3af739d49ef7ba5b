use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(idle_timeout = "1h30m")]
struct Cart;

fn main() {}
