use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(transport = header, name = "X Cart")]
struct Cart;

fn main() {}
