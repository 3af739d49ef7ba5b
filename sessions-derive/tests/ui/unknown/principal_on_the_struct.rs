use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(principal = owner)]
struct Cart;

fn main() {}
