use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(name = "__Http-cart", transport = cookie(http_only = false))]
struct Cart;

fn main() {}
