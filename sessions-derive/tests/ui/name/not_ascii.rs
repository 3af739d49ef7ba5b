use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(name = "корзина")]
struct Cart;

fn main() {}
