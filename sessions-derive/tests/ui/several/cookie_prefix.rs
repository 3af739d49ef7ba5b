use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(name = "__Host-cart", transport = cookie(path = "/shop", domain = "example.org", secure = false))]
struct Cart;

fn main() {}
