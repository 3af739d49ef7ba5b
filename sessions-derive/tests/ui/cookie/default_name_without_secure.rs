use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(transport = cookie(secure = false))]
struct Cart;

fn main() {}
