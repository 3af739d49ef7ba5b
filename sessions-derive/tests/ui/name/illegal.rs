use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(name = "my cart")]
struct Cart;

fn main() {}
