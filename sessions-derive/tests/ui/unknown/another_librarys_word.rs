use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(cookie_name = "cart", ttl = "30m", expires = "30 days", codec = Json)]
struct Cart;

fn main() {}
