use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(key = "0123456789abcdef0123456789abcdef")]
struct Cart;

fn main() {}
