use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(transport = header)]
struct LoginSession;

fn main() {}
