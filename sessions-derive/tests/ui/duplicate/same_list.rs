use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(name = "a", name = "b")]
struct Cart;

fn main() {}
