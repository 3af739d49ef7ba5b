use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(path = "/shop", secure)]
struct Cart;

fn main() {}
