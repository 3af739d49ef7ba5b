use actix_web::web;
use sessions_actix::CurrentSession;

struct Cart;

fn main() {
    web::get().to(|_: CurrentSession<Cart>| async { "a cart" });
}
