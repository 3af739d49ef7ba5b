use sessions_derive::CoreSession;

#[derive(CoreSession)]
struct Login {
    #[session(principal)]
    user: String,
    #[session(principal)]
    tenant: String,
}

fn main() {}
