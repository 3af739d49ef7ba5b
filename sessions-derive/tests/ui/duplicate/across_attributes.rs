use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(version = 2)]
#[session(version = 3)]
struct Cart;

fn main() {}
