use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(version = 2, previous = Cart)]
struct Cart;

fn main() {}
