use sessions_derive::CoreSession;

#[derive(CoreSession)]
struct Login {
    #[session(principal = true)]
    user: String,
}

fn main() {}
