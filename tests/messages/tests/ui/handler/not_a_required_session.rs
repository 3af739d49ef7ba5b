use actix_web::get;
use sessions_actix::{FreshSession, RequiredSession};

struct Login;

#[get("/account")]
async fn account(_: RequiredSession<Login>) -> &'static str {
    "an account"
}

#[get("/password")]
async fn password(_: FreshSession<Login, 300>) -> &'static str {
    "a form"
}

fn main() {}
