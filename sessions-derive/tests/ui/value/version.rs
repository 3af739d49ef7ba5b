use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(version = 0)]
struct Cart;

fn main() {}
