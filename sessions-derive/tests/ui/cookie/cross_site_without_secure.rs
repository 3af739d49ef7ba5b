use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(name = "cart", transport = cookie(same_site = none, partitioned, secure = false))]
struct Cart;

fn main() {}
