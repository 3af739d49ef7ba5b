use sessions_core::{Session, WritePrevious};
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

fn can_be_written_as_before<T: WritePrevious>(_: &T) {}

fn main() {
    let cart = Cart { owner: String::new() };
    needs_session(&cart);
    cart.principal();
    can_be_written_as_before(&cart);
    needs_session(&Borrowing("a"));
}
