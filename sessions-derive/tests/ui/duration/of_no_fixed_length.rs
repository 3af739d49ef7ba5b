use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(absolute_lifetime = "1 year")]
struct Cart;

fn main() {}
