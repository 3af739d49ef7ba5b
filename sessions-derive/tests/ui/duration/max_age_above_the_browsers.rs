use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(max_age = "401 days")]
struct Cart;

fn main() {}
