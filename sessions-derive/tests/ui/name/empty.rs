use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(name = "")]
struct Cart;

fn main() {}
