use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(storage = Memory, secret = "0123", encrypted, renew_every = "5m", write_previous)]
struct Cart;

fn main() {}
