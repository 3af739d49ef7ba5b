use sessions_core::Session;
use sessions_derive::CoreSession;

#[derive(CoreSession)]
#[session(name = "my cart")]
struct Cart {
    #[session(principal)]
    owner: String,
}

#[derive(CoreSession)]
struct Borrowing<'a>(&'a str);

fn needs_session<T: Session>(_: &T) -> Option<sessions_core::Principal> {
    T::previous();
    T::SPEC.violations();
    None
}

fn main() {
    let cart = Cart { owner: String::new() };
    needs_session(&cart);
    cart.principal();
    needs_session(&Borrowing("a"));
}
