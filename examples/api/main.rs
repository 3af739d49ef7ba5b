//! For a client that keeps no cookies: the session's token travels in a header, the data is JSON.
//!
//! Run it with `cargo run -p examples --bin api`. `PORT` sets the port, 8080 by default. Then:
//!
//! ```text
//! curl -i -X POST localhost:8080/cart -H 'content-type: application/json' -d '{"item": "tea", "quantity": 2}'
//! curl -i localhost:8080/cart -H 'X-Cart: <the token from the first answer>'
//! ```

use std::{collections::BTreeMap, error::Error};

use actix_web::{App, HttpResponse, HttpServer, Responder, delete, get, post, web};
use serde::{Deserialize, Serialize};
use sessions_actix::storage::MemoryStorage;
use sessions_actix::{CurrentSession, RequiredSession, Session, Sessions};

/// What the client wants to buy: how many of each item.
#[derive(Session, Serialize, Deserialize, Clone, Default)]
#[session(name = "X-Cart", transport = header, idle_timeout = "1h")]
struct Cart {
    items: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
struct Line {
    item: String,
    quantity: u32,
}

/// Adds to the cart, and begins one if there is none; the answer's `X-Cart` header then has its token.
#[post("/cart")]
async fn add(line: web::Json<Line>, cart: CurrentSession<Cart>) -> actix_web::Result<impl Responder> {
    let cart = cart
        .update_or_insert_with(Cart::default, |cart| {
            // This may run more than once, on a newer cart, so it takes nothing out of `line`.
            let quantity = cart.items.entry(line.item.clone()).or_default();
            *quantity = quantity.saturating_add(line.quantity);
            cart.clone()
        })
        .await?;
    Ok(web::Json(cart))
}

/// Shows the cart. Without one the answer is a 401.
#[get("/cart")]
async fn show(cart: RequiredSession<Cart>) -> impl Responder {
    web::Json(Cart::clone(&cart))
}

/// Ends the session.
#[delete("/cart")]
async fn empty(cart: CurrentSession<Cart>) -> actix_web::Result<impl Responder> {
    cart.clear()?;
    Ok(HttpResponse::NoContent())
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse::<u16>())?;

    // Made once: inside the closure below each worker would have a storage of its own.
    let sessions = Sessions::builder()
        .server_side::<Cart>(MemoryStorage::new())
        .build()?;

    let server = HttpServer::new(move || {
        App::new()
            .service(add)
            .service(show)
            .service(empty)
            .wrap(sessions.clone())
    })
    .bind(("127.0.0.1", port))?;
    for address in server.addrs() {
        println!("Listening on http://{address}");
    }
    server.run().await?;
    Ok(())
}
