use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(name = "X-Cart", transport = header, max_age = "30 days")]
struct Cart;

fn main() {}
