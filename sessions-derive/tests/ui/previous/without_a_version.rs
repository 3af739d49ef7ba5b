use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(previous = CartV1)]
struct Cart;

fn main() {}
