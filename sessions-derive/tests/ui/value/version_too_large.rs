use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(version = 5_000_000_000)]
struct Cart;

fn main() {}
