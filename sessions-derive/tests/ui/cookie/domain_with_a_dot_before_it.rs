use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(transport = cookie(domain = ".example.org"))]
struct Cart;

fn main() {}
