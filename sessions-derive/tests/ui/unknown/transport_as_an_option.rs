use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(cookie(path = "/shop"))]
struct Cart;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(header = "X-Cart")]
struct HeaderCart;

fn main() {}
