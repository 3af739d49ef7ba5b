use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(transport = cookie(http_only, http_only = false))]
struct Cart;

fn main() {}
