use actix_web::{App, get, web};
use sessions_actix::CurrentSession;

struct Cart;

#[get("/cart")]
async fn cart(_: CurrentSession<Cart>) -> &'static str {
    "a cart"
}

async fn checkout(_: CurrentSession<Cart>) -> &'static str {
    "paid"
}

fn main() {
    App::new().service(cart).route("/checkout", web::get().to(checkout));
}
