use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(name = "__host-cart")]
struct Cart;

fn main() {}
