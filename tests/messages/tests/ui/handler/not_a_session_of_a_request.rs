use actix_web::HttpRequest;
use sessions_actix::SessionsExt;

struct Cart;

async fn look(request: HttpRequest) {
    let _ = request.session::<Cart>().await;
}

fn main() {}
