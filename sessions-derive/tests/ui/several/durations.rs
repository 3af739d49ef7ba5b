use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(max_age = "30 minuts", idle_timeout = "1h30m", absolute_lifetime = "-12h")]
struct Cart;

fn main() {}
