use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(transport = header, name = "authorization")]
struct Cart;

fn main() {}
