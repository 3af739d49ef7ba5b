use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(transport = cookie(name = "LOGIN", max_age = "1h"))]
struct Cart;

fn main() {}
