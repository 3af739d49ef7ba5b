use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(transport = header, name = "X-Cart", transport = cookie)]
struct Cart;

fn main() {}
