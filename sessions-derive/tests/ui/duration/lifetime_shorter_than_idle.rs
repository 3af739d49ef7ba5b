use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(idle_timeout = "30m", absolute_lifetime = "10m")]
struct Cart;

fn main() {}
