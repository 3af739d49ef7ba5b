use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(name, idle_timeout =, max_age = , transport)]
struct Cart;

fn main() {}
