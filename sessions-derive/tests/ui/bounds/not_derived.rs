use sessions_core::Session;

struct Cart;

fn needs_session<T: Session>() {}

fn main() {
    needs_session::<Cart>();
}
