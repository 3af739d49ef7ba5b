use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(colour = "red", transport = cookie(colour = "red"))]
struct Cart;

fn main() {}
