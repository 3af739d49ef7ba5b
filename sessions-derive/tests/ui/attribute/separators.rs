use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(name = "a" version = 2)]
struct NoComma;

#[derive(CoreSession)]
#[session("LOGIN")]
struct NoKey;

#[derive(CoreSession)]
#[session(, name = "a")]
struct StrayComma;

fn main() {}
