use sessions_derive::CoreSession;

#[derive(CoreSession)]
struct Корзина;

fn main() {}
