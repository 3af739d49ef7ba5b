use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(transport = cookie(path = "shop"))]
struct Cart;

fn main() {}
