use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(name = "__Host-Http-cart", transport = cookie(http_only = false))]
struct Cart;

fn main() {}
