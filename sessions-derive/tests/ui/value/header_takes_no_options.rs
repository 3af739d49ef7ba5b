use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(name = "X-Cart", transport = header(name = "X-Cart"))]
struct Cart;

fn main() {}
