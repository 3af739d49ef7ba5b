use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(name = "cart", transport = cookie(partitioned, secure = false))]
struct Cart;

fn main() {}
