use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(name = "cart", transport = cookie(same_site = none, secure = false))]
struct Cart;

fn main() {}
