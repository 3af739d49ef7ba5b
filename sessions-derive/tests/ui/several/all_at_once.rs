use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(nme = "CART", version = 0, idle_timeout = "soon")]
struct Cart<T> {
    #[session(principle)]
    owner: T,
}

#[derive(CoreSession)]
#[session(name = 5)]
enum State {
    Open,
}

fn main() {}
