use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(transport = cookie(secure, secure = true))]
struct Cart;

fn main() {}
