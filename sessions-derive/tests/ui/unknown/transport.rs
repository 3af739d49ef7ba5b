use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(transport = cokie(path = "/"))]
struct Cart;

fn main() {}
