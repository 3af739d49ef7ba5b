use sessions_derive::CoreSession;

#[derive(CoreSession)]
struct Cart {
    items: Vec<u32>,
}

fn main() {}
