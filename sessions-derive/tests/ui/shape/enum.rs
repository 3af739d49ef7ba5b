use sessions_derive::CoreSession;

#[derive(CoreSession)]
enum State {
    Open,
    Closed,
}

fn main() {}
