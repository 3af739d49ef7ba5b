use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(absolute_lifetime = "5000 days")]
struct Cart;

fn main() {}
