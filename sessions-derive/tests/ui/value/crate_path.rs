use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(crate = 5)]
struct Cart;

fn main() {}
