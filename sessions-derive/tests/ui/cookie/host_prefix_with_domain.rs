use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(name = "__Host-cart", transport = cookie(domain = "example.org"))]
struct Cart;

fn main() {}
