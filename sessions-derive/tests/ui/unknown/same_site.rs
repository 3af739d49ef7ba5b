use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(transport = cookie(same_site = laxx))]
struct Cart;

fn main() {}
