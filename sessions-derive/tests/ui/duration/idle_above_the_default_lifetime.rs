use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(idle_timeout = "1 day")]
struct Cart;

fn main() {}
