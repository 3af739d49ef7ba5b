use sessions_derive::CoreSession;

#[derive(CoreSession, serde::Serialize, serde::Deserialize)]
#[session(cookie_same_site = strict, cookie_http_only = true)]
struct Cart;

fn main() {}
