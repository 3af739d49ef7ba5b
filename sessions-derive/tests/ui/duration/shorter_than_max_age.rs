use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(max_age = "30 days", idle_timeout = "30m", absolute_lifetime = "12h")]
struct Cart;

fn main() {}
