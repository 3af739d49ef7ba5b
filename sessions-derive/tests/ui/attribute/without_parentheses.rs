use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session]
struct Bare;

#[derive(CoreSession)]
#[session = "LOGIN"]
struct Assigned;

#[derive(CoreSession)]
#[session["LOGIN"]]
struct Bracketed;

fn main() {}
