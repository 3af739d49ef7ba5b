use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(nme = "X-Cart", transport = header)]
struct Cart;

fn main() {}
